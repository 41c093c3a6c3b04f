"""The network against a forward pass written out in loops, and what has no effect on what."""

import math

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import ModelConfig
from chatbot.corpus.batches import make_batch
from chatbot.errors import ChatbotError
from chatbot.learn import networks, packing
from chatbot.learn.attention import attend
from chatbot.learn.dropout import NOTHING_DROPPED, Dropped
from chatbot.talk import networks as answering

SIZE, EMBEDDING, UNITS = 23, 5, 6
PAIRS = [
    ([4, 9, 11], [5, 6]),
    ([7], [8, 8, 9, 10]),
    ([12, 13, 14, 15, 16, 17, 18], [22]),
    ([5, 19], [20, 21, 4, 6, 7, 13]),
    ([3, 3, 10, 6], [11, 12, 3]),
]


KINDS = {
    "one direction": {},
    "both directions": {"bidirectional": True},
    "gru": {"cell": "gru"},
    "three layers": {"layers": 3},
    "two layers of both directions, gru, norms": {
        "layers": 2,
        "bidirectional": True,
        "cell": "gru",
        "layer_norm": True,
    },
    "no norms": {"layer_norm": False},
    "no norms, gru": {"layer_norm": False, "cell": "gru"},
    "dot": {"attention": "dot"},
    "additive": {"attention": "additive"},
    "tied": {"tied": True},
    "transformer": {"model_type": "transformer", "embedding": UNITS, "heads": 3},
    "tied transformer of one layer": {
        "model_type": "transformer",
        "embedding": UNITS,
        "heads": 2,
        "layers": 1,
        "tied": True,
    },
}


def made(size=SIZE, seed=1, **settings):
    """A network whose weights are larger than drawn, so that everything has an effect."""
    config = ModelConfig(**{"units": UNITS, "embedding": EMBEDDING, **settings})
    net = networks.network(size, config, seed=seed)
    generator = np.random.default_rng(40)
    for variable in net.trainable_variables:
        variable.assign_add(generator.normal(0, 0.3, variable.shape))
    return net


@pytest.fixture(scope="module", autouse=True)
def few_rows():
    """Time steps of few rows, so that blocks shrink with so few pairs as they do with many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "ROUND", 2)
        yield


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def net(request):
    return made(**request.param)


@pytest.fixture(scope="module")
def packed(encoded):
    def make(net, pairs):
        return net.pack(make_batch(encoded(pairs)))

    return make


@pytest.fixture(scope="module")
def loss(packed):
    """(net, pairs) -> the loss of a batch, as training computes it."""

    def compute(net, pairs, *, embedding=None, dtype=tf.float32):
        found = packed(net, pairs)
        rows = tf.gather(net.embedding if embedding is None else embedding, found.touched)
        return net.losses(rows, net.features(found), dtype, NOTHING_DROPPED)[0]

    return compute


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(scores):
    shares = np.exp(scores - np.max(scores))
    return shares / shares.sum()


def norm(w, name, x):
    return (x - x.mean()) / math.sqrt(x.var() + 1e-5) * w[f"{name}/gain"] + w[f"{name}/bias"]


def lstm(w, name, x, h, c):
    z = x @ w[f"{name}/kernel"] + h @ w[f"{name}/recurrent"] + w[f"{name}/bias"]
    i, f, g, o = np.split(z, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(w, name, x, h, c):
    r_x, z_x, g_x = np.split(x @ w[f"{name}/kernel"] + w[f"{name}/bias"][: 3 * len(h)], 3)
    r_h, z_h, g_h = np.split(h @ w[f"{name}/recurrent"], 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    g = np.tanh(g_x + r * (g_h + w[f"{name}/bias"][3 * len(h) :]))
    h = (1 - z) * g + z * h
    return h, h


def run(w, config, name, inputs):
    """All states of a layer in one direction, from nothing."""
    h = c = np.zeros(len(w[f"{name}/recurrent"]))
    states = []
    for x in inputs:
        h, c = {"lstm": lstm, "gru": gru}[config.cell](w, name, x, h, c)
        states.append((h, c))
    return states


def names_of(config, side):
    return [side, *(f"{side}_above/{n}" for n in range(config.depth - 1))]


def read_question(w, config, question):
    """The last layer's states, one for each token, and the first state of each of the decoder's."""
    x, first = [w["embedding"][token] for token in question], []
    for n, name in enumerate(names_of(config, "encoder")):
        if config.layer_norm:
            x = [norm(w, f"encoder_norms/{n}", one) for one in x]
        states = run(w, config, name, x)
        if config.bidirectional:
            back = run(w, config, name.replace("encoder", "backward"), x[::-1])
            last = [np.concatenate(both) for both in zip(states[-1], back[-1], strict=True)]
            x = [np.concatenate([a[0], b[0]]) for a, b in zip(states, back[::-1], strict=True)]
        else:
            last, x = states[-1], [h for h, _ in states]
        first.append(last)
    return x, first


def attended(w, config, h, hidden):
    """What a state of the decoder reads."""
    keys = hidden if config.attention == "dot" else [state @ w["attention"] for state in hidden]
    if config.attention == "additive":
        scores = [w["score"] @ np.tanh(h @ w["query"] + key) for key in keys]
    else:
        scores = [h @ key for key in keys]  # Luong 2015, eq. 8
    return sum(share * key for share, key in zip(softmax(scores), keys, strict=True))


def recurrent_vectors(w, config, question, tokens):
    hidden, states = read_question(w, config, question)
    step = {"lstm": lstm, "gru": gru}[config.cell]
    for token in tokens:
        x = w["embedding"][token]
        for n, name in enumerate(names_of(config, "decoder")):
            if config.layer_norm:
                x = norm(w, f"decoder_norms/{n}", x)
            states[n] = step(w, name, x, *states[n])
            x = states[n][0]
        yield np.tanh(np.concatenate([x, attended(w, config, x, hidden)]) @ w["combine"])


def placed(w, tokens):
    """Vaswani et al. 2017, sections 3.4 and 3.5, sines before cosines."""
    units = w["embedding"].shape[1]
    for place, token in enumerate(tokens):
        angles = [place / 10_000 ** (2 * i / units) for i in range(units // 2)]
        positions = [*map(math.sin, angles), *map(math.cos, angles)]
        yield w["embedding"][token] * math.sqrt(units) + positions


def heads(w, config, name, x, memory):
    """Attention of one place over others, head by head."""
    width = config.units // config.heads
    found = []
    for head in range(config.heads):
        part = slice(head * width, (head + 1) * width)
        query = (x @ w[f"{name}/query"])[part]
        keys = [(one @ w[f"{name}/memory"])[: config.units][part] for one in memory]
        values = [(one @ w[f"{name}/memory"])[config.units :][part] for one in memory]
        shares = softmax([query @ key / math.sqrt(width) for key in keys])
        found.append(sum(share * value for share, value in zip(shares, values, strict=True)))
    return np.concatenate(found) @ w[f"{name}/out"]


def fed(w, name, x):
    inside = np.maximum(x @ w[f"{name}/inner"] + w[f"{name}/inner_bias"], 0)
    return inside @ w[f"{name}/outer"] + w[f"{name}/outer_bias"]


def transformer_vectors(w, config, question, tokens):
    xs = list(placed(w, question))
    for n in range(config.depth):
        name = f"encoder_layers/{n}"
        ys = [norm(w, f"{name}/norms/0", x) for x in xs]
        xs = [x + heads(w, config, f"{name}/heads/0", y, ys) for x, y in zip(xs, ys, strict=True)]
        xs = [x + fed(w, name, norm(w, f"{name}/norms/1", x)) for x in xs]
    memory = [norm(w, "encoder_norm", x) for x in xs]
    xs = list(placed(w, tokens))
    for n in range(config.depth):
        name = f"decoder_layers/{n}"
        ys = [norm(w, f"{name}/norms/0", x) for x in xs]
        xs = [x + heads(w, config, f"{name}/heads/0", ys[t], ys[: t + 1]) for t, x in enumerate(xs)]
        ys = [norm(w, f"{name}/norms/1", x) for x in xs]
        xs = [
            x + heads(w, config, f"{name}/heads/1", y, memory) for x, y in zip(xs, ys, strict=True)
        ]
        xs = [x + fed(w, name, norm(w, f"{name}/norms/2", x)) for x in xs]
    return [norm(w, "decoder_norm", x) for x in xs]


def twin(w, config, pairs):
    """The loss of all targets in nats, pair by pair and step by step, in float64."""
    nats = 0.0
    classes = w["embedding"] @ w["output/views/0"] if config.tied else w["output/weight"]
    of_kind = {"recurrent": recurrent_vectors, "transformer": transformer_vectors}
    for question, reply in pairs:
        vectors = of_kind[config.model_type](w, config, question, [1, *reply])
        for vector, target in zip(vectors, [*reply, 2], strict=True):
            logits = classes @ vector + w["output/bias"]
            top = logits.max()
            nats -= logits[target] - top - math.log(np.exp(logits - top).sum())
    return nats


def test_the_loss_is_that_of_a_forward_pass_in_loops(net, loss):
    w = {name: np.float64(values) for name, values in net.weights().items()}
    assert float(loss(net, PAIRS)) == pytest.approx(twin(w, net.config, PAIRS), rel=2e-6)


def test_the_gradient_of_every_weight_is_a_finite_difference_of_the_twin(net, loss):
    variables = net.named
    assert len(variables) == len(net.trainable_variables)
    embedding = tf.Variable(net.embedding)
    watched = [embedding, *(v for name, v in variables.items() if name != "embedding")]
    with tf.GradientTape() as tape:
        total = loss(net, PAIRS, embedding=tf.identity(embedding))
    gradients = dict(zip(variables, tape.gradient(total, watched), strict=True))
    w = {name: np.float64(variable) for name, variable in variables.items()}
    for number, (name, gradient) in enumerate(gradients.items()):
        for seed in (number, 100 + number):
            direction = np.random.default_rng(seed).normal(size=w[name].shape)
            slope = twin(w | {name: w[name] + 1e-6 * direction}, net.config, PAIRS)
            slope = (slope - twin(w | {name: w[name] - 1e-6 * direction}, net.config, PAIRS)) / 2e-6
            found = float((tf.convert_to_tensor(gradient).numpy() * direction).sum())
            assert found == pytest.approx(slope, rel=1e-3, abs=1e-3), name


def walked(net, pairs):
    """The log-probability of every target, by the network that talks, fed the right replies."""
    talking = answering.network(net.weights(), net.config, None)
    state = talking.begin([question for question, _ in pairs])
    found = [[] for _ in pairs]
    for t in range(1 + max(len(reply) for _, reply in pairs)):
        tokens = [([1, *reply] + [0] * 99)[t] for _, reply in pairs]
        scores, state = talking.step(np.array(tokens, np.int32), state)
        for b, (_, reply) in enumerate(pairs):
            if t <= len(reply):
                found[b].append(float(scores[b, [*reply, 2][t]]))
    return found


def test_what_is_judged_is_what_is_learned_from(net, loss, packed):
    found = packed(net, PAIRS)
    rows = tf.gather(net.embedding, found.touched)
    judged = net.judged(rows, net.features(found), tf.float32)[0].numpy() @ found.weights
    assert float(judged) == pytest.approx(float(loss(net, PAIRS)), rel=1e-5)


def test_walking_step_by_step_gives_the_loss_of_training(net, loss):
    total = -sum(sum(one) for one in walked(net, PAIRS))
    assert float(loss(net, PAIRS)) == pytest.approx(total, rel=2e-6)


@pytest.mark.parametrize("settings", [{}, {"tied": True}], ids=["", "tied"])
def test_so_it_does_with_an_output_layer_of_two_clusters(loss, settings):
    net = made(size=4_010, **settings)
    pairs = [([4, 3_999], [499, 500, 7]), ([501], [4_009]), ([5, 6, 9], [8, 9, 10, 11])]
    total = -sum(sum(one) for one in walked(net, pairs))
    assert net.output.cutoffs == (500, 4_010)
    assert float(loss(net, pairs)) == pytest.approx(total, rel=5e-6)


def test_a_token_has_no_effect_on_the_past_nor_on_other_pairs(net):
    question, reply = PAIRS[3]
    other = [*PAIRS[:3], (question, [*reply[:2], 17, *reply[3:]]), PAIRS[4]]
    one, two = walked(net, PAIRS), walked(net, other)
    assert one[:3] + one[4:] == two[:3] + two[4:]
    assert one[3][:2] == two[3][:2]
    assert all(a != b for a, b in zip(one[3][2:], two[3][2:], strict=True))


def vectors(net, packed, pairs):
    """Output vectors by (pair, position), from the packed forward pass of training."""
    found = packed(net, pairs)
    rows = tf.gather(net.embedding, found.touched)
    result = net.vectors(rows, net.features(found), tf.float32, NOTHING_DROPPED).numpy()
    ranks = sorted(range(len(pairs)), key=lambda b: -len(pairs[b][1]))
    return {
        (b, t): result[found.output_place[found.target_row[rank, t]]]
        for rank, b in enumerate(ranks)
        for t in range(len(pairs[b][1]) + 1)
    }


def test_in_the_packed_pass_too_a_token_has_no_effect_on_the_past_nor_on_others(net, packed):
    question, reply = PAIRS[3]
    other = [*PAIRS[:3], (question, [*reply[:2], 17, *reply[3:]]), PAIRS[4]]
    one, two = vectors(net, packed, PAIRS), vectors(net, packed, other)
    changed = {place for place in one if np.abs(one[place] - two[place]).max() > 1e-6}
    assert changed == {(3, 3), (3, 4), (3, 5), (3, 6)}  # the inputs after the third target


def test_every_token_of_a_question_has_an_effect_on_every_target_of_its_pair_only(net, packed):
    one = vectors(net, packed, PAIRS)
    for position in range(len(PAIRS[0][0])):
        question = list(PAIRS[0][0])
        question[position] = 18
        two = vectors(net, packed, [(question, PAIRS[0][1]), *PAIRS[1:]])
        changed = {place for place in one if np.abs(one[place] - two[place]).max() > 1e-6}
        assert changed == {(0, 0), (0, 1), (0, 2)}


def test_a_longer_pair_in_the_batch_has_no_effect_on_the_others(net, packed):
    longer = [*PAIRS, (list(range(4, 23)), list(range(3, 22)))]
    one, two = vectors(net, packed, PAIRS), vectors(net, packed, longer)
    for place, vector in one.items():
        np.testing.assert_allclose(two[place], vector, atol=1e-6)


def test_the_order_of_a_batch_has_no_effect(net, packed, loss):
    turned = [PAIRS[b] for b in (3, 0, 4, 2, 1)]
    assert float(loss(net, turned)) == pytest.approx(float(loss(net, PAIRS)), rel=1e-6)
    one, two = vectors(net, packed, PAIRS), vectors(net, packed, turned)
    for new, b in enumerate((3, 0, 4, 2, 1)):
        for t in range(len(PAIRS[b][1]) + 1):
            np.testing.assert_allclose(two[new, t], one[b, t], atol=1e-6)


def test_the_loss_of_a_batch_is_the_sum_of_the_losses_of_its_pairs(net, loss):
    parts = sum(float(loss(net, [pair])) for pair in PAIRS)
    assert float(loss(net, PAIRS)) == pytest.approx(parts, rel=2e-6)


def test_bfloat16_products_stay_near_float32(net, loss):
    exact = float(loss(net, PAIRS))
    assert float(loss(net, PAIRS, dtype=tf.bfloat16)) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("words", [0.0, 0.3])
def test_what_is_dropped_is_a_function_of_the_key(net, packed, words):
    found = packed(net, PAIRS)
    rows = tf.gather(net.embedding, found.touched)

    def run(units, words, *key):
        dropped = Dropped(units, words, tf.constant(key, tf.int32))
        return net.vectors(rows, net.features(found), tf.float32, dropped).numpy()

    one, again, other = run(0.4, words, 5, 8), run(0.4, words, 5, 8), run(0.4, words, 5, 12)
    assert (one == again).all()
    assert (one != other).any()
    assert (run(0.4, words, 6, 8) != one).any()
    assert (run(0.0, 0.0, 5, 8) == run(0.0, 0.0, 6, 12)).all()
    assert (run(0.0, 0.3, 5, 8) != run(0.0, 0.0, 5, 8)).any()
    assert (one == 0).mean() == pytest.approx(0.4, abs=0.05)


def test_words_are_left_out_whole_and_the_others_stay_as_they_are():
    x = np.random.default_rng(3).normal(size=(4_000, 5)).astype(np.float32)
    found = Dropped(0.0, 0.3, tf.constant([5, 8])).words_of(tf.constant(x), 3).numpy()
    out = (found == 0).all(1)
    assert out.mean() == pytest.approx(0.3, abs=0.03)
    assert (found[~out] == x[~out]).all()


def test_words_are_left_out_of_questions_only(net, packed):
    """With every word of the questions left out, the questions have no say, the replies do."""
    others = [([22, *question[1:-1], 21][: len(question)], reply) for question, reply in PAIRS]
    answers = [(question, [*reply[:-1], 16]) for question, reply in PAIRS]

    def run(pairs):
        found = packed(net, pairs)
        rows = tf.gather(net.embedding, found.touched)
        dropped = Dropped(0.0, 1.0, tf.constant([5, 8]))
        return net.vectors(rows, net.features(found), tf.float32, dropped).numpy()

    assert (run(PAIRS) == run(others)).all()
    assert (run(PAIRS) != run(answers)).any()


@pytest.mark.parametrize("ranks", [None, np.arange(4_000) // 4], ids=["by rows", "by sequences"])
def test_what_is_kept_is_scaled_so_that_the_mean_stays(ranks):
    dropped = Dropped(0.3, 0.0, tf.constant([5, 4]), ranks is not None)
    found = dropped.units_of(tf.ones([4_000, 50]), 2, ranks).numpy()
    assert found.mean() == pytest.approx(1, abs=0.01)
    assert np.unique(found).tolist() == pytest.approx([0, 256 / 179])
    if ranks is not None:
        assert (found == found[(ranks * 4).astype(int)]).all()


def drawn(**given):
    config = ModelConfig(units=4, embedding=3)
    return [
        variable.numpy() for variable in networks.network(9, config, **given).trainable_variables
    ]


def test_the_same_seed_draws_the_same_weights_and_another_seed_others():
    one = drawn(seed=7)
    assert all((a == b).all() for a, b in zip(one, drawn(seed=7), strict=True))
    for seed in (8, 7 + (1 << 31), 7 + (1 << 40), 7 + (1 << 61)):
        for a, b in zip(one, drawn(seed=seed), strict=True):
            assert a.ndim == 1 or (a != b).any()


def test_no_two_matrices_are_drawn_alike():
    net = networks.network(9, ModelConfig(units=4, embedding=4), seed=3)
    encoder, decoder = net.encoder.kernel.numpy(), net.decoder.kernel.numpy()
    assert encoder.shape == decoder.shape
    assert (encoder != decoder).mean() > 0.9


def test_the_first_replies_have_the_frequencies_given():
    unigram = np.array([0, 0, 50, 1, 400, 30, 7], np.float32)
    net = networks.network(7, ModelConfig(units=4, embedding=3), unigram=unigram)
    assert np.exp(walked(net, [([4], [4])])[0][0]) == pytest.approx(400 / 488, rel=0.1)


def test_an_odd_number_of_units_cannot_be_halved():
    networks.network(9, ModelConfig(units=5, embedding=3))
    with pytest.raises(ChatbotError, match="--units: must be even with --bidirectional"):
        networks.network(9, ModelConfig(units=5, embedding=3, bidirectional=True))


def test_attention_leaves_padding_out_and_a_question_of_padding_is_finite():
    generator = np.random.default_rng(9)
    queries, keys = generator.normal(size=(2, 3, 4)), generator.normal(size=(2, 5, 4))
    mask = np.array([[0, 0, -1e9, -1e9, -1e9], [-1e9] * 5])
    arguments = [np.float32(one) for one in (queries, keys, mask[:, None])]
    found = attend(*map(tf.constant, arguments)).numpy()
    for t in range(3):
        shares = np.exp([queries[0, t] @ keys[0, s] for s in range(2)])
        expected = sum(share * keys[0, s] for s, share in enumerate(shares)) / shares.sum()
        np.testing.assert_allclose(found[0, t], expected, atol=1e-5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"units": 6, "embedding": 5}, "as wide as its layers. Give --units 5 or --embedding 6"),
        ({"units": 6, "embedding": 6, "heads": 4}, "--heads 4: 6 units cannot be dealt out evenly"),
        ({"units": 9, "embedding": 9, "heads": 3}, "--heads 3: 9 units cannot be dealt out evenly"),
    ],
)
def test_widths_of_a_transformer_go_together(settings, said):
    with pytest.raises(ChatbotError, match=said):
        networks.network(9, ModelConfig(model_type="transformer", **settings))


@pytest.mark.parametrize("kind", ["one direction", "three layers", "gru", "transformer"])
def test_variational_dropout_leaves_the_same_out_at_every_place(packed, kind, monkeypatch):
    """Every draw is of sequences, not of rows, whatever it is for."""
    net = made(**KINDS[kind])
    found = packed(net, PAIRS)
    rows, batch = tf.gather(net.embedding, found.touched), net.features(found)
    drawn = []
    plain = Dropped.factors

    def noted(self, shape, place):
        drawn.append((int(shape[0]), place))
        return plain(self, shape, place)

    monkeypatch.setattr(Dropped, "factors", noted)
    for variational in (True, False):
        net.vectors(rows, batch, tf.float32, Dropped(0.5, 0.0, tf.constant([5, 8]), variational))
    sequences = {int(batch[f"{side}_bounds"][1]) for side in ("source", "target")}
    assert {count for count, _ in drawn} <= sequences
    places = [place for _, place in drawn]
    assert len(places) == len(set(places))
    layers = net.config.depth
    # Recurrent: what enters the layers, the output, and the states of each layer of each side.
    # Transformer: the same but states, and every part of its layers.
    of_layers = 5 * layers if kind == "transformer" else 2 * layers + 2 * (layers - 1)
    assert len(places) == 3 + of_layers

"""Attention weights against loops over the weights of the network, and the words they belong to."""

import math

import numpy as np
import pytest

from chatbot.config import ModelConfig
from chatbot.learn.networks import network
from chatbot.talk import networks

SIZE, EMBEDDING, UNITS = 23, 5, 6
GO, EOS = 1, 2
PAIRS = [
    ([4, 9, 11], [5, 6]),
    ([7], [8, 8, 9, 10, EOS]),
    ([12, 13, 14, 15, 16, 17, 18], [22]),
    ([5, 19], [20, 21, 4, 6, 7, 13]),
]


@pytest.fixture(scope="module", params=[False, True], ids=["one direction", "both directions"])
def net(request):
    """A network whose weights are larger than drawn, so that it looks somewhere."""
    config = ModelConfig(units=UNITS, embedding=EMBEDDING, bidirectional=request.param)
    net = network(SIZE, config, seed=1)
    generator = np.random.default_rng(40)
    for variable in net.trainable_variables:
        variable.assign_add(generator.normal(0, 0.4, variable.shape))
    return net


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def cell(weights, x, h, c):
    """One step of an LSTM, unit by unit, in float64."""
    kernel, recurrent, bias = (
        np.float64(part) for part in (weights.kernel, weights.recurrent, weights.bias)
    )
    z = x @ kernel + h @ recurrent + bias
    units, new_h, new_c = len(h), [], []
    for u in range(units):
        i, f, g, o = (z[u + gate * units] for gate in range(4))
        new_c.append(sigmoid(f) * c[u] + sigmoid(i) * math.tanh(g))
        new_h.append(sigmoid(o) * math.tanh(new_c[-1]))
    return np.array(new_h), np.array(new_c)


def read(weights, vectors):
    h = c = np.zeros(weights.recurrent.shape[0])
    states = []
    for x in vectors:
        h, c = cell(weights, x, h, c)
        states.append(h)
    return states, h, c


def normed(norm, x):
    """Ba et al. 2016, eq. 4."""
    spread = math.sqrt(sum((one - x.mean()) ** 2 for one in x) / len(x) + 1e-5)
    return (x - x.mean()) / spread * np.float64(norm.gain) + np.float64(norm.bias)


def twin(net, question, reply):
    """Luong et al. 2015, eq. 7 and 8, position by position."""
    embedding, general = np.float64(net.embedding), np.float64(net.attention)
    vectors = [normed(net.encoder_norms[0], embedding[id]) for id in question]
    states, h, c = read(net.encoder, vectors)
    if net.backward is not None:
        back, back_h, back_c = read(net.backward, vectors[::-1])
        states = [np.concatenate(both) for both in zip(states, back[::-1], strict=True)]
        h, c = np.concatenate([h, back_h]), np.concatenate([c, back_c])
    rows = []
    for id in [GO, *reply[:-1]]:
        h, c = cell(net.decoder, normed(net.decoder_norms[0], embedding[id]), h, c)
        scores = [math.exp(sum((state @ general) * h)) for state in states]
        rows.append([score / sum(scores) for score in scores])
    return np.array(rows)


def attention_of(net, *pair):
    return networks.network(net.weights(), net.config, None).attention(*pair)


@pytest.mark.parametrize(("question", "reply"), PAIRS)
def test_the_weights_are_those_of_a_forward_pass_in_loops(net, question, reply):
    found = attention_of(net, question, reply)
    assert (found.dtype, found.shape) == (np.float32, (len(reply), len(question)))
    np.testing.assert_allclose(found, twin(net, question, reply), atol=2e-6)


@pytest.mark.parametrize(("question", "reply"), PAIRS)
def test_each_word_of_a_reply_shares_out_all_of_its_attention(net, question, reply):
    found = attention_of(net, question, reply)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert (found >= 0).all()


def test_a_word_of_a_reply_is_predicted_before_it_is_read(net):
    question, reply = PAIRS[0][0], PAIRS[3][1]
    other = [*reply[:2], 17, *reply[3:]]
    one, two = (attention_of(net, question, said) for said in (reply, other))
    np.testing.assert_allclose(one[:3], two[:3], atol=1e-7)
    assert (np.abs(one[3:] - two[3:]).max(1) > 1e-4).all()


def test_the_bot_names_the_words_that_the_weights_belong_to(bot):
    found = bot.why("今天天气怎么样", "外面下着雨呢")
    assert "".join(found.question) == "今天天气怎么样"
    assert "".join(found.reply) == "外面下着雨呢"
    ids = [[bot.vocabulary.ids[word] for word in side] for side in (found.question, found.reply)]
    weights = bot.network.attention(*ids)
    assert (found.weights == weights).all()


def test_the_bot_tells_of_several_replies_as_of_each(bot):
    texts, replies = ["晚安", "今天天气怎么样"], ["外面下着雨呢", "2"]
    for found, *pair in zip(bot.whys(texts, replies), texts, replies, strict=True):
        alone = bot.why(*pair)
        assert found[:2] == alone[:2]
        np.testing.assert_allclose(found.weights, alone.weights, atol=1e-6)
    assert bot.whys([], []) == []


def test_nothing_said_and_nothing_asked_have_weights_too(bot):
    found = bot.why("", "")
    assert (found.question, found.reply, found.weights.tolist()) == (["<go>"], ["<unk>"], [[1]])

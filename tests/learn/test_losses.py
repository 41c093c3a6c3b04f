"""The chunked, clustered loss against a dense log-softmax."""

import math

import numpy as np
import pytest
import tensorflow as tf

from chatbot.learn.losses import dense, summed_loss
from chatbot.learn.output import OutputLayer, cutoffs_of, tail_width

UNITS, WIDTH = 6, 5
ROWS = (64, 128, 192)  # by cluster, as `packing` rounds them
SIZES = (37, 4_003, 10_007)


def drawn(seed):
    generator = np.random.default_rng(seed)

    def uniform(name, shape, limit):
        return tf.Variable(generator.uniform(-limit, limit, shape).astype(np.float32), name=name)

    return uniform


class Case:
    """An output layer, and rows sorted by the cluster of their label, some of weight 0."""

    def __init__(self, size):
        generator = np.random.default_rng(size)
        unigram = np.sort(generator.integers(0, 1000, size))[::-1].astype(np.float32)
        self.unigram = unigram
        self.layer = OutputLayer(size, UNITS, unigram, drawn(3), WIDTH)
        rows = generator.normal(0, 0.5, (self.layer.shared + 9, WIDTH)).astype(np.float32)
        self.rows = tf.Variable(rows, name="rows")
        for variable in self.layer.trainable_variables:  # so that no gradient is tiny
            variable.assign(variable + generator.normal(0, 0.3, variable.shape))
        edges = (0, *self.layer.cutoffs)
        labels, weights = [], []
        for rows, first, last in zip(ROWS, edges, edges[1:], strict=False):
            labels.append(generator.integers(first, last, rows))
            labels[-1][:2] = first, last - 1
            weights.append(np.arange(rows) < rows - 5)
        self.weights = np.concatenate(weights).astype(np.float32)
        self.labels = np.where(self.weights > 0, np.concatenate(labels), 0).astype(np.int32)
        self.bounds = np.cumsum([0, *(len(one) for one in labels)]).astype(np.int32)
        self.x = generator.normal(0, 1, (len(self.labels), UNITS)).astype(np.float32)

    def loss(self, x=None, dtype=tf.float32):
        x = tf.constant(self.x) if x is None else x
        classes = self.layer.classes(self.rows, dtype)
        bounds = tf.constant(self.bounds)
        return self.layer.loss(x, classes, self.labels, self.weights, bounds, dtype)[0]


@pytest.fixture(scope="module", params=SIZES)
def case(request):
    return Case(request.param)


def log_softmax(logits):
    top = logits.max(-1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))


def dense_classes(layer, rows):
    """The vectors of classes in float64, entry by entry."""
    found = [np.float64(one) for one in (layer.weight, *layer.tail_weights)]
    rows = np.float64(rows)
    for entry in range(layer.shared):
        cluster = int(entry >= layer.cutoffs[0])
        place = entry - cluster * layer.cutoffs[0]
        found[cluster][place] += rows[entry] @ np.float64(layer.views[cluster])
    return found


def dense_scores(layer, x, rows):
    """Log-probabilities of all entries in float64, from what the module says of clusters."""
    x = np.asarray(x, np.float64)
    cutoffs = layer.cutoffs
    first, *tails = dense_classes(layer, rows)
    head = log_softmax(x @ first.T + np.float64(layer.bias))
    scores = np.empty((len(x), cutoffs[-1]))
    scores[:, : cutoffs[0]] = head[:, : cutoffs[0]]
    for k in range(len(cutoffs) - 1):
        narrow = x @ np.float64(layer.projections[k])
        logits = narrow @ tails[k].T + np.float64(layer.tail_biases[k])
        slot = head[:, cutoffs[0] + k, None]
        scores[:, cutoffs[k] : cutoffs[k + 1]] = slot + log_softmax(logits)
    return scores


def test_one_two_or_three_clusters_by_the_size_of_the_vocabulary():
    assert [cutoffs_of(n) for n in (4, 4_000, 4_001, 4_500, 4_501, 50_000)] == [
        (4,),
        (4_000,),
        (500, 4_001),
        (500, 4_500),
        (500, 4_000, 4_501),
        (500, 4_000, 50_000),
    ]
    assert [tail_width(256, k) for k in (0, 1)] == [64, 32]
    assert tail_width(3, 1) == 1


def test_the_loss_is_that_of_the_dense_softmax(case):
    scores = dense_scores(case.layer, case.x, case.rows)
    expected = -scores[np.arange(len(case.labels)), case.labels]
    real = case.weights > 0
    assert len(case.layer.cutoffs) == SIZES.index(len(case.unigram)) + 1
    assert float(case.loss()) == pytest.approx(expected[real].sum(), rel=2e-6)
    bounds = tf.constant(case.bounds)
    classes = case.layer.classes(case.rows)
    _, rows = case.layer.loss(case.x, classes, case.labels, case.weights, bounds, tf.float32)
    for found in (rows, case.layer.nats(case.x, classes, case.labels, bounds, tf.float32)):
        np.testing.assert_allclose(found.numpy()[real], expected[real], rtol=1e-5)


def test_log_probabilities_are_the_dense_ones_and_sum_to_one(case):
    found = case.layer.log_probabilities(case.x[:7], case.layer.classes(case.rows)).numpy()
    assert found.shape == (7, len(case.unigram))
    np.testing.assert_allclose(found, dense_scores(case.layer, case.x[:7], case.rows), atol=2e-5)
    np.testing.assert_allclose(np.exp(found.astype(np.float64)).sum(1), 1, atol=1e-5)


def test_the_loss_is_the_negative_log_probability_of_the_labels(case):
    classes = case.layer.classes(case.rows)
    found = case.layer.log_probabilities(case.x, classes).numpy().astype(np.float64)
    chosen = found[np.arange(len(case.labels)), case.labels]
    assert float(case.loss()) == pytest.approx(-(chosen * case.weights).sum(), rel=2e-6)


def naive_loss(case, x):
    """The loss over all logits at once, for TensorFlow to differentiate."""
    layer, cutoffs = case.layer, case.layer.cutoffs
    first, *tails = [tf.convert_to_tensor(one) for one in (layer.weight, *layer.tail_weights)]
    if layer.shared:
        seen = case.rows[: cutoffs[0]] @ layer.views[0]
        first = tf.concat([first[: cutoffs[0]] + seen, first[cutoffs[0] :]], 0)
        tails[0] += case.rows[cutoffs[0] : cutoffs[1]] @ layer.views[1]
    head = tf.nn.log_softmax(tf.matmul(x, first, transpose_b=True) + layer.bias)
    parts = [head[:, : cutoffs[0]]]
    for k in range(len(cutoffs) - 1):
        logits = tf.matmul(x @ layer.projections[k], tails[k], transpose_b=True)
        parts.append(
            head[:, cutoffs[0] + k, None] + tf.nn.log_softmax(logits + layer.tail_biases[k])
        )
    chosen = tf.gather(tf.concat(parts, 1), case.labels, batch_dims=1)
    return -tf.reduce_sum(chosen * case.weights)


def gradients(case, loss):
    x = tf.Variable(case.x)
    shared = [case.rows] if case.layer.shared else []
    variables = [x, *shared, *case.layer.trainable_variables]
    with tf.GradientTape() as tape:
        total = loss(tf.convert_to_tensor(x))
    names = ["x", *(variable.name for variable in variables[1:])]
    found = tape.gradient(total, variables)
    return dict(zip(names, (tf.convert_to_tensor(one).numpy() for one in found), strict=True))


def test_the_gradient_of_every_argument_is_that_of_all_logits_at_once(case):
    found, expected = gradients(case, case.loss), gradients(case, lambda x: naive_loss(case, x))
    tails = len(case.layer.cutoffs) - 1
    assert len(found) == 3 + 3 * tails + (3 if tails else 0)  # rows and two views
    for name, one in expected.items():
        assert np.abs(one).max() > 0.01, name
        np.testing.assert_allclose(found[name], one, atol=1e-5, rtol=1e-4, err_msg=name)


def test_rows_of_weight_zero_cost_nothing_and_get_no_gradient(case):
    x = case.x.copy()
    idle = case.weights == 0
    x[idle] = 50.0
    assert float(case.loss(tf.constant(x))) == pytest.approx(float(case.loss()), rel=1e-7)
    assert not gradients(case, case.loss)["x"][idle].any()


def test_bfloat16_products_stay_near_float32(case):
    assert float(case.loss(dtype=tf.bfloat16)) == pytest.approx(float(case.loss()), rel=0.01)
    exact = gradients(case, case.loss)
    rough = gradients(case, lambda x: case.loss(x, tf.bfloat16))
    for name, one in exact.items():
        assert np.linalg.norm(one - rough[name]) < 0.05 * np.linalg.norm(one), name


@pytest.mark.parametrize("rows", [1, 1_024, 1_025, 2_500])
def test_chunks_of_rows_add_up(rows):
    generator = np.random.default_rng(rows)
    x, weight, bias = (
        tf.Variable(generator.normal(0, 1, shape).astype(np.float32))
        for shape in ((rows, 5), (11, 5), (11,))
    )
    labels = generator.integers(0, 11, rows).astype(np.int32)
    weights = generator.uniform(0, 2, rows).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        found, rows_of_it = summed_loss(
            tf.identity(x), tf.identity(weight), tf.identity(bias), labels, weights, tf.float32
        )
        logits = tf.matmul(x, weight, transpose_b=True) + bias
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        expected = tf.reduce_sum(nats * weights)
        tripled = 3 * found
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    np.testing.assert_allclose(rows_of_it, nats, rtol=1e-5, atol=1e-6)
    for variable in (x, weight, bias):
        one, other = tape.gradient(found, variable), tape.gradient(expected, variable)
        np.testing.assert_allclose(one, other, atol=2e-4, rtol=1e-4)
        np.testing.assert_allclose(tape.gradient(tripled, variable), 3 * one, rtol=1e-6)


def test_the_biases_begin_at_the_frequencies():
    for size in SIZES:
        counts = np.arange(size, 0, -1).astype(np.float32)
        layer = OutputLayer(size, UNITS, counts, drawn(4))
        x, classes = np.zeros((1, UNITS), np.float32), layer.classes(None)
        found = np.exp(layer.log_probabilities(x, classes).numpy()[0])
        np.testing.assert_allclose(found, (counts + 0.1) / (counts + 0.1).sum(), rtol=2e-4)


def test_an_entry_never_seen_can_still_be_learnt():
    layer = OutputLayer(5, UNITS, np.array([0, 0, 3, 0, 9], np.float32), drawn(5))
    assert math.isfinite(layer.bias.numpy().min())


def test_a_product_and_its_gradients_are_those_of_matmul():
    x, weight = tf.Variable(drawn(6)("x", (7, 3), 1)), tf.Variable(drawn(7)("w", (3, 5), 1))
    up = np.random.default_rng(8).normal(size=(7, 5)).astype(np.float32)
    for dtype, tolerance in ((tf.float32, 1e-6), (tf.bfloat16, 0.05)):
        with tf.GradientTape() as tape:
            found = dense(tf.identity(x), tf.identity(weight), dtype)
            total = tf.reduce_sum(found * up)
        d_x, d_weight = tape.gradient(total, [x, weight])
        assert found.dtype == tf.float32
        np.testing.assert_allclose(found, x.numpy() @ weight.numpy(), atol=tolerance)
        np.testing.assert_allclose(d_x, up @ weight.numpy().T, atol=tolerance)
        np.testing.assert_allclose(d_weight, x.numpy().T @ up, atol=2 * tolerance)

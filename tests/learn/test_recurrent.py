"""Packed recurrent layers against nested loops, plain differentiated loops, and Keras."""

import math

import numpy as np
import pytest
import tensorflow as tf

from chatbot.learn import packing
from chatbot.learn.cells import CELLS
from chatbot.learn.packing import pack_side
from chatbot.learn.recurrent import cudnn_parameters, ranks, recur

LENGTHS = np.array([2, 5, 1, 3, 4], np.int32)
INPUTS, UNITS = 3, 4
NAMES = ("x", "kernel", "recurrent", "bias", "h0", "c0")


def numbers(*shape, seed, scale=0.7):
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


class Case:
    """Sequences of `LENGTHS`, unpacked by number and packed by row, and all weights."""

    def __init__(self, cell, kept):
        self.cell, gates = cell, CELLS[cell].gates
        self.side = pack_side(LENGTHS)
        count = len(self.side.row)
        self.sequences = [numbers(n, INPUTS, seed=10 + b) for b, n in enumerate(LENGTHS)]
        self.x = numbers(self.side.rows, INPUTS, seed=1)  # padding rows hold anything
        for b, sequence in enumerate(self.sequences):
            for t, row in enumerate(sequence):
                self.x[self.side.row[b, t]] = row
        self.kernel = numbers(INPUTS, gates * UNITS, seed=2)
        self.recurrent = numbers(UNITS, gates * UNITS, seed=3)
        self.bias = numbers(4 * UNITS, seed=4)
        self.h0 = numbers(count, UNITS, seed=5)
        self.c0 = self.h0 if cell == "gru" else numbers(count, UNITS, seed=6)
        self.kept = None
        if kept:
            self.kept = np.random.default_rng(9).choice([0, 2], (count, UNITS)).astype(np.float32)
        self.rank = {int(b): rank for rank, b in enumerate(self.side.order)}
        self.real = [self.side.row[b, t] for b, n in enumerate(LENGTHS) for t in range(n)]

    @property
    def arguments(self):
        return [getattr(self, name) for name in NAMES]

    def run(self, arguments=None, **options):
        x, *others = arguments or [tf.constant(one) for one in self.arguments]
        bounds, kind = tf.constant(self.side.bounds), {"cell": self.cell, "kept": self.kept}
        return recur(x, bounds, *others, **kind, **options)

    def kept_of(self, b):
        """Factors on the hidden state of a sequence where it enters the gates."""
        return np.ones(UNITS, np.float32) if self.kept is None else self.kept[self.rank[b]]


@pytest.fixture(
    scope="module",
    params=[("lstm", False), ("lstm", True), ("gru", False), ("gru", True)],
    ids=["lstm", "lstm that loses states", "gru", "gru that loses states"],
)
def case(request):
    """Blocks of 6, 4, 4, 2 and 2 rows: so few sequences would else make blocks of one size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "ROUND", 2)
        made = Case(*request.param)
    assert made.side.bounds.tolist() == [0, 6, 10, 14, 16, 18]
    return made


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def products(x, kernel, n):
    return sum(float(x[i]) * float(kernel[i, n]) for i in range(len(x)))


def lstm_twin(sequence, kernel, recurrent, bias, h, c, kept):
    """One sequence, one number at a time, in float64; gates i, f, g, o as Keras has them."""
    states = []
    for x in sequence:
        gates = [
            float(bias[n]) + products(x, kernel, n) + products(h * kept, recurrent, n)
            for n in range(4 * UNITS)
        ]
        h, c = np.array(h, float), np.array(c, float)
        for j in range(UNITS):
            i, f, g, o = (gates[k * UNITS + j] for k in range(4))
            c[j] = sigmoid(f) * float(c[j]) + sigmoid(i) * math.tanh(g)
            h[j] = sigmoid(o) * math.tanh(c[j])
        states.append((h, c))
    return states


def gru_twin(sequence, kernel, recurrent, bias, h, _, kept):
    """The same; gates r, z, g."""
    states = []
    for x in sequence:
        by_x = [float(bias[n]) + products(x, kernel, n) for n in range(3 * UNITS)]
        by_h = [products(h * kept, recurrent, n) for n in range(3 * UNITS)]
        new = np.zeros(UNITS)
        for j in range(UNITS):
            r, z = (sigmoid(by_x[k * UNITS + j] + by_h[k * UNITS + j]) for k in range(2))
            inside = by_h[2 * UNITS + j] + float(bias[3 * UNITS + j])
            g = math.tanh(by_x[2 * UNITS + j] + r * inside)
            new[j] = (1 - z) * g + z * float(h[j])
        h = new
        states.append((h, h))
    return states


TWINS = {"lstm": lstm_twin, "gru": gru_twin}


def test_every_state_is_that_of_the_sequence_alone(case):
    hidden, cells = (part.numpy() for part in case.run())
    for b, sequence in enumerate(case.sequences):
        h0, c0 = case.h0[case.rank[b]], case.c0[case.rank[b]]
        weights = case.kernel, case.recurrent, case.bias
        expected = TWINS[case.cell](sequence, *weights, h0, c0, case.kept_of(b))
        for t, (h, c) in enumerate(expected):
            row = case.side.row[b, t]
            np.testing.assert_allclose(hidden[row], h, atol=2e-6)
            np.testing.assert_allclose(cells[row], c, atol=2e-6)


def test_rows_past_the_last_step_are_zero(case):
    for part in case.run():
        assert not part.numpy()[case.side.bounds[-1] :].any()


def weighted(case, hidden, cells, cells_of=None):
    """A number that depends on every real state; padding rows have no say.

    Or on the cell states of the rows `cells_of` only.
    """
    real, counted = np.zeros((2, case.side.rows, 1), np.float32)
    real[case.real] = 1
    counted[case.real if cells_of is None else cells_of] = 1
    one = numbers(case.side.rows, UNITS, seed=7) * real
    other = numbers(case.side.rows, UNITS, seed=8) * counted
    return tf.reduce_sum(hidden * one) + tf.reduce_sum(cells * other)


def written_out(case, cells_of=None, **options):
    """The gradient of `weighted` with respect to every argument, by the code under test."""
    arguments = [tf.Variable(one) for one in case.arguments]
    with tf.GradientTape() as tape:
        hidden, cells = case.run([tf.identity(one) for one in arguments], **options)
        total = weighted(case, tf.cast(hidden, tf.float32), cells, cells_of)
    return [one.numpy() for one in tape.gradient(total, arguments)]


def plain_lstm(by_x, by_h, bias, _, c):
    i, f, g, o = tf.split(by_x + by_h + bias, 4, 1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def plain_gru(by_x, by_h, bias, _, c):
    r_x, z_x, g_x = tf.split(by_x + bias[: 3 * UNITS], 3, 1)
    r_h, z_h, g_h = tf.split(by_h, 3, 1)
    z = tf.sigmoid(z_x + z_h)
    g = tf.tanh(g_x + tf.sigmoid(r_x + r_h) * (g_h + bias[3 * UNITS :]))
    h = (1 - z) * g + z * c
    return h, h


PLAIN = {"lstm": plain_lstm, "gru": plain_gru}


def differentiated(case):
    """The same by TensorFlow through a plain loop over sequences and steps."""
    arguments = [tf.Variable(one) for one in case.arguments]
    x, kernel, recurrent, bias, h0, c0 = arguments
    one = numbers(case.side.rows, UNITS, seed=7)
    other = numbers(case.side.rows, UNITS, seed=8)
    with tf.GradientTape() as tape:
        total = tf.constant(0.0)
        for b, length in enumerate(LENGTHS):
            h, c = h0[case.rank[b]][None], c0[case.rank[b]][None]
            for t in range(length):
                row = int(case.side.row[b, t])
                by_x, by_h = x[row][None] @ kernel, (h * case.kept_of(b)) @ recurrent
                h, c = PLAIN[case.cell](by_x, by_h, bias, h, c)
                total += tf.reduce_sum(h[0] * one[row]) + tf.reduce_sum(c[0] * other[row])
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(total, arguments)]


def test_the_gradient_of_every_argument_is_that_of_a_plain_loop(case):
    for name, found, expected in zip(NAMES, written_out(case), differentiated(case), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_every_argument_is_a_finite_difference(case, name):
    at = NAMES.index(name)
    direction = np.random.default_rng(at).normal(size=case.arguments[at].shape)
    direction = (direction / np.linalg.norm(direction)).astype(np.float32)
    ends = []
    for sign in (1, -1):
        moved = list(case.arguments)
        moved[at] = moved[at] + sign * np.float32(1e-2) * direction
        ends.append(float(weighted(case, *case.run([tf.constant(one) for one in moved]))))
    slope = (ends[0] - ends[1]) / 2e-2
    assert np.sum(written_out(case)[at] * direction) == pytest.approx(slope, abs=3e-3, rel=3e-3)


def test_padding_rows_and_sequences_that_are_none_get_exactly_zero_gradient(case):
    x, *_, h0, c0 = written_out(case)
    padding = np.ones(case.side.rows, bool)
    padding[case.real] = False
    assert padding[: case.side.bounds[-1]].any()
    assert not x[padding].any()
    assert not h0[len(LENGTHS) :].any()
    assert not c0[len(LENGTHS) :].any()


def test_a_token_has_no_effect_on_the_past_nor_on_other_sequences(case):
    moved = case.x.copy()
    moved[case.side.row[1, 2]] += 1
    hidden = case.run()[0].numpy()
    other = case.run([tf.constant(one) for one in (moved, *case.arguments[1:])])[0].numpy()
    changed = {
        (b, t)
        for b, n in enumerate(LENGTHS)
        for t in range(n)
        if (hidden[case.side.row[b, t]] != other[case.side.row[b, t]]).any()
    }
    assert changed == {(1, 2), (1, 3), (1, 4)}


def test_a_compiled_call_gives_the_same_states_and_gradients(case):
    spec = [
        tf.TensorSpec([None, *one.shape[1:]] if at in (0, 4, 5) else one.shape)
        for at, one in enumerate(case.arguments)
    ]

    @tf.function(input_signature=[*spec, tf.TensorSpec([None], tf.int32)])
    def compiled(x, kernel, recurrent, bias, h0, c0, bounds):
        arguments = (x, kernel, recurrent, bias, h0, c0)
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            hidden, cells = recur(x, bounds, *arguments[1:], cell=case.cell, kept=case.kept)
            total = weighted(case, hidden, cells)
        return hidden, cells, tape.gradient(total, arguments)

    hidden, cells, gradients = compiled(*case.arguments, case.side.bounds)
    for found, expected in zip((hidden, cells), case.run(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    for found, expected in zip(gradients, written_out(case), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bfloat16_products_stay_near_float32(case):
    kinds = (tf.bfloat16, tf.float32)
    for found, expected, kind in zip(case.run(dtype=tf.bfloat16), case.run(), kinds, strict=True):
        assert found.dtype == kind
        found = tf.cast(found, tf.float32)
        np.testing.assert_allclose(found, expected, atol=0.05)
    exact, rough = written_out(case), written_out(case, dtype=tf.bfloat16)
    for name, one, other in zip(NAMES, exact, rough, strict=True):
        assert np.linalg.norm(one - other) < 0.03 * np.linalg.norm(one), name


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_weights_mean_what_they_mean_to_keras(cell):
    keras = pytest.importorskip("keras")
    gates = CELLS[cell].gates
    kernel, recurrent = (
        numbers(INPUTS, gates * UNITS, seed=2),
        numbers(UNITS, gates * UNITS, seed=3),
    )
    bias = numbers(4 * UNITS, seed=4)
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell](UNITS, return_sequences=True)
    x = numbers(3, 6, INPUTS, seed=21)
    layer.build(x.shape)
    theirs = [kernel, recurrent, bias]
    if cell == "gru":  # theirs has z before r, and a second bias for every gate
        order = np.concatenate([np.arange(n * UNITS, (n + 1) * UNITS) for n in (1, 0, 2)])
        second = np.concatenate([np.zeros(2 * UNITS, np.float32), bias[3 * UNITS :]])
        biases = np.stack([bias[: 3 * UNITS][order], second])
        theirs = [kernel[:, order], recurrent[:, order], biases]
    layer.set_weights(theirs)
    expected = layer(x).numpy()
    side = pack_side(np.array([6, 6, 6], np.int32))
    rows = np.zeros((side.rows, INPUTS), np.float32)
    rows[side.row[:3, :6]] = x
    zeros = tf.zeros([len(side.row), UNITS])
    weights = map(tf.constant, (kernel, recurrent, bias))
    hidden, _ = recur(tf.constant(rows), side.bounds, *weights, zeros, zeros, cell=cell)
    np.testing.assert_allclose(hidden.numpy()[side.row[:3, :6]], expected, atol=2e-6)


def test_the_rank_of_every_row_is_that_of_its_sequence(case):
    found = ranks(tf.constant(case.side.bounds), case.side.rows).numpy()
    for b, n in enumerate(LENGTHS):
        assert {found[case.side.row[b, t]] for t in range(n)} == {case.rank[b]}
    assert not found[case.side.bounds[-1] :].any()


@pytest.fixture(scope="module", params=["lstm", "gru"])
def whole_case(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "ROUND", 2)
        return Case(request.param, False)


def test_cudnn_gets_transposed_matrices_and_then_two_biases_for_each_gate(whole_case):
    case = whole_case
    flat = cudnn_parameters(case.kernel, case.recurrent, case.bias).numpy()
    expected = []
    for matrix in (case.kernel, case.recurrent):
        for gate in range(CELLS[case.cell].gates):
            for column in range(gate * UNITS, (gate + 1) * UNITS):
                expected.extend(matrix[:, column].tolist())
    biases, none = case.bias.tolist(), [0.0] * UNITS
    if case.cell == "lstm":
        expected += none * 4 + biases
    else:
        expected += biases[: 3 * UNITS] + none * 2 + biases[3 * UNITS :]
    assert flat.tolist() == expected


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="cuDNN needs a GPU")
def test_cudnn_gives_the_same_states_and_gradients(whole_case):
    case = whole_case
    last = [case.side.row[b, n - 1] for b, n in enumerate(LENGTHS)]  # the only cells it gives
    (hidden, cells), (fast, fast_cells) = case.run(), case.run(cudnn=True)
    np.testing.assert_allclose(fast.numpy()[case.real], hidden.numpy()[case.real], atol=1e-3)
    np.testing.assert_allclose(fast_cells.numpy()[last], cells.numpy()[last], atol=1e-3)
    expected, found = written_out(case, last), written_out(case, last, cudnn=True)
    for name, one, other in zip(NAMES, expected, found, strict=True):
        assert np.linalg.norm(one - other) < 0.01 * np.linalg.norm(one), name

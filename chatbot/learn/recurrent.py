"""The LSTM over packed rows, forward and backward.

Comes in: packed input rows and weights in Keras's layout (kernel [I, 4U], recurrent kernel [U, 4U],
bias [4U]; gates in the order input, forget, cell, output). Goes out: packed hidden and cell states.
Knows nothing of words, batches or attention.

Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000:

    i, f, o = sigmoid(x W + h R + b)      g = tanh(x W + h R + b)
    c' = f c + i g                        h' = o tanh(c')

The projection of all inputs and the gradients of the weights are one matrix product each; a time
step multiplies only the rows still alive. TensorFlow differentiates a loop by keeping every
intermediate tensor, so the gradient is written out here; tests/learn/test_recurrent.py has the slow
twin. On a GPU cuDNN's kernel runs instead, with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbot.learn.tf import tf

Tensor = Any
Gradient = Callable[..., tuple[Tensor, ...]]


def lstm(
    x: Tensor,
    bounds: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    c0: Tensor,
    *,
    dtype: tf.DType = tf.float32,
    cudnn: bool = False,
) -> tuple[Tensor, Tensor]:
    """Runs an LSTM over packed rows.

    Args:
        x: input rows, float32 [R, I], see `packing`.
        bounds: where each time step begins and the last ends, int32 [steps + 1].
        kernel: [I, 4U].
        recurrent: [U, 4U].
        bias: [4U].
        h0: hidden state before the first step, float32 [rows of the first step, U].
        c0: cell state before the first step, likewise.
        dtype: what matrix products are computed in; gates and states are float32.
        cudnn: use cuDNN's kernel (needs a GPU).

    Returns:
        Hidden states after every row, of type `dtype`, and cell states, float32, [R, U] each; zero
        in the rows past the last step. With cuDNN the cell states are those after each sequence's
        last row, zero elsewhere.
    """
    if cudnn:
        hidden, cells = _cudnn(x, bounds, kernel, recurrent, bias, h0, c0)
        return tf.cast(hidden, dtype), cells

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h0: Tensor, c0: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Gradient]:
        """The states, and their gradients times what is above."""
        inputs, w, r = tf.cast(x, dtype), tf.cast(kernel, dtype), tf.cast(recurrent, dtype)
        projected = tf.nn.bias_add(tf.matmul(inputs, w), tf.cast(bias, dtype))
        first = tf.cast(h0, dtype)
        gates, cells, hidden = _forward(projected, bounds, r, first, c0, dtype)

        def gradient(d_hidden: Tensor, d_cells: Tensor) -> tuple[Tensor, ...]:
            """By every argument, in their order."""
            d_gates, d_h0, d_c0 = _backward(d_hidden, d_cells, gates, cells, bounds, r, c0, dtype)
            before = _states_before(hidden, first, bounds)
            return (
                tf.cast(tf.matmul(d_gates, w, transpose_b=True), tf.float32),
                tf.cast(tf.matmul(inputs, d_gates, transpose_a=True), tf.float32),
                tf.cast(tf.matmul(before, d_gates, transpose_a=True), tf.float32),
                tf.reduce_sum(tf.cast(d_gates, tf.float32), 0),
                d_h0,
                d_c0,
            )

        return (hidden, cells), gradient

    return run(x, kernel, recurrent, bias, h0, c0)  # type: ignore[no-any-return]


def _rows(width: int, dtype: tf.DType, steps: Tensor) -> tf.TensorArray:
    return tf.TensorArray(dtype, steps, infer_shape=False, element_shape=[None, width])


def _forward(
    projected: Tensor, bounds: Tensor, r: Tensor, h0: Tensor, c0: Tensor, dtype: tf.DType
) -> tuple[Tensor, Tensor, Tensor]:
    units = r.shape[0]
    steps = tf.shape(bounds)[0] - 1
    tail = tf.shape(projected)[0] - bounds[-1]

    def step(t: Tensor, h: Tensor, c: Tensor, *arrays: tf.TensorArray) -> tuple[Any, ...]:
        """One time step."""
        first, last = bounds[t], bounds[t + 1]
        n = last - first
        z = tf.cast(projected[first:last] + tf.matmul(h[:n], r), tf.float32)
        i, f, g, o = tf.split(z, 4, 1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c[:n] + i * g
        h = tf.cast(o * tf.tanh(c), dtype)
        rows = (tf.concat([tf.cast(gate, dtype) for gate in (i, f, g, o)], 1), c, h)
        return (t + 1, h, c, *(a.write(t, row) for a, row in zip(arrays, rows, strict=True)))

    arrays = [
        _rows(width, kind, steps + 1)
        for width, kind in ((4 * units, dtype), (units, tf.float32), (units, dtype))
    ]
    shape, array = tf.TensorShape([None, units]), tf.TensorShape(None)
    done = tf.while_loop(
        lambda t, *_: t < steps,
        step,
        [tf.constant(0), h0, c0, *arrays],
        shape_invariants=[tf.TensorShape([]), shape, shape, array, array, array],
        parallel_iterations=1,
    )[3:]
    return tuple(
        tf.ensure_shape(array.write(steps, tf.zeros([tail, width], kind)).concat(), [None, width])
        for array, width, kind in zip(
            done, (4 * units, units, units), (dtype, tf.float32, dtype), strict=True
        )
    )


def _backward(
    d_hidden: Tensor,
    d_cells: Tensor,
    gates: Tensor,
    cells: Tensor,
    bounds: Tensor,
    r: Tensor,
    c0: Tensor,
    dtype: tf.DType,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the gates' inputs [R, 4U] and of the first states; back through time."""
    units = r.shape[0]
    steps = tf.shape(bounds)[0] - 1
    tail = tf.shape(gates)[0] - bounds[-1]

    def step(t: Tensor, dh: Tensor, dc: Tensor, array: tf.TensorArray) -> tuple[Any, ...]:
        """One time step, backwards."""
        first, last = bounds[t], bounds[t + 1]
        n = last - first
        before = tf.maximum(t - 1, 0)
        c_before = tf.cond(t > 0, lambda: cells[bounds[before] : bounds[before] + n], lambda: c0)
        missing = [[0, n - tf.shape(dh)[0]], [0, 0]]
        dh = tf.cast(d_hidden[first:last], tf.float32) + tf.pad(dh, missing)
        dc = d_cells[first:last] + tf.pad(dc, missing)
        dz, dc = _through_cell(gates[first:last], cells[first:last], c_before, dh, dc)
        d_gates = tf.concat([tf.cast(part, dtype) for part in dz], 1)
        dh = tf.cast(tf.matmul(d_gates, r, transpose_b=True), tf.float32)
        return t - 1, dh, dc, array.write(t, d_gates)

    array = _rows(4 * units, dtype, steps + 1)
    array = array.write(steps, tf.zeros([tail, 4 * units], dtype))
    none = tf.zeros([0, units])
    shape = tf.TensorShape([None, units])
    _, dh, dc, array = tf.while_loop(
        lambda t, *_: t >= 0,
        step,
        [steps - 1, none, none, array],
        shape_invariants=[tf.TensorShape([]), shape, shape, tf.TensorShape(None)],
        parallel_iterations=1,
    )
    return tf.ensure_shape(array.concat(), [None, 4 * units]), dh, dc


def _through_cell(
    gates: Tensor, c: Tensor, c_before: Tensor, dh: Tensor, dc: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Gradients of the gates' inputs, [n, U] each, and of the cell state before, for one step."""
    i, f, g, o = (tf.cast(gate, tf.float32) for gate in tf.split(gates, 4, 1))
    tanh_c = tf.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    dz = [
        dc * g * i * (1 - i),
        dc * c_before * f * (1 - f),
        dc * i * (1 - g * g),
        dh * tanh_c * o * (1 - o),
    ]
    return dz, dc * f


def _states_before(hidden: Tensor, h0: Tensor, bounds: Tensor) -> Tensor:
    """The hidden state that entered every row: that of the same sequence one step earlier."""
    sizes = bounds[1:] - bounds[:-1]
    earlier = tf.range(bounds[1], bounds[-1]) - tf.repeat(sizes[:-1], sizes[1:])
    tail = tf.zeros([tf.shape(hidden)[0] - bounds[-1], hidden.shape[1]], hidden.dtype)
    return tf.concat([h0, tf.gather(hidden, earlier), tail], 0)


def _cudnn(
    x: Tensor,
    bounds: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    c0: Tensor,
) -> tuple[Tensor, Tensor]:
    """The same over padded rows by cuDNN; its steps are the packed blocks, filled up."""
    sizes = bounds[1:] - bounds[:-1]
    rank = tf.range(sizes[0])
    inside = rank < sizes[:, None]
    row = tf.where(inside, bounds[:-1, None] + rank, tf.shape(x)[0] - 1)
    lengths = tf.reduce_sum(tf.cast(inside, tf.int32), 0)
    hidden, _, cells, _, _ = tf.raw_ops.CudnnRNNV3(
        input=tf.gather(x, row),
        input_h=h0[None],
        input_c=c0[None],
        params=cudnn_parameters(kernel, recurrent, bias),
        sequence_lengths=lengths,
        rnn_mode="lstm",
        is_training=True,
        time_major=True,
    )
    shape = [tf.shape(x)[0], recurrent.shape[0]]
    last = bounds[:-1][:, None] + rank
    last = tf.gather(tf.transpose(last), lengths - 1, batch_dims=1)
    return (
        tf.scatter_nd(row[inside][:, None], hidden[inside], shape),
        tf.scatter_nd(last[:, None], cells[0], shape),
    )


def cudnn_parameters(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
    """The weights of an LSTM as cuDNN's one flat array.

    Eight matrices, transposed (input and recurrent, gates i f g o each), then eight biases, of
    which the first four are zero: cuDNN adds two biases where Keras has one.
    """
    matrices = [*tf.split(kernel, 4, 1), *tf.split(recurrent, 4, 1)]
    flat = [tf.reshape(tf.transpose(matrix), [-1]) for matrix in matrices]
    return tf.concat([*flat, tf.zeros_like(bias), bias], 0)

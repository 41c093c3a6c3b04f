"""A recurrent layer over packed rows, forward and backward.

Comes in: packed input rows, and weights (kernel [I, GU], recurrent kernel [U, GU], bias [4U], for a
cell of G gates, see `cells`). Goes out: packed hidden and carried states. Knows nothing of words,
batches or attention.

The projection of all inputs and the gradients of the weights are one matrix product each; a time
step multiplies only the rows still alive. TensorFlow differentiates a loop by keeping every
intermediate tensor, so the gradient is written out here; tests/learn/test_recurrent.py has the slow
twins. On a GPU cuDNN's kernel runs instead, with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbot.learn.cells import CELLS, STORED, Cell
from chatbot.learn.tf import tf

Tensor = Any
Gradient = Callable[..., tuple[Tensor, ...]]


def recur(
    x: Tensor,
    bounds: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    c0: Tensor,
    *,
    cell: str = "lstm",
    kept: Tensor | None = None,
    dtype: tf.DType = tf.float32,
    cudnn: bool = False,
) -> tuple[Tensor, Tensor]:
    """Runs a recurrent layer over packed rows.

    Args:
        x: input rows, float32 [R, I], see `packing`.
        bounds: where each time step begins and the last ends, int32 [steps + 1].
        kernel: [I, GU].
        recurrent: [U, GU].
        bias: [4U].
        h0: hidden state before the first step, float32 [rows of the first step, U].
        c0: carried state before the first step, likewise.
        cell: `lstm` or `gru`.
        kept: factors on the hidden states of each sequence where they enter the gates (Gal and
            Ghahramani 2016, eq. 7), float32 [rows of the first step, U]; None for all 1.
        dtype: what matrix products are computed in; gates and states are float32.
        cudnn: use cuDNN's kernel where it can (needs a GPU).

    Returns:
        Hidden states after every row, of type `dtype`, and carried states, float32, [R, U] each;
        zero in the rows past the last step. With cuDNN the carried states are those after each
        sequence's last row, zero elsewhere.
    """
    if cudnn and kept is None:
        hidden, carried = _cudnn(x, bounds, kernel, recurrent, bias, h0, c0, cell)
        return tf.cast(hidden, dtype), carried
    factors = None if kept is None else tf.cast(kept, dtype)
    run = _differentiable(CELLS[cell], bounds, factors, dtype)
    return run(x, kernel, recurrent, bias, h0, c0)


def _differentiable(
    cell: Cell, bounds: Tensor, kept: Tensor | None, dtype: tf.DType
) -> Callable[..., tuple[Tensor, Tensor]]:
    """What runs a layer, with its gradient written out; arguments as for `recur`."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h0: Tensor, c0: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Gradient]:
        """The states, and their gradients times what is above."""
        inputs, w, r = tf.cast(x, dtype), tf.cast(kernel, dtype), tf.cast(recurrent, dtype)
        projected = tf.nn.bias_add(tf.matmul(inputs, w), tf.cast(bias[: w.shape[1]], dtype))
        first = tf.cast(h0, dtype)
        gates, cells, hidden = _forward(cell, projected, bounds, r, bias, first, c0, kept)

        def gradient(d_hidden: Tensor, d_cells: Tensor) -> tuple[Tensor, ...]:
            """By every argument, in their order."""
            d_gates, d_h0, d_c0 = _backward(
                cell, d_hidden, d_cells, gates, cells, bounds, r, c0, kept
            )
            before = _states_before(hidden, first, bounds)
            if kept is not None:
                before *= tf.gather(kept, ranks(bounds, tf.shape(before)[0]))
            of_inputs, of_hidden = cell.of_inputs(d_gates), cell.of_hidden(d_gates)
            return (
                tf.cast(tf.matmul(of_inputs, w, transpose_b=True), tf.float32),
                tf.cast(tf.matmul(inputs, of_inputs, transpose_a=True), tf.float32),
                tf.cast(tf.matmul(before, of_hidden, transpose_a=True), tf.float32),
                tf.reduce_sum(tf.cast(d_gates, tf.float32), 0),
                d_h0,
                d_c0,
            )

        return (hidden, cells), gradient

    return run  # type: ignore[no-any-return]


def ranks(bounds: Tensor, rows: Tensor) -> Tensor:
    """The place within its time step of every row, which is its sequence's, int32 [rows].

    Args:
        bounds: where each time step begins and the last ends, int32 [steps + 1].
        rows: how many rows there are; those past the last step are given 0.
    """
    sizes = bounds[1:] - bounds[:-1]
    inside = tf.range(bounds[-1]) - tf.repeat(bounds[:-1], sizes)
    return tf.pad(inside, [[0, rows - bounds[-1]]])


def _rows(width: int, dtype: tf.DType, steps: Tensor) -> tf.TensorArray:
    return tf.TensorArray(dtype, steps, infer_shape=False, element_shape=[None, width])


def _forward(
    cell: Cell,
    projected: Tensor,
    bounds: Tensor,
    r: Tensor,
    bias: Tensor,
    h0: Tensor,
    c0: Tensor,
    kept: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    units, dtype = r.shape[0], r.dtype
    steps = tf.shape(bounds)[0] - 1
    tail = tf.shape(projected)[0] - bounds[-1]

    def step(t: Tensor, h: Tensor, c: Tensor, *arrays: tf.TensorArray) -> tuple[Any, ...]:
        """One time step."""
        first, last = bounds[t], bounds[t + 1]
        n = last - first
        h = h[:n] if kept is None else h[:n] * kept[:n]
        stored, c, h = cell.step(projected[first:last], tf.matmul(h, r), bias, c[:n])
        h = tf.cast(h, dtype)
        rows = (tf.concat([tf.cast(gate, dtype) for gate in stored], 1), c, h)
        return (t + 1, h, c, *(a.write(t, row) for a, row in zip(arrays, rows, strict=True)))

    arrays = [
        _rows(width, kind, steps + 1)
        for width, kind in ((STORED * units, dtype), (units, tf.float32), (units, dtype))
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
            done, (STORED * units, units, units), (dtype, tf.float32, dtype), strict=True
        )
    )


def _backward(
    cell: Cell,
    d_hidden: Tensor,
    d_cells: Tensor,
    gates: Tensor,
    cells: Tensor,
    bounds: Tensor,
    r: Tensor,
    c0: Tensor,
    kept: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients for the biases [R, 4U] and of the first states; back through time."""
    units, dtype = r.shape[0], r.dtype
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
        stored = [tf.cast(gate, tf.float32) for gate in tf.split(gates[first:last], STORED, 1)]
        dz, dc = cell.back(stored, cells[first:last], c_before, dh, dc)
        d_gates = tf.concat([tf.cast(part, dtype) for part in dz], 1)
        dh = tf.cast(tf.matmul(cell.of_hidden(d_gates), r, transpose_b=True), tf.float32)
        if kept is not None:
            dh *= tf.cast(kept[:n], tf.float32)
        return t - 1, dh, dc, array.write(t, d_gates)

    array = _rows(STORED * units, dtype, steps + 1)
    array = array.write(steps, tf.zeros([tail, STORED * units], dtype))
    none = tf.zeros([0, units])
    shape = tf.TensorShape([None, units])
    _, dh, dc, array = tf.while_loop(
        lambda t, *_: t >= 0,
        step,
        [steps - 1, none, none, array],
        shape_invariants=[tf.TensorShape([]), shape, shape, tf.TensorShape(None)],
        parallel_iterations=1,
    )
    return tf.ensure_shape(array.concat(), [None, STORED * units]), dh, dc


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
    cell: str,
) -> tuple[Tensor, Tensor]:
    """The same over padded rows by cuDNN; its steps are the packed blocks, filled up."""
    sizes = bounds[1:] - bounds[:-1]
    rank = tf.range(sizes[0])
    inside = rank < sizes[:, None]
    row = tf.where(inside, bounds[:-1, None] + rank, tf.shape(x)[0] - 1)
    lengths = tf.reduce_sum(tf.cast(inside, tf.int32), 0)
    hidden, last_h, last_c, _, _ = tf.raw_ops.CudnnRNNV3(
        input=tf.gather(x, row),
        input_h=h0[None],
        input_c=c0[None] if cell == "lstm" else tf.zeros([]),
        params=cudnn_parameters(kernel, recurrent, bias),
        sequence_lengths=lengths,
        rnn_mode=cell,
        is_training=True,
        time_major=True,
    )
    shape = [tf.shape(x)[0], recurrent.shape[0]]
    last = bounds[:-1][:, None] + rank
    last = tf.gather(tf.transpose(last), lengths - 1, batch_dims=1)
    return (
        tf.scatter_nd(row[inside][:, None], hidden[inside], shape),
        tf.scatter_nd(last[:, None], (last_c if cell == "lstm" else last_h)[0], shape),
    )


def cudnn_parameters(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
    """The weights of a layer as cuDNN's one flat array.

    Its matrices, transposed: of inputs, then recurrent, of each gate (i f g o of an LSTM, r z g of
    a GRU). Then as many biases twice, as cuDNN adds two: of an LSTM the first are zero, of a GRU
    the second but for the last, which is that of the state inside g.
    """
    units = recurrent.shape[0]
    gates = recurrent.shape[1] // units
    matrices = [*tf.split(kernel, gates, 1), *tf.split(recurrent, gates, 1)]
    flat = [tf.reshape(tf.transpose(matrix), [-1]) for matrix in matrices]
    first, second = tf.zeros_like(bias), bias
    if gates == 3:
        first, second = bias[: 3 * units], tf.concat([first[: 2 * units], bias[3 * units :]], 0)
    return tf.concat([*flat, first, second], 0)

"""Cross-entropy without ever holding rows x classes logits, and products in another number format.

Comes in: vectors, classes, and which of these each vector should predict. Goes out: the loss in
nats, summed and by row. Knows nothing of vocabularies; see `output`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from chatbot.learn.tf import tf

Tensor = Any

_CHUNK = 1_024
_CHUNK_LOGITS = 1 << 22
_LEAST = 1.2e-38  # the least number that is not flushed to zero, about


def chunk_of(classes: int) -> int:
    """Rows whose logits are held at a time: fewer for many classes, so that memory is bounded.

    >>> chunk_of(502), chunk_of(16_000), chunk_of(1_000_000)
    (1024, 256, 32)
    """
    return min(_CHUNK, max(32, 1 << (_CHUNK_LOGITS // classes).bit_length() - 1))


def summed_loss(
    x: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, weights: Tensor, dtype: tf.DType
) -> tuple[Tensor, Tensor]:
    """Softmax cross-entropy in nats: weighted and summed, and that of each row, [N].

    Only the sum has a gradient. Works through chunks of rows and computes the gradient of each in
    the same pass, so that only one chunk's probabilities exist at a time. The gradient of the
    logits, probabilities less one at the label, is never formed: products with the probabilities
    are corrected by the rows of the labels. A loss above 87 nats a row counts as 87.

    Args:
        x: output vectors, float32 [N, D].
        weight: one row per class, [C, D].
        bias: [C].
        labels: the right class of each row, int32 [N].
        weights: factor on the loss of each row, [N].
        dtype: what logits, softmax and the matrix products are computed in.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], Any]]:
        """The losses, and their gradients times what is above."""
        classes = tf.shape(weight)[0]
        # The last column counts the rows, so that one product gives the bias's gradient too.
        weighted = tf.concat([x, tf.ones([tf.shape(x)[0], 1])], 1) * weights[:, None]
        found = _by_chunks(x, tf.cast(weight, dtype), tf.cast(bias, dtype), labels, weighted, dtype)
        nats = -tf.math.log(tf.maximum(found.chosen, _LEAST))
        d_rows = (found.classes - tf.gather(weight, labels)) * weights[:, None]
        finite = tf.math.is_finite(tf.reduce_sum(d_rows, 1))  # else one class took what overflowed
        nats = tf.where(finite, nats, math.nan)
        dw = found.rows - tf.math.unsorted_segment_sum(weighted, labels, classes)
        total = tf.reduce_sum(nats * weights)
        return (total, nats), lambda up, _: (up * d_rows, up * dw[:, :-1], up * dw[:, -1])

    return run(x, weight, bias)  # type: ignore[no-any-return]


class _Sums(NamedTuple):
    """What the probabilities of all classes, p [N, C], have been needed for.

    Attributes:
        chosen: p at the labels, [N].
        classes: p w, the mean class of each row, [N, D].
        rows: p^T weighted, [C, D + 1].
    """

    chosen: Tensor
    classes: Tensor
    rows: Tensor


def _by_chunks(
    x: Tensor, w: Tensor, b: Tensor, labels: Tensor, weighted: Tensor, dtype: tf.DType
) -> _Sums:
    """Goes once through the probabilities, a chunk of rows at a time; arguments as above."""
    rows, classes = tf.shape(x)[0], tf.shape(w)[0]
    size = chunk_of(w.shape[0])
    chunks = -(-rows // size)

    def step(i: Tensor, chosen: tf.TensorArray, dx: tf.TensorArray, dw: Tensor) -> Any:  # noqa: ANN401
        """One chunk."""
        part = slice(i * size, tf.minimum(rows, (i + 1) * size))
        logits = tf.nn.bias_add(tf.matmul(tf.cast(x[part], dtype), w, transpose_b=True), b)
        p = tf.nn.softmax(logits)
        more = tf.matmul(p, tf.cast(weighted[part], dtype), transpose_a=True)
        return (
            i + 1,
            chosen.write(i, tf.cast(tf.gather(p, labels[part], batch_dims=1), tf.float32)),
            dx.write(i, tf.cast(tf.matmul(p, w), tf.float32)),
            dw + tf.cast(more, tf.float32),
        )

    shapes: tuple[list[int | None], ...] = ([None], [None, x.shape[1]])
    arrays = [
        tf.TensorArray(tf.float32, chunks, infer_shape=False, element_shape=shape)
        for shape in shapes
    ]
    _, chosen, dx, dw = tf.while_loop(
        lambda i, *_: i < chunks,
        step,
        [tf.constant(0), *arrays, tf.zeros([classes, x.shape[1] + 1])],
        parallel_iterations=1,
    )
    chosen, dx = (
        tf.ensure_shape(one.concat(), shape)
        for one, shape in zip((chosen, dx), shapes, strict=True)
    )
    return _Sums(chosen, dx, dw)


def row_nats(x: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, dtype: tf.DType) -> Tensor:
    """Softmax cross-entropy of each row in nats, [N], chunk by chunk; arguments as above."""
    w = tf.cast(weight, dtype)
    rows = tf.shape(x)[0]
    size = chunk_of(weight.shape[0])
    chunks = -(-rows // size)

    def step(i: Tensor, nats: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
        """One chunk."""
        part = slice(i * size, tf.minimum(rows, (i + 1) * size))
        logits = tf.cast(tf.matmul(tf.cast(x[part], dtype), w, transpose_b=True), tf.float32) + bias
        chosen = tf.gather(logits, labels[part], batch_dims=1)
        return i + 1, nats.write(i, tf.reduce_logsumexp(logits, 1) - chosen)

    array = tf.TensorArray(tf.float32, chunks, infer_shape=False, element_shape=[None])
    _, nats = tf.while_loop(
        lambda i, _: i < chunks, step, [tf.constant(0), array], parallel_iterations=1
    )
    return tf.ensure_shape(nats.concat(), [None])


def dense(x: Tensor, weight: Tensor, dtype: tf.DType, result: tf.DType = tf.float32) -> Tensor:
    """The product x weight, forward and backward computed in `dtype`, given as `result`."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, weight: Tensor) -> tuple[Tensor, Callable[[Tensor], Any]]:
        """The product, and its gradient."""
        a, w = tf.cast(x, dtype), tf.cast(weight, dtype)

        def gradient(up: Tensor) -> tuple[Tensor, Tensor]:
            """By both factors."""
            d = tf.cast(up, dtype)
            return (
                tf.cast(tf.matmul(d, w, transpose_b=True), x.dtype),
                tf.cast(tf.matmul(a, d, transpose_a=True), tf.float32),
            )

        return tf.cast(tf.matmul(a, w), result), gradient

    return run(x, weight)

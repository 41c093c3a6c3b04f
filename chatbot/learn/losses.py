"""The output layer and its cross-entropy, without ever holding rows x vocabulary logits.

Comes in: output vectors of the decoder and the entries they should predict. Goes out: the loss in
nats, summed and by row; for decoding, the log-probabilities of every entry. Knows nothing of the
network.

The vocabulary is sorted by frequency, so a large one is split as in the adaptive softmax (Grave et
al. 2017, "Efficient softmax approximation for GPUs", section 4): a head over the most frequent
entries and one slot per tail cluster, and tails on narrower projections. The probability of an
entry in a tail is that of its cluster's slot times that within the cluster: exact and normalised,
not an approximation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any

_HEAD = 2_000
_MIDDLE = 8_000
_WHOLE = 4_000
_CHUNK = 1_024


def cutoffs_of(size: int) -> tuple[int, ...]:
    """The first entry past each cluster for a vocabulary of `size` entries; the last is `size`.

    >>> cutoffs_of(3_000), cutoffs_of(6_000), cutoffs_of(20_000)
    ((3000,), (2000, 6000), (2000, 8000, 20000))
    """
    if size <= _WHOLE:
        return (size,)
    return (_HEAD, size) if size <= _MIDDLE + _HEAD else (_HEAD, _MIDDLE, size)


def tail_width(units: int, tail: int) -> int:
    """The width that tail number `tail`, from 0, projects the output vectors to."""
    return max(1, units // (4 << tail))


def summed_loss(
    x: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, weights: Tensor, dtype: tf.DType
) -> tuple[Tensor, Tensor]:
    """Softmax cross-entropy in nats: weighted and summed, and that of each row, [N].

    Only the sum has a gradient. Works through chunks of rows and computes the gradient of each in
    the same pass, so that only one chunk's logits exist at a time.

    Args:
        x: output vectors, float32 [N, D].
        weight: one row per class, [C, D].
        bias: [C].
        labels: the right class of each row, int32 [N].
        weights: factor on the loss of each row, [N].
        dtype: what the matrix products are computed in.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], Any]]:
        w = tf.cast(weight, dtype)
        rows = tf.shape(x)[0]
        chunks = -(-rows // _CHUNK)

        def step(
            i: Tensor, losses: tf.TensorArray, dx: tf.TensorArray, dw: Tensor, db: Tensor
        ) -> tuple[Any, ...]:
            part = slice(i * _CHUNK, tf.minimum(rows, (i + 1) * _CHUNK))
            vectors = tf.cast(x[part], dtype)
            logits = tf.cast(tf.matmul(vectors, w, transpose_b=True), tf.float32) + bias
            nats, d_logits = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
                features=logits, labels=labels[part]
            )
            factor = weights[part]
            d_logits *= factor[:, None]
            d = tf.cast(d_logits, dtype)
            return (
                i + 1,
                losses.write(i, nats),
                dx.write(i, tf.cast(tf.matmul(d, w), tf.float32)),
                dw + tf.cast(tf.matmul(d, vectors, transpose_a=True), tf.float32),
                db + tf.reduce_sum(d_logits, 0),
            )

        arrays = [
            tf.TensorArray(tf.float32, chunks, infer_shape=False, element_shape=shape)
            for shape in ([None], [None, x.shape[1]])
        ]
        _, losses, dx, dw, db = tf.while_loop(
            lambda i, *_: i < chunks,
            step,
            [tf.constant(0), *arrays, tf.zeros_like(weight), bias * 0.0],
            parallel_iterations=1,
        )
        nats = tf.ensure_shape(losses.concat(), [None])
        d_rows = tf.ensure_shape(dx.concat(), [None, x.shape[1]])
        total = tf.reduce_sum(nats * weights)
        return (total, nats), lambda up, _: (up * d_rows, up * dw, up * db)

    return run(x, weight, bias)  # type: ignore[no-any-return]


class OutputLayer(tf.Module):  # type: ignore[misc]
    """A softmax over V entries, adaptive when V is large."""

    def __init__(self, size: int, units: int, unigram: Tensor, uniform: Any) -> None:  # noqa: ANN401
        """Makes the weights.

        Args:
            size: entries of the vocabulary, V, sorted by descending frequency.
            units: width of the output vectors.
            unigram: how often each entry occurs, [V]; the biases begin at its logarithm.
            uniform: (name, shape, limit) -> a variable drawn uniformly from -limit to limit.
        """
        super().__init__(name="output")
        self.cutoffs = cutoffs_of(size)
        head = self.cutoffs[0]
        counts = tf.cast(unigram, tf.float32) + 0.1
        tails = list(zip(self.cutoffs, self.cutoffs[1:], strict=False))
        slots = [tf.reduce_sum(counts[first:last], keepdims=True) for first, last in tails]
        self.weight = uniform("weight", (head + len(tails), units), 0.05)
        self.bias = tf.Variable(_log_share(tf.concat([counts[:head], *slots], 0)), name="bias")
        self.projections, self.tail_weights, self.tail_biases = [], [], []
        for number, (first, last) in enumerate(tails):
            width = tail_width(units, number)
            limit = (6 / (units + width)) ** 0.5
            self.projections.append(uniform(f"projection{number}", (units, width), limit))
            self.tail_weights.append(uniform(f"tail{number}", (last - first, width), 0.1))
            bias = _log_share(counts[first:last])
            self.tail_biases.append(tf.Variable(bias, name=f"tail_bias{number}"))

    def loss(
        self, x: Tensor, labels: Tensor, weights: Tensor, bounds: Tensor, dtype: tf.DType
    ) -> tuple[Tensor, Tensor]:
        """The loss of rows sorted by the cluster of their label, in nats: summed, and by row [N].

        Only the sum has a gradient.

        Args:
            x: output vectors, [N, U].
            labels: entries, int32 [N].
            weights: factor on the loss of each row, [N].
            bounds: where the rows of each cluster begin and the last end, [clusters + 1].
            dtype: what the matrix products are computed in.
        """
        head = self.cutoffs[0]
        slots = labels
        for number, first in enumerate(self.cutoffs[:-1]):
            slots = tf.where(labels >= first, head + number, slots)
        total, nats = summed_loss(x, self.weight, self.bias, slots, weights, dtype)
        within = [tf.zeros([bounds[1]])]
        for number, first in enumerate(self.cutoffs[:-1]):
            rows = slice(bounds[number + 1], bounds[number + 2])
            inside = tf.maximum(labels[rows] - first, 0)
            some, inside_nats = summed_loss(
                dense(x[rows], self.projections[number], dtype),
                self.tail_weights[number],
                self.tail_biases[number],
                inside,
                weights[rows],
                dtype,
            )
            total += some
            within.append(inside_nats)
        return total, nats + tf.concat(within, 0)

    def log_probabilities(self, x: Tensor) -> Tensor:
        """Log-probabilities of all entries, float32 [B, V], for output vectors [B, U]."""
        head = self.cutoffs[0]
        scores = tf.nn.log_softmax(tf.matmul(x, self.weight, transpose_b=True) + self.bias)
        parts = [scores[:, :head]]
        for number, projection in enumerate(self.projections):
            narrow = tf.matmul(x, projection)
            logits = tf.matmul(narrow, self.tail_weights[number], transpose_b=True)
            inside = tf.nn.log_softmax(logits + self.tail_biases[number])
            parts.append(scores[:, head + number, None] + inside)
        return tf.concat(parts, 1)


def _log_share(counts: Tensor) -> Tensor:
    return tf.math.log(counts / tf.reduce_sum(counts))


def dense(x: Tensor, weight: Tensor, dtype: tf.DType) -> Tensor:
    """The product x weight, forward and backward computed in `dtype`, given in float32."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, weight: Tensor) -> tuple[Tensor, Callable[[Tensor], Any]]:
        a, w = tf.cast(x, dtype), tf.cast(weight, dtype)

        def gradient(up: Tensor) -> tuple[Tensor, Tensor]:
            d = tf.cast(up, dtype)
            return (
                tf.cast(tf.matmul(d, w, transpose_b=True), tf.float32),
                tf.cast(tf.matmul(a, d, transpose_a=True), tf.float32),
            )

        return tf.cast(tf.matmul(a, w), tf.float32), gradient

    return run(x, weight)

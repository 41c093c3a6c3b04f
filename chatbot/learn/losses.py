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

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

_HEAD = 500
_MIDDLE = 4_000
_WHOLE = 4_000
_CHUNK = 1_024
_CHUNK_LOGITS = 1 << 22
_LEAST = 1.2e-38  # the least number that is not flushed to zero, about


def cutoffs_of(size: int) -> tuple[int, ...]:
    """The first entry past each cluster for a vocabulary of `size` entries; the last is `size`.

    >>> cutoffs_of(3_000), cutoffs_of(6_000), cutoffs_of(20_000)
    ((3000,), (500, 4000, 6000), (500, 4000, 20000))
    """
    if size <= _WHOLE:
        return (size,)
    return (_HEAD, size) if size <= _MIDDLE + _HEAD else (_HEAD, _MIDDLE, size)


def tail_width(units: int, tail: int) -> int:
    """The width that tail number `tail`, from 0, projects the output vectors to."""
    return max(1, units // (4 << tail))


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
        w, b = tf.cast(weight, dtype), tf.cast(bias, dtype)
        rows = tf.shape(x)[0]
        size = chunk_of(weight.shape[0])
        chunks = -(-rows // size)
        # The last column counts the rows, so that one product gives the bias's gradient too.
        weighted = tf.concat([x, tf.ones([rows, 1])], 1) * weights[:, None]

        def step(i: Tensor, chosen: tf.TensorArray, dx: tf.TensorArray, dw: Tensor) -> Any:  # noqa: ANN401
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

        arrays = [
            tf.TensorArray(tf.float32, chunks, infer_shape=False, element_shape=shape)
            for shape in ([None], [None, x.shape[1]])
        ]
        classes = tf.shape(weight)[0]
        _, chosen, dx, dw = tf.while_loop(
            lambda i, *_: i < chunks,
            step,
            [tf.constant(0), *arrays, tf.zeros([classes, x.shape[1] + 1])],
            parallel_iterations=1,
        )
        nats = -tf.math.log(tf.maximum(tf.ensure_shape(chosen.concat(), [None]), _LEAST))
        d_rows = tf.ensure_shape(dx.concat(), [None, x.shape[1]]) - tf.gather(weight, labels)
        d_rows *= weights[:, None]
        finite = tf.math.is_finite(tf.reduce_sum(d_rows, 1))  # else one class took what overflowed
        nats = tf.where(finite, nats, math.nan)
        dw -= tf.math.unsorted_segment_sum(weighted, labels, classes)
        total = tf.reduce_sum(nats * weights)
        return (total, nats), lambda up, _: (up * d_rows, up * dw[:, :-1], up * dw[:, -1])

    return run(x, weight, bias)  # type: ignore[no-any-return]


def row_nats(x: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, dtype: tf.DType) -> Tensor:
    """Softmax cross-entropy of each row in nats, [N], chunk by chunk; arguments as above."""
    w = tf.cast(weight, dtype)
    rows = tf.shape(x)[0]
    size = chunk_of(weight.shape[0])
    chunks = -(-rows // size)

    def step(i: Tensor, nats: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
        part = slice(i * size, tf.minimum(rows, (i + 1) * size))
        logits = tf.cast(tf.matmul(tf.cast(x[part], dtype), w, transpose_b=True), tf.float32) + bias
        chosen = tf.gather(logits, labels[part], batch_dims=1)
        return i + 1, nats.write(i, tf.reduce_logsumexp(logits, 1) - chosen)

    array = tf.TensorArray(tf.float32, chunks, infer_shape=False, element_shape=[None])
    _, nats = tf.while_loop(
        lambda i, _: i < chunks, step, [tf.constant(0), array], parallel_iterations=1
    )
    return tf.ensure_shape(nats.concat(), [None])


class OutputLayer(tf.Module):  # type: ignore[misc]
    """A softmax over V entries, adaptive when V is large.

    Attributes:
        cutoffs: the first entry past each cluster; the last is V.
        shared: entries whose classes share what is learned of the embeddings: those of the first
            two clusters of an adaptive softmax, 0 without embeddings or with a single cluster.
    """

    def __init__(
        self,
        size: int,
        units: int,
        unigram: Tensor,
        uniform: Any,  # noqa: ANN401
        embedding: int = 0,
    ) -> None:
        """Makes the weights.

        Args:
            size: entries of the vocabulary, V, sorted by descending frequency.
            units: width of the output vectors.
            unigram: how often each entry occurs, [V]; the biases begin at its logarithm.
            uniform: (name, shape, limit) -> a variable drawn uniformly from -limit to limit.
            embedding: width of the embeddings that classes share; 0 for none.
        """
        super().__init__(name="output")
        self.cutoffs = cutoffs_of(size)
        self.shared = self.cutoffs[1] if embedding and len(self.cutoffs) > 1 else 0
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
        self.views = []
        if self.shared:
            width = tail_width(units, 0)
            limit = (6 / (embedding + width)) ** 0.5
            # A class of the head begins as the embedding itself.
            self.views.append(tf.Variable(tf.eye(embedding, units), name="view0"))
            self.views.append(uniform("view1", (embedding, width), limit))

    def classes(self, rows: Tensor, dtype: tf.DType = tf.float32) -> list[Tensor]:
        """The vector of every class of the head and of each tail, [classes, width] each.

        A class is near the word that it stands for: its vector is one of its own, and a view of the
        word's embedding besides. Sharing embeddings (Press and Wolf 2017, "Using the output
        embedding to improve language models") tells the output layer what the inputs have taught,
        first of all about words of middling frequency; vectors of their own leave both free.

        Args:
            rows: embeddings of the first `shared` entries at least, [K, E]; not read if it is 0.
            dtype: what the matrix products are computed in.
        """
        found: list[Tensor] = [self.weight, *self.tail_weights]
        if not self.shared:
            return found
        head, second = self.cutoffs[:2]
        # A split has a cheaper gradient than slices.
        parts = tf.split(rows, [head, second - head, -1])[:2]
        for number, (view, part) in enumerate(zip(self.views, parts, strict=True)):
            seen, own = dense(part, view, dtype), found[number]
            slots = own.shape[0] - part.shape[0]  # of the tails, in the head
            found[number] = own + tf.pad(seen, [[0, slots], [0, 0]])
        return found

    def loss(
        self,
        x: Tensor,
        classes: Sequence[Tensor],
        labels: Tensor,
        weights: Tensor,
        bounds: Tensor,
        dtype: tf.DType,
    ) -> tuple[Tensor, Tensor]:
        """The loss of rows sorted by the cluster of their label, in nats: summed, and by row [N].

        Only the sum has a gradient.

        Args:
            x: output vectors, [N, U].
            classes: what `classes` gave.
            labels: entries, int32 [N].
            weights: factor on the loss of each row, [N].
            bounds: where the rows of each cluster begin and the last end, [clusters + 1].
            dtype: what the matrix products are computed in.
        """
        found = [
            summed_loss(vectors, weight, bias, inside, weights[rows], dtype)
            for rows, vectors, weight, bias, inside in self._clusters(
                x, classes, labels, bounds, dtype
            )
        ]
        return tf.add_n([total for total, _ in found]), _put(bounds, [nats for _, nats in found])

    def nats(
        self,
        x: Tensor,
        classes: Sequence[Tensor],
        labels: Tensor,
        bounds: Tensor,
        dtype: tf.DType,
    ) -> Tensor:
        """The loss of each row, [N], as in `loss` but cheaper, as nothing learns from it."""
        found = [
            row_nats(vectors, weight, bias, inside, dtype)
            for _, vectors, weight, bias, inside in self._clusters(
                x, classes, labels, bounds, dtype
            )
        ]
        return _put(bounds, found)

    def _clusters(
        self,
        x: Tensor,
        classes: Sequence[Tensor],
        labels: Tensor,
        bounds: Tensor,
        dtype: tf.DType,
    ) -> Iterator[tuple[Any, ...]]:
        """What the head and each tail decide: their rows, vectors, weights, biases and labels."""
        slots = labels
        for number, first in enumerate(self.cutoffs[:-1]):
            slots = tf.where(labels >= first, self.cutoffs[0] + number, slots)
        head, *tails = classes
        yield slice(None), x, head, self.bias, slots
        for number, first in enumerate(self.cutoffs[:-1]):
            rows = slice(bounds[number + 1], bounds[number + 2])
            narrow = dense(x[rows], self.projections[number], dtype)
            inside = tf.maximum(labels[rows] - first, 0)
            yield rows, narrow, tails[number], self.tail_biases[number], inside

    def log_probabilities(self, x: Tensor, classes: Sequence[Tensor]) -> Tensor:
        """Log-probabilities of all entries, float32 [B, V].

        Args:
            x: output vectors, [B, U].
            classes: what `classes` gave.
        """
        head = self.cutoffs[0]
        scores = tf.nn.log_softmax(tf.matmul(x, classes[0], transpose_b=True) + self.bias)
        parts = [scores[:, :head]]
        for number, projection in enumerate(self.projections):
            narrow = tf.matmul(x, projection)
            logits = tf.matmul(narrow, classes[number + 1], transpose_b=True)
            inside = tf.nn.log_softmax(logits + self.tail_biases[number])
            parts.append(scores[:, head + number, None] + inside)
        return tf.concat(parts, 1)


def _put(bounds: Tensor, nats: Sequence[Tensor]) -> Tensor:
    """The losses of all rows in the head, and of those of the tails there."""
    head, *tails = nats
    return head + tf.concat([tf.zeros([bounds[1]]), *tails], 0)


def _log_share(counts: Tensor) -> Tensor:
    return tf.math.log(counts / tf.reduce_sum(counts))


def dense(x: Tensor, weight: Tensor, dtype: tf.DType, result: tf.DType = tf.float32) -> Tensor:
    """The product x weight, forward and backward computed in `dtype`, given as `result`."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, weight: Tensor) -> tuple[Tensor, Callable[[Tensor], Any]]:
        a, w = tf.cast(x, dtype), tf.cast(weight, dtype)

        def gradient(up: Tensor) -> tuple[Tensor, Tensor]:
            d = tf.cast(up, dtype)
            return (
                tf.cast(tf.matmul(d, w, transpose_b=True), x.dtype),
                tf.cast(tf.matmul(a, d, transpose_a=True), tf.float32),
            )

        return tf.cast(tf.matmul(a, w), result), gradient

    return run(x, weight)

"""The output layer: a softmax over the vocabulary, adaptive where that is large.

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

from collections.abc import Iterator, Sequence
from typing import Any

from chatbot.learn.losses import dense, row_nats, summed_loss
from chatbot.learn.tf import tf

Tensor = Any

_HEAD = 500
_MIDDLE = 4_000
_WHOLE = 4_000
_TAIL_LIMIT = 0.1


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


def first_biases(unigram: Tensor, cutoffs: Sequence[int]) -> list[Tensor]:
    """Where the biases of the head, its slots behind it, and of each tail begin.

    Args:
        unigram: how often each entry occurs, [V].
        cutoffs: the first entry past each cluster.
    """
    counts = tf.cast(unigram, tf.float32) + 0.1
    tails = [counts[first:last] for first, last in zip(cutoffs, cutoffs[1:], strict=False)]
    slots = [tf.reduce_sum(tail, keepdims=True) for tail in tails]
    clusters = [tf.concat([counts[: cutoffs[0]], *slots], 0), *tails]
    return [tf.math.log(cluster / tf.reduce_sum(cluster)) for cluster in clusters]


class OutputLayer(tf.Module):  # type: ignore[misc]
    """A softmax over V entries, adaptive when V is large.

    Attributes:
        cutoffs: the first entry past each cluster; the last is V.
        shared: entries whose classes share what is learned of the embeddings: those of the first
            two clusters of an adaptive softmax, 0 without embeddings or, unless tied, with a single
            cluster.
        tied: whether those classes have no vector of their own besides.
    """

    def __init__(
        self,
        size: int,
        units: int,
        unigram: Tensor,
        uniform: Any,  # noqa: ANN401
        embedding: int = 0,
        *,
        tied: bool = False,
    ) -> None:
        """Makes the weights.

        Args:
            size: entries of the vocabulary, V, sorted by descending frequency.
            units: width of the output vectors.
            unigram: how often each entry occurs, [V]; the biases begin at its logarithm.
            uniform: (name, shape, limit) -> a variable drawn uniformly from -limit to limit.
            embedding: width of the embeddings that classes share; 0 for none.
            tied: the attribute.
        """
        super().__init__(name="output")
        self.cutoffs = cutoffs_of(size)
        self.shared = 0
        if embedding and (tied or len(self.cutoffs) > 1):
            self.shared = self.cutoffs[:2][-1]
        self.tied = bool(tied and self.shared)
        head = 0 if self.tied else self.cutoffs[0]
        tails = list(zip(self.cutoffs, self.cutoffs[1:], strict=False))
        bias, *biases = first_biases(unigram, self.cutoffs)
        self.weight = None
        if head + len(tails):
            self.weight = uniform("weight", (head + len(tails), units), 0.05)
        self.bias = tf.Variable(bias, name="bias")
        self.projections, self.tail_weights, self.tail_biases = [], [], []
        for number, (first, last) in enumerate(tails):
            width = tail_width(units, number)
            limit = (6 / (units + width)) ** 0.5
            self.projections.append(uniform(f"projection{number}", (units, width), limit))
            if number or not self.tied:
                self.tail_weights.append(
                    uniform(f"tail{number}", (last - first, width), _TAIL_LIMIT)
                )
            self.tail_biases.append(tf.Variable(biases[number], name=f"tail_bias{number}"))
        self.views = []
        if self.shared:
            # A class of the head begins as the embedding itself.
            self.views.append(tf.Variable(tf.eye(embedding, units), name="view0"))
        if self.shared and tails:
            width = tail_width(units, 0)
            limit = (6 / (embedding + width)) ** 0.5
            self.views.append(uniform("view1", (embedding, width), limit))

    @property
    def own(self) -> list[Tensor | None]:
        """The classes' own vectors in the head and in each tail, None where there are none.

        Those of a tied head are only of its slots.
        """
        nothing = [None] if self.tied and len(self.cutoffs) > 1 else []
        return [self.weight, *nothing, *self.tail_weights]

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
        found = self.own
        if not self.shared:
            return found
        bounds = [0, *self.cutoffs[:2]]
        sizes = [last - first for first, last in zip(bounds, bounds[1:], strict=False)]
        # A split has a cheaper gradient than slices.
        parts = tf.split(rows, [*sizes, -1])[:-1]
        for number, (view, part) in enumerate(zip(self.views, parts, strict=True)):
            seen, own = dense(part, view, dtype), found[number]
            if own is None:
                found[number] = seen
            elif self.tied:
                found[number] = tf.concat([seen, own], 0)
            else:
                slots = own.shape[0] - part.shape[0]  # of the tails, in the head
                found[number] = own + tf.pad(seen, [[0, slots], [0, 0]])
        return found

    def begin_with(self, rows: Tensor) -> None:
        """Classes of the tails begin near each other where embeddings are.

        Each begins at its embedding's place along the principal components of those of its tail, as
        many as it is wide, as long on average as the vectors drawn at random.

        Args:
            rows: the embeddings of all entries, [V, E].
        """
        tails = list(zip(self.cutoffs, self.cutoffs[1:], strict=False))
        if self.tied:
            del tails[:1]  # it has no vectors of its own
        for classes, (first, last) in zip(self.tail_weights, tails, strict=True):
            apart = rows[first:last] - tf.reduce_mean(rows[first:last], 0)
            _, directions = tf.linalg.eigh(tf.matmul(apart, apart, transpose_a=True))
            width = classes.shape[1]
            found = tf.matmul(apart, directions[:, ::-1][:, :width])
            found = tf.pad(found, [(0, 0), (0, width - found.shape[1])])
            mean = tf.sqrt(tf.reduce_mean(found * found))
            classes.assign(found * (_TAIL_LIMIT / 3**0.5 / tf.maximum(mean, 1e-30)))

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

"""What every network has: embeddings, output layer, mixture, and the loss of a packed batch.

Comes in: packed batches. Goes out: summed losses, or the vectors that the output layer reads. Knows
the *size* of a vocabulary, never a word. What is between embeddings and output vectors is
`recurrent_model`'s and `transformer`'s; `networks` makes one or the other.

Shape letters, for the whole package: B pairs in the batch, S source positions, T target positions,
V vocabulary, E embedding width, U units; for packed rows see `packing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.corpus.batches import Batch
from chatbot.errors import ChatbotError
from chatbot.learn.dropout import NOTHING_DROPPED, Dropped
from chatbot.learn.experts import of_question
from chatbot.learn.gathers import permuted
from chatbot.learn.groups import GROUPS, grouped
from chatbot.learn.mixture import Mixture
from chatbot.learn.ngrams import NUMBERS
from chatbot.learn.output import OutputLayer
from chatbot.learn.packing import NOT_READ, Packed, pack
from chatbot.learn.tf import tf

Tensor = Any
SOURCE, TARGET, OUTPUT, WORDS, INSIDE = range(5)
"""Places where dropout draws; those inside a network begin with the last one."""

Features = Mapping[str, Tensor]
"""What `Seq2Seq.features` gives."""


def feature_spec() -> dict[str, tf.TensorSpec]:
    """The types of what `Seq2Seq.features` gives, with all sizes open."""
    names = {*Packed.__dataclass_fields__, "given", "groups"}.difference(NOT_READ)
    shapes = {"groups": (GROUPS, 3), "given": (None, None)}
    types = {"weights": tf.float32, "given": tf.float32}
    return {
        name: tf.TensorSpec(shapes.get(name, (None,)), types.get(name, tf.int32))
        for name in sorted(names)
    }


class Drawing:
    """Draws weights, each variable with a key of its own."""

    def __init__(self, seed: int) -> None:
        """Takes the seed of all of them."""
        self._seed, self._drawn = seed, 0

    def __call__(self, name: str, shape: tuple[int, ...], limit: float) -> tf.Variable:
        """A variable drawn evenly from -limit to limit."""
        self._drawn += 1
        seed = self._seed
        key = [seed & 0x7FFFFFFF, (seed >> 31 ^ self._drawn << 16) & 0x7FFFFFFF]
        return tf.Variable(tf.random.stateless_uniform(shape, key, -limit, limit), name=name)

    def glorot(self, name: str, shape: tuple[int, int]) -> tf.Variable:
        """A matrix that keeps the spread of what it multiplies (Glorot and Bengio 2010, eq. 16)."""
        return self(name, shape, (6 / sum(shape)) ** 0.5)


class Seq2Seq(tf.Module):  # type: ignore[misc]
    """A network with its weights; what is between embeddings and output is a subclass's."""

    def __init__(
        self,
        size: int,
        config: ModelConfig,
        *,
        seed: int = 0,
        unigram: NDArray[np.float32] | None = None,
    ) -> None:
        """Draws the weights.

        Args:
            size: entries of the vocabulary, V.
            config: the widths.
            seed: seed of the weights.
            unigram: how often each entry occurs, [V]; the output begins at these frequencies.

        Raises:
            ChatbotError: widths that do not go together, or n-grams of too many words.
        """
        super().__init__(name="seq2seq")
        if size ** (config.ngrams or 0) >= NUMBERS:
            raise ChatbotError(
                f"--ngrams: {config.ngrams} words are too many for a vocabulary of {size:,} "
                "entries. Ask for fewer."
            )
        self.size, self.config = size, config
        self.cudnn = bool(tf.config.list_physical_devices("GPU"))
        drawing, e, u = Drawing(seed), config.embedding, config.units
        self.embedding = drawing("embedding", (size, e), 0.05)
        self._draw(drawing)
        counts = np.ones(size, np.float32) if unigram is None else unigram
        self.output = OutputLayer(size, u, counts, drawing, e, tied=config.tied)
        self.mixture = Mixture(u, copying=config.copying) if config.ngrams else None

    def _draw(self, drawing: Drawing) -> None:
        """Draws the weights between embeddings and output layer."""
        raise NotImplementedError

    def vectors(self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped) -> Tensor:
        """The output vectors of a packed batch, [N, U]; arguments as for `losses`."""
        raise NotImplementedError

    def _output(
        self, vectors: Tensor, batch: Features, dropped: Dropped, of_sequence: Tensor
    ) -> Tensor:
        """Packed output vectors [Q, U] as the output layer reads them, [N, U], some left out."""
        if dropped.variational:
            vectors = dropped.units_of(vectors, OUTPUT, of_sequence)
            return permuted(vectors, batch["output"], batch["output_place"])
        return dropped.units_of(permuted(vectors, batch["output"], batch["output_place"]), OUTPUT)

    @property
    def matrices(self) -> list[tf.Variable]:
        """All weights but the embedding, in a fixed order."""
        return [v for v in self.trainable_variables if v is not self.embedding]

    @property
    def named(self) -> dict[str, tf.Variable]:
        """All variables by their names in a checkpoint, below `model/`."""
        found: dict[str, tf.Variable] = {}

        def walk(name: str, what: Any) -> None:  # noqa: ANN401 - a module, a list, or a variable
            """Takes a variable, or what is in a module or a list."""
            if isinstance(what, tf.Variable):
                found[name] = what
            elif isinstance(what, (tf.Module, list)):
                inside = enumerate(what) if isinstance(what, list) else vars(what).items()
                for part, value in inside:
                    if not str(part).startswith("_"):
                        walk(f"{name}/{part}" if name else str(part), value)

        walk("", self)
        return found

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The values of all variables by their names in a checkpoint, below `model/`.

        Most are no copies: they are good until the variables change.
        """
        return {name: np.asarray(one.value()) for name, one in self.named.items()}

    def pack(self, batch: Batch) -> Packed:
        """A batch packed as the network reads it."""
        before = max(0, (self.config.ngrams or 0) - 1)
        return pack(batch, self.output.cutoffs, before, self.output.shared)

    def features(self, packed: Packed, *, counted: bool = False) -> dict[str, NDArray[Any]]:
        """What the network reads of a packed batch.

        Args:
            packed: what `pack` gave.
            counted: the batch is among the pairs whose n-grams were counted; its labels are given
                the probabilities that they would have without it.

        Returns:
            The fields of `packing.Packed` but those `NOT_READ`, those that `groups.grouped` gives
            in place of the same ones there, and `given`: the log-probability of every label by each
            expert beside the network, float32 [N, experts].
        """
        given = []
        if self.mixture is not None:
            ngrams = self.mixture.ngrams
            given.append(
                ngrams.log_probabilities(packed.contexts, packed.labels, leave_out=counted)
            )
            if self.config.copying:
                given.append(of_question(packed.asked, packed.pairs, packed.labels))
        target, rows = packed.target_row, (len(packed.source), len(packed.target))
        lengths = (target < rows[1] - 1).sum(1, dtype=np.int32)
        groups = grouped(packed.source_row, packed.source_lengths, target, lengths, rows)
        stacked = np.stack(given, 1) if given else np.zeros((len(packed.labels), 0), np.float32)
        return {**packed.arrays(), **groups, "given": stacked}

    def losses(
        self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped
    ) -> tuple[Tensor, Tensor]:
        """The losses of a packed batch, summed over its real targets, in nats.

        Args:
            rows: embeddings of the entries the batch touches, [K, E].
            batch: what `features` gave.
            dtype: what matrix products are computed in.
            dropped: what is left out in training.

        Returns:
            What the weights learn by, and the loss of the probabilities that replies are chosen by;
            the same without n-grams, else see `mixture`.
        """
        vectors = self.vectors(rows, batch, dtype, dropped)
        labels, weights, bounds = (batch[n] for n in ("labels", "weights", "cluster_bounds"))
        classes = self.output.classes(rows, dtype)
        total, nats = self.output.loss(vectors, classes, labels, weights, bounds, dtype)
        if self.mixture is None:
            return total, total
        mixed = tf.reduce_sum(self.mixture.nats(vectors, nats, batch["given"]) * weights)
        return total + mixed, mixed

    def judged(self, rows: Tensor, batch: Features, dtype: tf.DType) -> tuple[Tensor, Tensor]:
        """The losses of every output row, [N], nothing left out: by mixture, and by network.

        Cheaper than `losses`, as nothing learns from them. Those of padding rows mean nothing.
        """
        vectors = self.vectors(rows, batch, dtype, NOTHING_DROPPED)
        classes = self.output.classes(rows, dtype)
        nats = self.output.nats(vectors, classes, batch["labels"], batch["cluster_bounds"], dtype)
        if self.mixture is None:
            return nats, nats
        return self.mixture.nats(vectors, nats, batch["given"]), nats

    def shares(self, vectors: Tensor) -> Tensor:
        """Those of network and experts for output vectors [N, U], [N, 1 + experts]."""
        if self.mixture is None:
            return tf.ones_like(vectors[:, :1])
        return self.mixture.shares(vectors)

"""The network: encoder, attention, decoder.

Comes in: packed batches, or ids of questions and single decoder steps. Goes out: summed losses, or
log-probabilities of the next entry. Knows the *size* of a vocabulary, never a word.

An LSTM reads the question (in both directions if asked, each half as wide); its last states begin
the decoder's (Sutskever et al. 2014). The decoder's states attend globally over the encoder's
(Luong et al. 2015, "Effective approaches to attention-based neural machine translation"):

    score(d, s) = d . W_a s                       general score, eq. 8
    context     = sum_s softmax(score) W_a s      section 3.1, over the projected states
    output      = tanh(W_c [d; context])          eq. 5

The output vector is not fed back into the decoder (no input feeding), so attention and output are
computed for all target positions at once. Two departures from the paper: the context sums the
projected states, which saves a second padded copy, and the output layer may be adaptive.

Shape letters, for the whole package: B pairs in the batch, S source positions, T target positions,
V vocabulary, E embedding width, U units; for packed rows see `packing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.corpus.batches import Batch
from chatbot.errors import ChatbotError
from chatbot.learn.attention import attend, attend_in_groups, padding_mask
from chatbot.learn.dropout import NOTHING_DROPPED, Dropped
from chatbot.learn.gathers import last_rows, permuted
from chatbot.learn.groups import GROUPS, grouped
from chatbot.learn.losses import dense
from chatbot.learn.mixture import Mixture
from chatbot.learn.ngrams import NUMBERS
from chatbot.learn.output import OutputLayer
from chatbot.learn.packing import NOT_READ, Packed, pack
from chatbot.learn.recurrent import lstm
from chatbot.learn.tf import tf

Tensor = Any
Features = Mapping[str, Tensor]
"""What `Seq2Seq.features` gives."""


def feature_spec() -> dict[str, tf.TensorSpec]:
    """The types of what `Seq2Seq.features` gives, with all sizes open."""
    names = {*Packed.__dataclass_fields__, "given", "groups"}.difference(NOT_READ)
    shapes = {"groups": (GROUPS, 3)}
    types = {"weights": tf.float32, "given": tf.float32}
    return {
        name: tf.TensorSpec(shapes.get(name, (None,)), types.get(name, tf.int32))
        for name in sorted(names)
    }


class State(NamedTuple):
    """What the decoder carries from one step to the next, for B replies.

    Attributes:
        keys: projected encoder states, [B, S, U].
        mask: 0 where a question has a token, a large negative number on padding, [B, S].
        h: hidden state of the decoder, [B, U].
        c: cell state of the decoder, [B, U].
    """

    keys: Tensor
    mask: Tensor
    h: Tensor
    c: Tensor


class Recurrent(tf.Module):  # type: ignore[misc]
    """The weights of one LSTM, in Keras's layout."""

    def __init__(self, name: str, inputs: int, units: int, uniform: Any) -> None:  # noqa: ANN401
        """Draws the weights (Glorot and Bengio 2010); the forget gate's bias begins at 1."""
        super().__init__(name=name)
        limit = (6 / (inputs + 2 * units)) ** 0.5
        self.kernel = uniform(f"{name}_kernel", (inputs, 4 * units), limit)
        self.recurrent = uniform(f"{name}_recurrent", (units, 4 * units), limit)
        forget = tf.one_hot(1, 4)[:, None] * tf.ones([1, units])
        self.bias = tf.Variable(tf.reshape(forget, [-1]), name=f"{name}_bias")


class Seq2Seq(tf.Module):  # type: ignore[misc]
    """Encoder, attention and decoder with their weights."""

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
            ChatbotError: an odd number of units for two directions, or n-grams of too many words.
        """
        super().__init__(name="seq2seq")
        if size ** (config.ngrams or 0) >= NUMBERS:
            raise ChatbotError(
                f"--ngrams: {config.ngrams} words are too many for a vocabulary of {size:,} "
                "entries. Ask for fewer."
            )
        if config.bidirectional and config.units % 2:
            raise ChatbotError("--units: must be even with --bidirectional, half for a direction.")
        self.size, self.config = size, config
        self.cudnn = bool(tf.config.list_physical_devices("GPU"))
        drawn = 0

        def uniform(name: str, shape: tuple[int, ...], limit: float) -> tf.Variable:
            """A variable drawn evenly from -limit to limit, each with a key of its own."""
            nonlocal drawn
            drawn += 1
            key = [seed & 0x7FFFFFFF, (seed >> 31 ^ drawn << 16) & 0x7FFFFFFF]
            values = tf.random.stateless_uniform(shape, key, -limit, limit)
            return tf.Variable(values, name=name)

        e, u = config.embedding, config.units
        one_way = u // 2 if config.bidirectional else u
        self.embedding = uniform("embedding", (size, e), 0.05)
        self.encoder = Recurrent("encoder", e, one_way, uniform)
        self.backward = Recurrent("backward", e, one_way, uniform) if config.bidirectional else None
        self.decoder = Recurrent("decoder", e, u, uniform)
        self.attention = uniform("attention", (u, u), (6 / (2 * u)) ** 0.5)
        self.combine = uniform("combine", (2 * u, u), (6 / (3 * u)) ** 0.5)
        counts = np.ones(size, np.float32) if unigram is None else unigram
        self.output = OutputLayer(size, u, counts, uniform, e)
        self.mixture = Mixture(u) if config.ngrams else None

    @property
    def matrices(self) -> list[tf.Variable]:
        """All weights but the embedding, in a fixed order."""
        return [v for v in self.trainable_variables if v is not self.embedding]

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """All variables by their names in a checkpoint, below `model/`."""
        found: dict[str, NDArray[np.float32]] = {}

        def walk(name: str, what: Any) -> None:  # noqa: ANN401 - a module, a list, or a variable
            """Takes a variable, or what is in a module or a list."""
            if isinstance(what, tf.Variable):
                found[name] = what.numpy()
            elif isinstance(what, (tf.Module, list)):
                inside = enumerate(what) if isinstance(what, list) else vars(what).items()
                for part, value in inside:
                    if not str(part).startswith("_"):
                        walk(f"{name}/{part}" if name else str(part), value)

        walk("", self)
        return found

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
            The fields of `packing.Packed` but the contexts and pairs, those that `groups.grouped`
            gives in place of the same ones there, and `given`: the log-probability of every label
            by the n-grams, 0 without them, float32 [N].
        """
        given = np.zeros(len(packed.labels), np.float32)
        if self.mixture is not None:
            ngrams = self.mixture.ngrams
            given = ngrams.log_probabilities(packed.contexts, packed.labels, leave_out=counted)
        target, rows = packed.target_row, (len(packed.source), len(packed.target))
        lengths = (target < rows[1] - 1).sum(1, dtype=np.int32)
        groups = grouped(packed.source_row, packed.source_lengths, target, lengths, rows)
        return {**packed.arrays(), **groups, "given": given}

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
        """The losses of every output row, [N], nothing left out: with n-grams and without.

        Cheaper than `losses`, as nothing learns from them. Those of padding rows mean nothing.
        """
        vectors = self.vectors(rows, batch, dtype, NOTHING_DROPPED)
        classes = self.output.classes(rows, dtype)
        nats = self.output.nats(vectors, classes, batch["labels"], batch["cluster_bounds"], dtype)
        if self.mixture is None:
            return nats, nats
        return self.mixture.nats(vectors, nats, batch["given"]), nats

    def vectors(self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped) -> Tensor:
        """The output vectors of a packed batch, [N, U]; arguments as for `losses`."""
        keys, h, c = self._encode(rows, batch, dtype, dropped)
        inputs = dropped.units_of(tf.gather(rows, batch["target"]), 1)
        states, _ = self._run(self.decoder, inputs, batch["target_bounds"], h, c, dtype)
        context = attend_in_groups(states, keys, batch)
        vectors = tf.tanh(dense(tf.concat([states, context], 1), self.combine, dtype))
        vectors = permuted(vectors, batch["output"], batch["output_place"])
        return dropped.units_of(vectors, 2)

    def _run(
        self,
        weights: Recurrent,
        x: Tensor,
        bounds: Tensor,
        h: Tensor,
        c: Tensor,
        dtype: tf.DType,
    ) -> tuple[Tensor, Tensor]:
        return lstm(
            x,
            bounds,
            weights.kernel,
            weights.recurrent,
            weights.bias,
            h,
            c,
            dtype=dtype,
            cudnn=self.cudnn,
        )

    def _encode(
        self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Keys where `source_row` has them, and the decoder's first states [B, U] by target."""
        x = dropped.words_of(dropped.units_of(tf.gather(rows, batch["source"]), 0), 3)
        bounds, swap = batch["source_bounds"], batch["source_reversed"]
        zeros = tf.zeros([bounds[1], self.encoder.recurrent.shape[0]])
        h, c = self._run(self.encoder, x, bounds, zeros, zeros, dtype)
        last_h = last_rows(h, batch["last"], batch["last_place"])
        last_c = last_rows(c, batch["last"], batch["last_place"])
        if self.backward is not None:
            x = permuted(x, swap, swap)
            back_h, back_c = self._run(self.backward, x, bounds, zeros, zeros, dtype)
            last_h = tf.concat([last_h, last_rows(back_h, batch["last"], batch["last_place"])], 1)
            last_c = tf.concat([last_c, last_rows(back_c, batch["last"], batch["last_place"])], 1)
            h = tf.concat([h, permuted(back_h, swap, swap)], 1)
        keys = dense(h, self.attention, dtype, dtype)
        keys = permuted(keys, batch["source_row"], batch["source_place"])
        return keys, tf.cast(last_h, tf.float32), last_c

    def begin(self, questions: Features) -> State:
        """Reads questions: the state before the first decoder step.

        Args:
            questions: what `packing.source_fields` gives for them.
        """
        batch = questions
        keys, h, c = self._encode(self.embedding, batch, tf.float32, NOTHING_DROPPED)
        return State(keys, padding_mask(batch["source_lengths"], tf.shape(keys)[1]), h, c)

    def classes(self) -> list[Tensor]:
        """What `step` needs of the output layer, the same for all steps."""
        return self.output.classes(self.embedding)

    def step(
        self, tokens: Tensor, state: State, classes: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, State]:
        """One decoder step.

        Args:
            tokens: the entries decided last, GO at first, int32 [B].
            state: what the last step left.
            classes: what `classes` gave.

        Returns:
            Log-probabilities of the next entry by the network, [B, V], the share of the n-grams,
            [B] (0 without them), and the new state.
        """
        weights = self.decoder
        x = tf.gather(self.embedding, tokens)
        z = tf.matmul(x, weights.kernel) + tf.matmul(state.h, weights.recurrent) + weights.bias
        i, f, g, o = tf.split(z, 4, 1)
        c = tf.sigmoid(f) * state.c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        context = attend(h[:, None], state.keys, state.mask[:, None])[:, 0]
        vectors = tf.tanh(tf.matmul(tf.concat([h, context], 1), self.combine))
        scores = self.output.log_probabilities(vectors, classes)
        return scores, self.share(vectors), State(state.keys, state.mask, h, c)

    def share(self, vectors: Tensor) -> Tensor:
        """The share of the n-grams for output vectors [N, U], 0 without them, [N]."""
        return tf.zeros_like(vectors[:, 0]) if self.mixture is None else self.mixture.share(vectors)

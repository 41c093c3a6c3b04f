"""The Transformer: attention in place of recurrence.

Comes in: packed batches and embeddings. Goes out: output vectors.

Vaswani et al. 2017, "Attention is all you need", with the norm before each part (pre-norm, Xiong et
al. 2020) and one more behind the last layer:

    x + attention(norm(x))        eq. 1 with several heads, section 3.2.2; over the question in the
                                  encoder; over the reply so far, then over the question, in the
                                  decoder
    x + feed_forward(norm(x))     eq. 2, four times as wide inside

Embeddings are multiplied by the root of their width, section 3.4; positions are sines and cosines,
section 3.5, in two halves. All but attention works on packed rows; attention on groups of pairs of
like length, see `groups`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError
from chatbot.learn.attention import padding_mask
from chatbot.learn.dropout import Dropped
from chatbot.learn.gathers import permuted
from chatbot.learn.groups import GROUPS
from chatbot.learn.losses import dense
from chatbot.learn.model import INSIDE, SOURCE, TARGET, WORDS, Drawing, Features, Seq2Seq
from chatbot.learn.norm import LayerNorm
from chatbot.learn.recurrent import ranks
from chatbot.learn.tf import tf

Tensor = Any

INNER = 4
"""How many times as wide the inside of a feed-forward part is."""

_FUTURE = -1e9


class Heads(tf.Module):  # type: ignore[misc]
    """The weights of attention with several heads."""

    def __init__(self, name: str, units: int, drawing: Drawing) -> None:
        """Draws queries [U, U], keys and values beside each other [U, 2U], and output [U, U]."""
        super().__init__(name=name)
        self.query = drawing.glorot(f"{name}_query", (units, units))
        self.memory = drawing.glorot(f"{name}_memory", (units, 2 * units))
        self.out = drawing.glorot(f"{name}_out", (units, units))


class Layer(tf.Module):  # type: ignore[misc]
    """The weights of a layer: one attention in the encoder, two in the decoder, feed-forward."""

    def __init__(self, name: str, units: int, attentions: int, drawing: Drawing) -> None:
        """Draws the weights."""
        super().__init__(name=name)
        self.heads = [Heads(f"{name}_{n}", units, drawing) for n in range(attentions)]
        self.inner = drawing.glorot(f"{name}_inner", (units, INNER * units))
        self.inner_bias = tf.Variable(tf.zeros([INNER * units]), name=f"{name}_inner_bias")
        self.outer = drawing.glorot(f"{name}_outer", (INNER * units, units))
        self.outer_bias = tf.Variable(tf.zeros([units]), name=f"{name}_outer_bias")
        self.norms = [LayerNorm(f"{name}_norm{n}", units) for n in range(attentions + 1)]


class _Side(NamedTuple):
    """Where the groups have the packed rows of the questions, or of the replies.

    Attributes:
        row: the packed row of every place.
        place: the place of every packed row.
        pairs: pairs of each group.
        columns: places of each pair in each group.
        sequence: the sequence of every packed row.
    """

    row: Tensor
    place: Tensor
    pairs: Tensor
    columns: Tensor
    sequence: Tensor

    def grouped(self, x: Tensor, heads: int) -> Iterator[Tensor]:
        """Packed rows [R, width] by groups, [pairs, heads, columns, width / heads] each."""
        rows = permuted(x, self.row, self.place)
        for n, part in enumerate(tf.split(rows, self.pairs * self.columns, num=GROUPS)):
            shape = [self.pairs[n], self.columns[n], heads, x.shape[1] // heads]
            yield tf.transpose(tf.reshape(part, shape), [0, 2, 1, 3])

    def packed(self, parts: list[Tensor], width: int) -> Tensor:
        """The way back."""
        flat = [tf.reshape(tf.transpose(part, [0, 2, 1, 3]), [-1, width]) for part in parts]
        return permuted(tf.concat(flat, 0), self.place, self.row)


class Transformer(Seq2Seq):
    """Encoder and decoder with their weights."""

    def _draw(self, drawing: Drawing) -> None:
        config = self.config
        if config.embedding != config.units:
            raise ChatbotError(
                f"--embedding {config.embedding}: a Transformer's embeddings are as wide as its "
                f"layers. Give --units {config.embedding} or --embedding {config.units}."
            )
        if config.units % config.heads or config.units % 2:
            raise ChatbotError(
                f"--heads {config.heads}: {config.units} units cannot be dealt out evenly to so "
                "many. Give an even number of --units that so many heads divide."
            )
        u, layers = config.units, range(config.depth)
        self.encoder_layers = [Layer(f"encoder{n}", u, 1, drawing) for n in layers]
        self.decoder_layers = [Layer(f"decoder{n}", u, 2, drawing) for n in layers]
        self.encoder_norm = LayerNorm("encoder_norm", u)
        self.decoder_norm = LayerNorm("decoder_norm", u)

    def vectors(self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped) -> Tensor:
        """The output vectors of a packed batch, [N, U]; arguments as for `losses`."""
        source, target = (_side(batch, name) for name in ("source", "target"))
        padding = [
            padding_mask(lengths, columns)[:, None, None]
            for lengths, columns in zip(
                tf.split(batch["source_lengths"], source.pairs, num=GROUPS),
                source.columns,
                strict=True,
            )
        ]
        future = [
            _FUTURE * (1 - tf.linalg.band_part(tf.ones([n, n]), -1, 0)) for n in target.columns
        ]
        heads, place = self.config.heads, count(INSIDE)

        def left_out(x: Tensor, side: _Side) -> Tensor:
            """Rows with some elements left out, by a draw of its own."""
            return dropped.units_of(x, next(place), side.sequence)

        x = dropped.units_of(tf.gather(rows, batch["source"]), SOURCE, source.sequence)
        x = _placed(dropped.words_of(x, WORDS), batch["source_bounds"])
        for layer in self.encoder_layers:
            y = layer.norms[0](x)
            x += left_out(
                _attend(layer.heads[0], y, y, source, source, padding, heads, dtype), source
            )
            x += left_out(_fed(layer, layer.norms[1](x), dtype), source)
        memory = self.encoder_norm(x)
        x = dropped.units_of(tf.gather(rows, batch["target"]), TARGET, target.sequence)
        x = _placed(x, batch["target_bounds"])
        for layer in self.decoder_layers:
            own, asked = layer.heads
            y = layer.norms[0](x)
            x += left_out(_attend(own, y, y, target, target, future, heads, dtype), target)
            y = layer.norms[1](x)
            x += left_out(_attend(asked, y, memory, target, source, padding, heads, dtype), target)
            x += left_out(_fed(layer, layer.norms[2](x), dtype), target)
        vectors = self.decoder_norm(x)
        return self._output(vectors, batch, dropped, target.sequence)


def _side(batch: Features, name: str) -> _Side:
    """The packed rows of one side of a batch and where the groups have them."""
    place = batch[f"{name}_place"]
    pairs, source_columns, target_columns = tf.unstack(batch["groups"], axis=1)
    columns = source_columns if name == "source" else target_columns
    of_sequence = ranks(batch[f"{name}_bounds"], tf.shape(place)[0])
    split = tf.unstack(columns, num=GROUPS)
    return _Side(batch[f"{name}_row"], place, pairs, split, of_sequence)


def wavelengths(units: int) -> NDArray[np.float32]:
    """What a place is multiplied by for each sine and its cosine, section 3.5, [units / 2]."""
    half = units // 2
    return (10_000.0 ** (-np.arange(half) / half)).astype(np.float32)


def _placed(x: Tensor, bounds: Tensor) -> Tensor:
    """Embeddings in packed rows, scaled, with their positions added."""
    units, sizes = x.shape[1], bounds[1:] - bounds[:-1]
    steps = tf.repeat(tf.range(tf.size(sizes)), sizes)
    steps = tf.pad(steps, [[0, tf.shape(x)[0] - bounds[-1]]])
    angles = tf.cast(steps, tf.float32)[:, None] * wavelengths(units)
    return x * units**0.5 + tf.concat([tf.sin(angles), tf.cos(angles)], 1)


def _attend(
    weights: Heads,
    x: Tensor,
    memory: Tensor,
    side: _Side,
    other: _Side,
    masks: Sequence[Tensor],
    heads: int,
    dtype: tf.DType,
) -> Tensor:
    """Attention of packed rows over those of the same or of the other side, packed."""
    queries = side.grouped(dense(x, weights.query, dtype, dtype), heads)
    keys, values = tf.split(dense(memory, weights.memory, dtype, dtype), 2, 1)
    found = []
    for q, k, v, mask in zip(
        queries, other.grouped(keys, heads), other.grouped(values, heads), masks, strict=True
    ):
        scores = tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32) * q.shape[-1] ** -0.5
        found.append(tf.matmul(tf.cast(tf.nn.softmax(scores + mask), v.dtype), v))
    return dense(side.packed(found, x.shape[1]), weights.out, dtype)


def _fed(layer: Layer, x: Tensor, dtype: tf.DType) -> Tensor:
    """The feed-forward part, eq. 2."""
    inside = tf.nn.relu(dense(x, layer.inner, dtype) + layer.inner_bias)
    return dense(inside, layer.outer, dtype) + layer.outer_bias

"""The attention seq2seq: recurrent encoder, attention, recurrent decoder.

Comes in: packed batches and embeddings. Goes out: output vectors.

Layers of LSTMs or GRUs read the question (in both directions if asked, each half as wide); their
last states begin the decoder's (Sutskever et al. 2014). The states of the decoder's last layer
attend globally over those of the encoder's (Luong et al. 2015, "Effective approaches to
attention-based neural machine translation"):

    score(d, s) = d . W_a s                       general score, eq. 8
                = d . s                           dot
                = v . tanh(W_q d + W_a s)         additive: Bahdanau et al. 2015, section A.1.2
    context     = sum_s softmax(score) W_a s      section 3.1, over the projected states
    output      = tanh(W_c [d; context])          eq. 5

The output vector is not fed back into the decoder (no input feeding), so attention and output are
computed for all target positions at once. Departures from the papers: the context sums the
projected states, which saves a second padded copy, the output layer may be adaptive, and additive
attention asks with the present state of the decoder, not the one before.

Layer normalisation, if asked for, is of what enters a layer, not inside the cells.
"""

from __future__ import annotations

from typing import Any

from chatbot.errors import ChatbotError
from chatbot.learn.attention import attend_in_groups, by_product, by_sum
from chatbot.learn.cells import CELLS, STORED
from chatbot.learn.dropout import Dropped
from chatbot.learn.gathers import last_rows, permuted
from chatbot.learn.losses import dense
from chatbot.learn.model import INSIDE, SOURCE, TARGET, WORDS, Drawing, Features, Seq2Seq
from chatbot.learn.norm import LayerNorm
from chatbot.learn.recurrent import ranks, recur
from chatbot.learn.tf import tf

Tensor = Any

_OF_A_LAYER = 5
"""Places where dropout draws in a layer: what enters it and its states; on both sides, and back."""


class Recurrent(tf.Module):  # type: ignore[misc]
    """The weights of one recurrent layer in one direction; those of LSTMs in Keras's layout."""

    def __init__(self, name: str, inputs: int, units: int, cell: str, drawing: Drawing) -> None:
        """Draws the weights (Glorot and Bengio 2010); a forget gate's bias begins at 1."""
        super().__init__(name=name)
        gates = CELLS[cell].gates
        limit = (6 / (inputs + 2 * units)) ** 0.5
        self.kernel = drawing(f"{name}_kernel", (inputs, gates * units), limit)
        self.recurrent = drawing(f"{name}_recurrent", (units, gates * units), limit)
        first = tf.one_hot(1, STORED)[:, None] if cell == "lstm" else tf.zeros([STORED, 1])
        bias = tf.reshape(first * tf.ones([1, units]), [-1])
        self.bias = tf.Variable(bias, name=f"{name}_bias")


class RecurrentModel(Seq2Seq):
    """Encoder, attention and decoder with their weights."""

    def _draw(self, drawing: Drawing) -> None:
        config = self.config
        if config.bidirectional and config.units % 2:
            raise ChatbotError("--units: must be even with --bidirectional, half for a direction.")
        e, u, cell = config.embedding, config.units, config.cell
        one_way = u // 2 if config.bidirectional else u
        self.encoder = Recurrent("encoder", e, one_way, cell, drawing)
        self.backward = None
        if config.bidirectional:
            self.backward = Recurrent("backward", e, one_way, cell, drawing)
        self.decoder = Recurrent("decoder", e, u, cell, drawing)
        if config.attention != "dot":
            self.attention = drawing.glorot("attention", (u, u))
        self.combine = drawing.glorot("combine", (2 * u, u))
        if config.attention == "additive":
            self.query = drawing.glorot("query", (u, u))
            self.score = drawing("score", (u,), (3 / u) ** 0.5)
        above = range(1, config.depth)
        if above:
            self.encoder_above = [
                Recurrent(f"encoder{n}", u, one_way, cell, drawing) for n in above
            ]
            self.decoder_above = [Recurrent(f"decoder{n}", u, u, cell, drawing) for n in above]
            if config.bidirectional:
                self.backward_above = [
                    Recurrent(f"backward{n}", u, one_way, cell, drawing) for n in above
                ]
        if config.layer_norm:
            widths = [e, *(u for _ in above)]
            self.encoder_norms = [LayerNorm(f"encoder_norm{n}", w) for n, w in enumerate(widths)]
            self.decoder_norms = [LayerNorm(f"decoder_norm{n}", w) for n, w in enumerate(widths)]

    @property
    def layers(self) -> list[tuple[Recurrent, Recurrent | None, Recurrent]]:
        """Encoder, its way back if there is one, and decoder of every layer."""
        found = [(self.encoder, self.backward, self.decoder)]
        for n in range(self.config.depth - 1):
            backward = None if self.backward is None else self.backward_above[n]
            found.append((self.encoder_above[n], backward, self.decoder_above[n]))
        return found

    def vectors(self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped) -> Tensor:
        """The output vectors of a packed batch, [N, U]; arguments as for `losses`."""
        keys, states = self._encode(rows, batch, dtype, dropped)
        x = tf.gather(self._entering("decoder", 0, rows), batch["target"])
        bounds = batch["target_bounds"]
        of_sequence = ranks(bounds, tf.shape(x)[0])
        x = dropped.units_of(x, TARGET, of_sequence)
        for number, (h, c) in enumerate(states):
            place = INSIDE + _OF_A_LAYER * number
            if number:
                x = dropped.units_of(tf.cast(x, tf.float32), place, of_sequence)
                x = self._entering("decoder", number, x)
            x, _ = self._run(self.layers[number][2], x, bounds, h, c, dtype, dropped, place + 1)
        context = self._context(x, keys, batch, dtype)
        vectors = tf.tanh(dense(tf.concat([x, context], 1), self.combine, dtype))
        return self._output(vectors, batch, dropped, of_sequence)

    def _entering(self, side: str, number: int, x: Tensor) -> Tensor:
        """What a layer of one side reads.

        In the first layer these are embeddings: each entry's is normalised once, however often it
        occurs in the batch, and dropout comes after.
        """
        if not self.config.layer_norm:
            return x
        norms = self.encoder_norms if side == "encoder" else self.decoder_norms
        return norms[number](x)

    def _context(self, states: Tensor, keys: Tensor, batch: Features, dtype: tf.DType) -> Tensor:
        """What every state of the decoder reads of the question, packed, [Q, U]."""
        if self.config.attention != "additive":
            return attend_in_groups(states, keys, batch, by_product)
        queries = dense(states, self.query, dtype, dtype)
        return attend_in_groups(queries, keys, batch, by_sum(self.score))

    def _run(
        self,
        weights: Recurrent,
        x: Tensor,
        bounds: Tensor,
        h: Tensor,
        c: Tensor,
        dtype: tf.DType,
        dropped: Dropped,
        place: int,
    ) -> tuple[Tensor, Tensor]:
        return recur(
            tf.cast(x, tf.float32),
            bounds,
            weights.kernel,
            weights.recurrent,
            weights.bias,
            h,
            c,
            cell=self.config.cell,
            kept=dropped.states_of(bounds[1], weights.recurrent.shape[0], place),
            dtype=dtype,
            cudnn=self.cudnn,
        )

    def _encode(
        self, rows: Tensor, batch: Features, dtype: tf.DType, dropped: Dropped
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Keys where the groups have them; the decoder's first states [B, U] of every layer."""
        bounds = batch["source_bounds"]
        x = tf.gather(self._entering("encoder", 0, rows), batch["source"])
        of_sequence = ranks(bounds, tf.shape(x)[0])
        x = dropped.words_of(dropped.units_of(x, SOURCE, of_sequence), WORDS)
        states = []
        for number in range(self.config.depth):
            place = INSIDE + _OF_A_LAYER * number + 2
            if number:
                x = dropped.units_of(tf.cast(x, tf.float32), place, of_sequence)
                x = self._entering("encoder", number, x)
            x, h, c = self._read(number, x, batch, dtype, dropped, place + 1)
            states.append((tf.cast(h, tf.float32), c))
        keys = x if self.config.attention == "dot" else dense(x, self.attention, dtype, dtype)
        return permuted(keys, batch["source_row"], batch["source_place"]), states

    def _read(
        self,
        number: int,
        x: Tensor,
        batch: Features,
        dtype: tf.DType,
        dropped: Dropped,
        place: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The states of a layer of the encoder, and the last ones of every question."""
        forward, backward, _ = self.layers[number]
        bounds, swap = batch["source_bounds"], batch["source_reversed"]
        zeros = tf.zeros([bounds[1], forward.recurrent.shape[0]])
        h, c = self._run(forward, x, bounds, zeros, zeros, dtype, dropped, place)
        last_h = last_rows(h, batch["last"], batch["last_place"])
        last_c = last_rows(c, batch["last"], batch["last_place"])
        if backward is not None:
            x = permuted(x, swap, swap)
            back_h, back_c = self._run(backward, x, bounds, zeros, zeros, dtype, dropped, place + 1)
            last_h = tf.concat([last_h, last_rows(back_h, batch["last"], batch["last_place"])], 1)
            last_c = tf.concat([last_c, last_rows(back_c, batch["last"], batch["last_place"])], 1)
            h = tf.concat([h, permuted(back_h, swap, swap)], 1)
        return h, last_h, last_c

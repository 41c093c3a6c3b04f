"""The attention seq2seq that answers, as a graph: `talk.recurrent_network`'s twin.

Comes in: weights, ids. Goes out: output vectors of decoder steps.
"""

from __future__ import annotations

from typing import Any

from chatbot.config import ModelConfig
from chatbot.graph.network import GraphNetwork, State, held, normalised
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.tf import tf
from chatbot.talk.network import Weights

Tensor = Any


class _Layer(tf.Module):  # type: ignore[misc]
    """A recurrent layer in one direction; see `learn.cells`."""

    def __init__(self, weights: Weights, name: str, cell: str) -> None:
        super().__init__()
        self._kernel = held(weights[f"{name}/kernel"])
        self._recurrent = held(weights[f"{name}/recurrent"])
        self._bias = held(weights[f"{name}/bias"])
        self._gru = cell == "gru"
        self.units = self._recurrent.shape[0]

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden and carried states after a step from inputs [B, I]."""
        if self._gru:
            bias = self._bias[: 3 * self.units]
            r, z, g = tf.split(x @ self._kernel + bias, 3, 1)
            of_r, of_z, of_g = tf.split(h @ self._recurrent, 3, 1)
            of_g += self._bias[3 * self.units :]
            g = tf.tanh(g + tf.sigmoid(r + of_r) * of_g)
            h = g + tf.sigmoid(z + of_z) * (h - g)
            return h, h
        i, f, g, o = tf.split(x @ self._kernel + h @ self._recurrent + self._bias, 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    def run(self, x: Tensor, there: Tensor, *, back: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Reads sequences [B, S, I], from the last place on where it goes back.

        Returns:
            The hidden states [B, S, U], 0 where nothing is there, and the last h and c of each.
        """

        def step(state: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            """The states after a place."""
            h, c = self.step(now[0], *state)
            going = now[1][:, None]
            return tf.where(going, h, state[0]), tf.where(going, c, state[1])

        nothing = tf.zeros([tf.shape(x)[0], self.units])
        places = tf.transpose(x, [1, 0, 2]), tf.transpose(there)
        hs, cs = tf.scan(step, places, (nothing, nothing), reverse=back)
        end = 0 if back else -1
        h, c = hs[end], cs[end]
        return tf.where(there[:, :, None], tf.transpose(hs, [1, 0, 2]), 0.0), h, c


class GraphRecurrent(GraphNetwork):
    """Encoder, attention and decoder."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, their shape, and the counts that belong to them."""
        super().__init__(weights, config, ngrams)
        above = ["", *(f"_above/{n}" for n in range(config.depth - 1))]

        def layers(side: str) -> list[_Layer]:
            """Those of one side."""
            return [_Layer(weights, f"{side}{number}", config.cell) for number in above]

        self._encoder, self._decoder = layers("encoder"), layers("decoder")
        self._backward = layers("backward") if config.bidirectional else []
        self._combine = held(weights["combine"])
        self._attention, self._query, self._score = (
            held(weights[name]) if name in weights else None
            for name in ("attention", "query", "score")
        )
        self._norms = {
            side: [
                (held(weights[f"{side}_norms/{n}/gain"]), held(weights[f"{side}_norms/{n}/bias"]))
                for n in range(config.depth if config.layer_norm else 0)
            ]
            for side in ("encoder", "decoder")
        }

    @property
    def _open(self) -> list[list[int | None]]:
        """See `GraphNetwork`: keys [B, S, U], mask [B, S], h and c [B, L, U]."""
        units, depth = self.config.units, self.config.depth
        states = [None, depth, units]
        return [[None, None, units], [None, None], states, states]

    def _begin(self, ids: Tensor, there: Tensor, mask: Tensor) -> State:
        x, hs, cs = tf.gather(self._embedding, ids), [], []
        for number, layer in enumerate(self._encoder):
            read = self._entering("encoder", number, x)
            x, h, c = layer.run(read, there)
            if self._backward:
                back, back_h, back_c = self._backward[number].run(read, there, back=True)
                x = tf.concat([x, back], 2)
                h, c = tf.concat([h, back_h], 1), tf.concat([c, back_c], 1)
            hs.append(h)
            cs.append(c)
        keys = x if self._attention is None else x @ self._attention
        return keys, mask, tf.stack(hs, 1), tf.stack(cs, 1)

    def _entering(self, side: str, number: int, x: Tensor) -> Tensor:
        """What a layer reads."""
        return normalised(x, *self._norms[side][number]) if self.config.layer_norm else x

    def _advance(self, tokens: Tensor, state: State) -> tuple[State, Tensor]:
        keys, mask, before_h, before_c = state
        x, hs, cs = tf.gather(self._embedding, tokens), [], []
        for number, layer in enumerate(self._decoder):
            read = self._entering("decoder", number, x)
            x, c = layer.step(read, before_h[:, number], before_c[:, number])
            hs.append(x)
            cs.append(c)
        if self._query is None:
            scores = tf.linalg.matvec(keys, x)
        else:
            scores = tf.linalg.matvec(tf.tanh((x @ self._query)[:, None] + keys), self._score)
        context = tf.linalg.matvec(keys, tf.nn.softmax(scores + mask), transpose_a=True)
        vectors = tf.tanh(tf.concat([x, context], 1) @ self._combine)
        return (keys, mask, tf.stack(hs, 1), tf.stack(cs, 1)), vectors

"""The Transformer that answers, as a graph: `talk.transformer_network`'s twin.

Comes in: weights, ids. Goes out: output vectors of decoder steps.
"""

from __future__ import annotations

from typing import Any

from chatbot.config import ModelConfig
from chatbot.graph.network import GraphNetwork, State, held, normalised
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.tf import tf
from chatbot.learn.transformer import wavelengths
from chatbot.talk.network import FAR, Weights

Tensor = Any


class GraphTransformer(GraphNetwork):
    """Encoder and decoder."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, their shape, and the counts that belong to them."""
        super().__init__(weights, config, ngrams)
        sides = ("encoder", "decoder")
        self._weights = {name: held(w) for name, w in weights.items() if name.startswith(sides)}

    @property
    def _open(self) -> list[list[int | None]]:
        """See `GraphNetwork`.

        Keys and values of the question [B, L, H, S, U / H], mask, keys and values of the reply.
        """
        config = self.config
        pair = [None, config.depth, config.heads, None, config.units // config.heads]
        return [pair, pair, [None, None], pair, pair]

    def _begin(self, ids: Tensor, there: Tensor, mask: Tensor) -> State:
        x = self._placed(ids, tf.range(tf.shape(ids)[1]))
        for number in range(self.config.depth):
            name = f"encoder_layers/{number}"
            y = self._normalised(f"{name}/norms/0", x)
            keys, values = self._memory(f"{name}/heads/0", y)
            x += self._attend(f"{name}/heads/0", y, keys, values, mask[:, None, None])
            x = self._fed(name, 1, x)
        x = self._normalised("encoder_norm", x)
        pairs = [self._memory(f"decoder_layers/{n}/heads/1", x) for n in range(self.config.depth)]
        keys, values = (tf.stack(part, 1) for part in zip(*pairs, strict=True))
        nothing = tf.zeros_like(keys[:, :, :, :1])  # LiteRT takes nothing empty; never looked at
        return keys, values, mask, nothing, nothing

    def _advance(self, tokens: Tensor, state: State) -> tuple[State, Tensor]:
        keys, values, mask, own_keys, own_values = state
        before = tf.shape(own_keys)[3]
        x = self._placed(tokens[:, None], before[None] - 1)
        own_mask = tf.one_hot(0, before + 1, FAR, 0.0)
        all_keys, all_values = [], []
        for number in range(self.config.depth):
            name = f"decoder_layers/{number}"
            y = self._normalised(f"{name}/norms/0", x)
            new_keys, new_values = self._memory(f"{name}/heads/0", y)
            all_keys.append(tf.concat([own_keys[:, number], new_keys], 2))
            all_values.append(tf.concat([own_values[:, number], new_values], 2))
            x += self._attend(f"{name}/heads/0", y, all_keys[-1], all_values[-1], own_mask)
            y = self._normalised(f"{name}/norms/1", x)
            asked = keys[:, number], values[:, number]
            x += self._attend(f"{name}/heads/1", y, *asked, mask[:, None, None])
            x = self._fed(name, 2, x)
        vectors = self._normalised("decoder_norm", x[:, 0])
        return (keys, values, mask, tf.stack(all_keys, 1), tf.stack(all_values, 1)), vectors

    def _placed(self, ids: Tensor, places: Tensor) -> Tensor:
        """Embeddings [B, T, U], scaled, with their positions added."""
        units = self.config.units
        angles = tf.cast(places, tf.float32)[:, None] * wavelengths(units)
        positions = tf.concat([tf.sin(angles), tf.cos(angles)], 1)
        return tf.gather(self._embedding, ids) * units**0.5 + positions

    def _normalised(self, name: str, x: Tensor) -> Tensor:
        return normalised(x, self._weights[f"{name}/gain"], self._weights[f"{name}/bias"])

    def _memory(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of rows [B, T, U], [B, H, T, U / H] each."""
        keys, values = tf.split(self._times(x, f"{name}/memory"), 2, 2)
        return self._heads(keys), self._heads(values)

    def _heads(self, x: Tensor) -> Tensor:
        """Rows [B, T, U] dealt out, [B, H, T, U / H]."""
        shape = tf.shape(x)
        heads = self.config.heads
        parts = tf.reshape(x, [shape[0], shape[1], heads, self.config.units // heads])
        return tf.transpose(parts, [0, 2, 1, 3])

    def _times(self, x: Tensor, name: str) -> Tensor:
        """Rows [B, T, I] times weights [I, O]."""
        weights, shape = self._weights[name], tf.shape(x)
        flat = tf.reshape(x, [-1, weights.shape[0]]) @ weights
        return tf.reshape(flat, [shape[0], shape[1], weights.shape[1]])

    def _attend(self, name: str, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """What rows [B, T, U] read."""
        queries = self._heads(self._times(x, f"{name}/query"))
        scores = tf.matmul(queries, keys, transpose_b=True) * queries.shape[-1] ** -0.5
        read = tf.transpose(tf.nn.softmax(scores + mask) @ values, [0, 2, 1, 3])
        return self._times(tf.reshape(read, tf.shape(x)), f"{name}/out")

    def _fed(self, name: str, number: int, x: Tensor) -> Tensor:
        """Rows [B, T, U] through the feed-forward part."""
        y = self._normalised(f"{name}/norms/{number}", x)
        inside = tf.nn.relu(self._times(y, f"{name}/inner") + self._weights[f"{name}/inner_bias"])
        return x + self._times(inside, f"{name}/outer") + self._weights[f"{name}/outer_bias"]

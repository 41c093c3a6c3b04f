"""The Transformer that answers: `learn.transformer`'s twin in NumPy.

Comes in: weights, ids. Goes out: output vectors of decoder steps. Keys and values of what has been
decided are kept, so that a step computes one place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.learn.ngrams import Ngrams
from chatbot.talk.network import Floats, Network, Weights, normalised, product, softmax


class State(NamedTuple):
    """What the decoder carries from one step to the next, for B replies, L layers and H heads.

    Attributes:
        keys: keys of the question, [B, L, H, S, U / H].
        values: its values, likewise.
        mask: 0 where a question has a token, a large negative number on padding, [B, S].
        own_keys: keys of the places decided, [B, L, H, T, U / H].
        own_values: their values, likewise.
    """

    keys: Floats
    values: Floats
    mask: Floats
    own_keys: Floats
    own_values: Floats


class TransformerNetwork(Network):
    """Encoder and decoder."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, their shape, and the counts that belong to them."""
        super().__init__(weights, config, ngrams)
        self._weights = {k: v for k, v in weights.items() if k.startswith(("encoder", "decoder"))}
        half = config.units // 2
        self._waves = (10_000.0 ** (-np.arange(half) / half)).astype(np.float32)

    def _begin(
        self,
        ids: NDArray[np.int32],
        lengths: NDArray[np.int32],
        mask: Floats,
    ) -> State:
        x, layers = self._placed(ids, np.arange(ids.shape[1])), range(self.config.depth)
        for number in layers:
            name = f"encoder_layers/{number}"
            y = normalised(x, self._weights, f"{name}/norms/0")
            keys, values = self._memory(f"{name}/heads/0", y)
            found, _ = self._attend(f"{name}/heads/0", y, keys, values, mask[:, None, None])
            x = self._fed(name, 1, x + found)
        x = normalised(x, self._weights, "encoder_norm")
        pairs = [self._memory(f"decoder_layers/{number}/heads/1", x) for number in layers]
        keys, values = (np.stack(part, 1) for part in zip(*pairs, strict=True))
        nothing = keys[:, :, :, :0]
        return State(keys, values, mask, nothing, nothing)

    def _advance(self, tokens: NDArray[np.int32], state: State) -> tuple[State, Floats, Floats]:
        place = state.own_keys.shape[3]
        x = self._placed(tokens[:, None], np.array([place]))
        mask, all_keys, all_values = state.mask[:, None, None], [], []
        for number in range(self.config.depth):
            name = f"decoder_layers/{number}"
            y = normalised(x, self._weights, f"{name}/norms/0")
            keys, values = self._memory(f"{name}/heads/0", y)
            keys = np.concatenate([state.own_keys[:, number], keys], 2)
            values = np.concatenate([state.own_values[:, number], values], 2)
            all_keys.append(keys)
            all_values.append(values)
            x = x + self._attend(f"{name}/heads/0", y, keys, values, None)[0]
            y = normalised(x, self._weights, f"{name}/norms/1")
            found, attended = self._attend(
                f"{name}/heads/1", y, state.keys[:, number], state.values[:, number], mask
            )
            x = self._fed(name, 2, x + found)
        state = state._replace(own_keys=np.stack(all_keys, 1), own_values=np.stack(all_values, 1))
        vectors = normalised(x[:, 0], self._weights, "decoder_norm")
        return state, vectors, attended[:, :, 0].mean(1)

    def _placed(self, ids: NDArray[np.int32], places: NDArray[np.int64]) -> Floats:
        """Embeddings [B, T, U], scaled, with their positions added."""
        angles = places.astype(np.float32)[:, None] * self._waves
        positions = np.concatenate([np.sin(angles), np.cos(angles)], 1)
        root = np.float32(self.config.units**0.5)
        found: Floats = self._embedding[ids] * root + positions
        return found

    def _memory(self, name: str, x: Floats) -> tuple[Floats, Floats]:
        """Keys and values of rows [B, T, U], [B, H, T, U / H] each."""
        keys, values = np.split(x @ self._weights[f"{name}/memory"], 2, -1)
        return self._heads(keys), self._heads(values)

    def _heads(self, x: Floats) -> Floats:
        parts = x.reshape(*x.shape[:2], self.config.heads, -1)
        return np.ascontiguousarray(parts.transpose(0, 2, 1, 3))

    def _attend(
        self, name: str, x: Floats, keys: Floats, values: Floats, mask: Floats | None
    ) -> tuple[Floats, Floats]:
        """What rows [B, T, U] read, and how much of what, [B, H, T, places]."""
        queries = self._heads(x @ self._weights[f"{name}/query"])
        scores = queries @ keys.swapaxes(2, 3) * np.float32(queries.shape[-1] ** -0.5)
        attended = softmax(scores if mask is None else scores + mask)
        read = (attended @ values).transpose(0, 2, 1, 3).reshape(x.shape)
        found = read @ self._weights[f"{name}/out"]
        return np.asarray(found, np.float32), attended

    def _fed(self, name: str, number: int, x: Floats) -> Floats:
        """Rows [B, T, U] through the feed-forward part."""
        y = normalised(x, self._weights, f"{name}/norms/{number}")
        flat = y.reshape(-1, y.shape[-1])
        inside = product(flat, self._weights[f"{name}/inner"])
        inside = np.maximum(inside + self._weights[f"{name}/inner_bias"], 0)
        outside = product(inside, self._weights[f"{name}/outer"])
        return x + (outside + self._weights[f"{name}/outer_bias"]).reshape(x.shape)

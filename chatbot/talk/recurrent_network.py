"""The attention seq2seq that answers: `learn.recurrent_model`'s twin in NumPy.

Comes in: weights, ids. Goes out: output vectors of decoder steps.

What is done once for all replies is done when the weights are read: a cell's kernel and recurrent
kernel stand above each other, so that a step is one product; gates that are sigmoids stand first
and are halved, as sigmoid(z) = (1 + tanh(z / 2)) / 2 makes one tanh of all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.learn.ngrams import Ngrams
from chatbot.talk.network import Floats, Network, Weights, normalised, product, softmax


class State(NamedTuple):
    """What the decoder carries from one step to the next, for B replies and L layers.

    Attributes:
        keys: projected encoder states, [B, S, U].
        mask: 0 where a question has a token, a large negative number on padding, [B, S].
        h: hidden states of the decoder, [B, L, U].
        c: carried states of the decoder, [B, L, U].
    """

    keys: Floats
    mask: Floats
    h: Floats
    c: Floats


class _Cell(ABC):
    """A recurrent layer in one direction.

    Attributes:
        kernel: of inputs and hidden states, [I + U, 4U].
        bias: [4U].
    """

    kernel: Floats
    bias: Floats

    def __init__(self, units: int) -> None:
        self.units = units
        self.inputs = len(self.kernel) - units

    @abstractmethod
    def step(self, z: Floats, c: Floats) -> tuple[Floats, Floats]:
        """Hidden and carried states after a step, from what goes into the gates [B, 4U]."""

    def run(self, x: Floats, lengths: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
        """Reads sequences [B, S, I]: all hidden states [B, S, U], and the last ones of each."""
        projected = x @ self.kernel[: self.inputs] + self.bias
        recurrent = self.kernel[self.inputs :]
        h = c = np.zeros((len(x), self.units), np.float32)
        states = np.zeros((*x.shape[:2], self.units), np.float32)
        for t in range(x.shape[1]):
            going = (t < lengths)[:, None]
            new_h, new_c = self.step(projected[:, t] + h @ recurrent, c)
            h, c = np.where(going, new_h, h), np.where(going, new_c, c)
            states[:, t] = h
        return states, h, c


class _Lstm(_Cell):
    """An LSTM; its gates stand in the order i, f, o, g, the first three halved."""

    def __init__(self, weights: Weights, name: str) -> None:
        kernel, recurrent = weights[f"{name}/kernel"], weights[f"{name}/recurrent"]
        units = len(recurrent)
        i, f, g, o = np.arange(4 * units).reshape(4, -1)
        order = np.concatenate([i, f, o, g])
        factors = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), units)
        self.kernel = np.concatenate([kernel, recurrent])[:, order] * factors
        self.bias = weights[f"{name}/bias"][order] * factors
        super().__init__(units)

    def step(self, z: Floats, c: Floats) -> tuple[Floats, Floats]:
        """See `_Cell`."""
        u = self.units
        np.tanh(z, out=z)
        gates = z[:, : 3 * u]
        gates *= 0.5
        gates += 0.5
        c = gates[:, u : 2 * u] * c + gates[:, :u] * z[:, 3 * u :]
        return gates[:, 2 * u :] * np.tanh(c), c


class _Gru(_Cell):
    """A GRU; its gates stand in the order r, z, g, and behind them the state inside g."""

    def __init__(self, weights: Weights, name: str) -> None:
        kernel, recurrent = weights[f"{name}/kernel"], weights[f"{name}/recurrent"]
        units = len(recurrent)
        no = np.zeros((len(kernel), units), np.float32), np.zeros((units, units), np.float32)
        of_inputs = np.concatenate([kernel, no[0]], 1)
        of_hidden = np.concatenate([recurrent[:, : 2 * units], no[1], recurrent[:, 2 * units :]], 1)
        factors = np.repeat(np.array([0.5, 0.5, 1, 1], np.float32), units)
        self.kernel = np.concatenate([of_inputs, of_hidden]) * factors
        self.bias = weights[f"{name}/bias"] * factors
        super().__init__(units)

    def step(self, z: Floats, c: Floats) -> tuple[Floats, Floats]:
        """See `_Cell`; both states are the same."""
        u = self.units
        half = np.float32(0.5)
        gates = half * np.tanh(z[:, : 2 * u]) + half
        g = np.tanh(z[:, 2 * u : 3 * u] + gates[:, :u] * z[:, 3 * u :])
        h: Floats = g + gates[:, u:] * (c - g)
        return h, h


_CELLS = {"lstm": _Lstm, "gru": _Gru}


class RecurrentNetwork(Network):
    """Encoder, attention and decoder."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, their shape, and the counts that belong to them."""
        super().__init__(weights, config, ngrams)
        cell = _CELLS[config.cell]
        above = [f"_above/{n}" for n in range(config.depth - 1)]
        self._encoder, self._decoder = (
            [cell(weights, f"{side}{n}") for n in ("", *above)] for side in ("encoder", "decoder")
        )
        self._backward = []
        if config.bidirectional:
            self._backward = [cell(weights, f"backward{n}") for n in ("", *above)]
        self._attention, self._query, self._score = (
            weights.get(name) for name in ("attention", "query", "score")
        )
        self._combine = weights["combine"]
        self._norms = {k: v for k, v in weights.items() if "_norms/" in k}

    def _begin(
        self,
        ids: NDArray[np.int32],
        lengths: NDArray[np.int32],
        mask: Floats,
    ) -> State:
        x, hs, cs = self._embedding[ids], [], []
        for number in range(self.config.depth):
            x, h, c = self._read(number, self._entering("encoder", number, x), lengths)
            hs.append(h)
            cs.append(c)
        keys = x if self._attention is None else x @ self._attention
        return State(keys, mask, np.stack(hs, 1), np.stack(cs, 1))

    def _entering(self, side: str, number: int, x: Floats) -> Floats:
        """What a layer reads."""
        if not self.config.layer_norm:
            return x
        return normalised(x, self._norms, f"{side}_norms/{number}")

    def _read(
        self, number: int, x: Floats, lengths: NDArray[np.int32]
    ) -> tuple[Floats, Floats, Floats]:
        """The states of a layer of the encoder [B, S, U], and the last ones."""
        states, h, c = self._encoder[number].run(x, lengths)
        if not self._backward:
            return states, h, c
        columns = np.arange(x.shape[1])
        turned = np.where(columns < lengths[:, None], lengths[:, None] - 1 - columns, columns)
        rows = np.arange(len(x))[:, None]
        back, back_h, back_c = self._backward[number].run(x[rows, turned], lengths)
        return (
            np.concatenate([states, back[rows, turned]], 2),
            np.concatenate([h, back_h], 1),
            np.concatenate([c, back_c], 1),
        )

    def _advance(self, tokens: NDArray[np.int32], state: State) -> tuple[State, Floats, Floats]:
        x, hs, cs = self._embedding[tokens], [], []
        for number, cell in enumerate(self._decoder):
            x = self._entering("decoder", number, x)
            z = product(np.concatenate([x, state.h[:, number]], 1), cell.kernel)
            x, c = cell.step(z + cell.bias, state.c[:, number])
            hs.append(x)
            cs.append(c)
        state = state._replace(h=np.stack(hs, 1), c=np.stack(cs, 1))
        attended = self._attended(x, state)
        context = (attended[:, None] @ state.keys)[:, 0]
        return state, np.tanh(np.concatenate([x, context], 1) @ self._combine), attended

    def _attended(self, h: Floats, state: State) -> Floats:
        """How much of each key goes into the context, [B, S]."""
        if self._query is None or self._score is None:
            scores = (state.keys @ h[:, :, None])[:, :, 0]
        else:
            scores = np.tanh((h @ self._query)[:, None] + state.keys) @ self._score
        return softmax(scores + state.mask)

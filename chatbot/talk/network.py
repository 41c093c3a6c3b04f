"""The network that answers, in plain NumPy: `learn.model`'s twin for whoever only talks.

Comes in: weights, ids of questions, the entries decided so far. Goes out: log-probabilities of the
next entry, and what was looked at. Needs no TensorFlow, which takes longer to import than a reply.

The equations are those of `learn.model`; tests/talk/test_network.py compares the two. What is done
once for all replies is done when the weights are read: an LSTM's kernel and recurrent kernel stand
above each other, so that a step is one product; its gates stand in the order i, f, o, g, the first
three halved, as sigmoid(z) = (1 + tanh(z / 2)) / 2 makes one tanh of all four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import GO
from chatbot.errors import ChatbotError
from chatbot.learn.bundle import Bundle
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.packing import padded
from chatbot.learn.saved import read

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
"""The variables of the network by their names in a checkpoint, without what is about them there."""

_BEFORE, _AFTER = "model/", "/.ATTRIBUTES/VARIABLE_VALUE"
_COUNTS = "model/mixture/counts/.ATTRIBUTES/py_state"
_FAR = np.float32(-1e9)
_FEW, _LARGE = 5, 400_000
"""Rows, and numbers in the weights, for `product`."""

_LEAST = np.finfo(np.float32).tiny


class State(NamedTuple):
    """What the decoder carries from one step to the next, for B replies.

    Attributes:
        keys: projected encoder states, [B, S, U].
        mask: 0 where a question has a token, a large negative number on padding, [B, S].
        h: hidden state of the decoder, [B, U].
        c: cell state of the decoder, [B, U].
        contexts: the entries before the next, as many as the n-grams look at, int32 [B, n - 1].
    """

    keys: Floats
    mask: Floats
    h: Floats
    c: Floats
    contexts: NDArray[np.int32]


class _Lstm:
    """One LSTM; see the module."""

    def __init__(self, weights: Weights, name: str) -> None:
        kernel, recurrent = weights[f"{name}/kernel"], weights[f"{name}/recurrent"]
        self.inputs, self.units = len(kernel), len(recurrent)
        i, f, g, o = np.arange(4 * self.units).reshape(4, -1)
        order = np.concatenate([i, f, o, g])
        factors = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), self.units)
        self.kernel = np.concatenate([kernel, recurrent])[:, order] * factors
        self.bias = weights[f"{name}/bias"][order] * factors

    def step(self, z: Floats, c: Floats) -> tuple[Floats, Floats]:
        """Hidden and cell states after a step, from what goes into the gates [B, 4U]."""
        u = self.units
        np.tanh(z, out=z)
        gates = z[:, : 3 * u]
        gates *= 0.5
        gates += 0.5
        c = gates[:, u : 2 * u] * c + gates[:, :u] * z[:, 3 * u :]
        return gates[:, 2 * u :] * np.tanh(c), c

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


class Network:
    """Encoder, attention, decoder and n-grams; a `decoding.Decoder`."""

    def __init__(self, weights: Weights, ngrams: Ngrams | None) -> None:
        """Takes weights, see `Weights`, and the counts of n-grams that belong to them."""
        self._embedding = weights["embedding"]
        self._encoder, self._decoder = (_Lstm(weights, name) for name in ("encoder", "decoder"))
        both = "backward/kernel" in weights
        self._backward = _Lstm(weights, "backward") if both else None
        self._attention, self._combine = weights["attention"], weights["combine"]
        self._head, *self._tails = _clusters(weights)
        self._ngrams = ngrams
        self._share = None
        if ngrams is not None:
            self._share = weights["mixture/weight"], weights["mixture/bias"]

    @classmethod
    def load(cls, checkpoint: Path) -> Network:
        """Reads the weights of a checkpoint.

        Raises:
            ChatbotError: it cannot be read.
        """
        return read(checkpoint, _network)

    @property
    def size(self) -> int:
        """Entries of the vocabulary, V."""
        return len(self._embedding)

    def warm_up(self) -> None:
        """Makes what the first reply else waits for: the index of the n-grams."""
        self.step(np.full(1, GO, np.int32), self.begin([[GO]]))

    def begin(self, questions: Sequence[Sequence[int]]) -> State:
        """The state before the first step for B questions, each of at least one id."""
        ids, lengths = padded(questions)
        with _one_thread():
            states, h, c = self._read(self._embedding[ids], lengths)
            keys = states @ self._attention
        mask = np.where(np.arange(ids.shape[1]) < lengths[:, None], np.float32(0), _FAR)
        before = 0 if self._ngrams is None else self._ngrams.order - 1
        return State(keys, mask, h, c, np.full((len(ids), before), GO, np.int32))

    def _read(self, x: Floats, lengths: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
        """Encoder states [B, S, U] and the last ones."""
        states, h, c = self._encoder.run(x, lengths)
        if self._backward is None:
            return states, h, c
        columns = np.arange(x.shape[1])
        turned = np.where(columns < lengths[:, None], lengths[:, None] - 1 - columns, columns)
        rows = np.arange(len(x))[:, None]
        back, back_h, back_c = self._backward.run(x[rows, turned], lengths)
        return (
            np.concatenate([states, back[rows, turned]], 2),
            np.concatenate([h, back_h], 1),
            np.concatenate([c, back_c], 1),
        )

    def step(self, tokens: NDArray[np.int32], state: State) -> tuple[Floats, State]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""
        with _one_thread():
            state, vectors = self._vectors(tokens, state)
            found = self._probabilities(vectors)
            if self._ngrams is not None and self._share is not None:
                weight, bias = self._share
                share = 1 / (1 + np.exp(-(vectors @ weight + bias)[:, 0]))
                self._ngrams.blend(found, share, state.contexts)
        np.maximum(found, _LEAST, out=found)
        return np.log(found, out=found), state

    def select(self, state: State, rows: NDArray[np.int64]) -> State:
        """The state whose reply i is reply `rows[i]` of the given one."""
        keys, mask, h, c, contexts = state
        return State(keys[rows], mask[rows], h[rows], c[rows], contexts[rows])

    def attention(self, question: Sequence[int], reply: Sequence[int]) -> Floats:
        """How much of each word of a question went into the context of each word of a reply.

        Args:
            question: ids, at least one.
            reply: ids, with EOS only if its row is wanted.

        Returns:
            [T, S]; row t is what was looked at when `reply[t]` was predicted, from GO and the ids
            before it (Luong et al. 2015, eq. 7), and sums to 1.
        """
        state, rows = self.begin([question]), []
        for token in [GO, *reply[:-1]]:
            state = self._decode(np.full(1, token, np.int32), state)
            rows.append(_attended(state)[0])
        return np.stack(rows)

    def _decode(self, tokens: NDArray[np.int32], state: State) -> State:
        """The state after one step of the decoder's LSTM."""
        z = product(np.concatenate([self._embedding[tokens], state.h], 1), self._decoder.kernel)
        h, c = self._decoder.step(z + self._decoder.bias, state.c)
        contexts = np.concatenate([state.contexts, tokens[:, None]], 1)[:, 1:]
        return State(state.keys, state.mask, h, c, contexts)

    def _vectors(self, tokens: NDArray[np.int32], state: State) -> tuple[State, Floats]:
        """The new state, and output vectors [B, U]."""
        state = self._decode(tokens, state)
        context = (_attended(state)[:, None] @ state.keys)[:, 0]
        return state, np.tanh(np.concatenate([state.h, context], 1) @ self._combine)

    def _probabilities(self, vectors: Floats) -> Floats:
        """Those of all entries by the network, [B, V]."""
        classes, bias = self._head  # [U, classes]
        head = _softmax(product(vectors, classes) + bias)
        if not self._tails:
            return head
        found = np.empty((len(vectors), self.size), np.float32)
        first = head.shape[1] - len(self._tails)
        found[:, :first] = head[:, :first]
        for number, (projection, classes, bias) in enumerate(self._tails, first):
            inside = _softmax(product(vectors @ projection, classes) + bias)
            last = first + inside.shape[1]
            np.multiply(inside, head[:, number, None], out=found[:, first:last])
            first = last
        return found


def _clusters(weights: Weights) -> list[Any]:
    """Classes and biases of the head, then of each tail the projection besides; see `learn.output`.

    A class that shares what is learned of its word's embedding is that sum. Classes are columns:
    products with rows take twice as long for a few vectors.
    """
    clusters = [(weights["output/weight"], weights["output/bias"])]
    while (name := f"output/tail_weights/{len(clusters) - 1}") in weights:
        bias = weights[f"output/tail_biases/{len(clusters) - 1}"]
        clusters.append((weights[name], bias))
    first = 0
    for number, (classes, bias) in enumerate(clusters):
        last = first + len(classes) - (0 if number else len(clusters) - 1)
        if f"output/views/{number}" in weights:
            classes = classes.copy()
            seen = weights["embedding"][first:last] @ weights[f"output/views/{number}"]
            classes[: last - first] += seen
        clusters[number] = np.ascontiguousarray(classes.T), bias
        first = last
    head, *tails = clusters
    return [head, *((weights[f"output/projections/{n}"], *tail) for n, tail in enumerate(tails))]


def product(x: Floats, weights: Floats) -> Floats:
    """X times weights, [B, N].

    For a few rows and large weights a product of a matrix with each row is faster than one of
    matrices, which begins by arranging the weights anew.
    """
    if not 1 < len(x) <= _FEW or weights.size < _LARGE:
        return x @ weights
    found = np.empty((len(x), weights.shape[1]), np.float32)
    for row, result in zip(x, found, strict=True):
        np.dot(row, weights, out=result)
    return found


def _attended(state: State) -> Floats:
    """How much of each key goes into the context, [B, S]."""
    return _softmax((state.keys @ state.h[:, :, None])[:, :, 0] + state.mask)


def _softmax(scores: Floats) -> Floats:
    """Probabilities by rows, where the scores stand."""
    scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(1, keepdims=True)
    return scores


def _network(bundle: Bundle) -> Network:
    """The network of a checkpoint."""
    named = [name for name in bundle.names if name.startswith(_BEFORE) and name.endswith(_AFTER)]
    weights = {name[len(_BEFORE) : -len(_AFTER)]: bundle.array(name) for name in named}
    ngrams = None
    if "mixture/weight" in weights:
        counts = bundle.text(_COUNTS) if _COUNTS in bundle else b""
        if not counts:
            raise ChatbotError("the counts of n-grams are missing. Train anew with --restart.")
        ngrams = Ngrams.from_bytes(counts)
    return Network(weights, ngrams)


@cache
def _pools() -> Callable[..., Any]:
    from threadpoolctl import ThreadpoolController

    limit: Callable[..., Any] = ThreadpoolController().limit
    return limit


@contextmanager
def _one_thread() -> Iterator[None]:
    """Products of a few rows take longer on several processors than on one."""
    with _pools()(limits=1, user_api="blas"):
        yield

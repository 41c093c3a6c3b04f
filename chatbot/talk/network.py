"""What every network that answers has, in plain NumPy: `learn.model`'s twin for whoever only talks.

Comes in: weights, ids of questions, the entries decided so far. Goes out: log-probabilities of the
next entry, and what was looked at. Needs no TensorFlow, which takes longer to import than a reply.

The equations are those of `learn`; tests/talk/test_network.py compares the two. What is between
embeddings and output vectors is `recurrent_network`'s and `transformer_network`'s; `networks` loads
one or the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.corpus.vocabulary import GO
from chatbot.learn.experts import blend
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.packing import padded

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
"""The variables of the network by their names in a checkpoint, without what is about them there."""

State = Any
"""What is between embeddings and output vectors carries from one step to the next for B replies: a
NamedTuple of arrays, [B, ...] each."""

FAR = np.float32(-1e9)
_FEW, _LARGE = 5, 400_000
"""Rows, and numbers in the weights, for `product`."""

LEAST = np.finfo(np.float32).tiny
_NORM_EPSILON = np.float32(1e-5)


class Carried(NamedTuple):
    """What a decoder carries from one step to the next for B replies.

    Attributes:
        state: see `State`.
        contexts: the entries before the next, as many as the n-grams look at, int32 [B, n - 1].
        asked: the questions with PAD behind, int32 [B, S].
    """

    state: State
    contexts: NDArray[np.int32]
    asked: NDArray[np.int32]


class Network(ABC):
    """Embeddings, output layer and mixture; a `decoding.Decoder`."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, see `Weights`, their shape, and the counts that belong to them."""
        self.config = config
        self._embedding = weights["embedding"]
        self._head, *self._tails = clusters(weights)
        self._ngrams = ngrams
        self._shares = None
        if ngrams is not None:
            self._shares = weights["mixture/weight"], weights["mixture/bias"]

    @property
    def size(self) -> int:
        """Entries of the vocabulary, V."""
        return len(self._embedding)

    def warm_up(self) -> None:
        """Makes what the first reply else waits for: the index of the n-grams."""
        self.step(np.full(1, GO, np.int32), self.begin([[GO]]))

    def begin(
        self, questions: Sequence[Sequence[int]], words: Sequence[Sequence[int]] | None = None
    ) -> Carried:
        """See `decoder.Decoder.begin`."""
        ids, lengths = padded(questions)
        asked = ids if words is None else padded(words)[0]
        before = 0 if self._ngrams is None else self._ngrams.order - 1
        mask = np.where(np.arange(ids.shape[1]) < lengths[:, None], np.float32(0), FAR)
        contexts = np.full((len(ids), before), GO, np.int32)
        with _one_thread():
            return Carried(self._begin(ids, lengths, mask), contexts, asked)

    def step(self, tokens: NDArray[np.int32], carried: Carried) -> tuple[Floats, Carried]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""
        with _one_thread():
            state, vectors, _ = self._advance(tokens, carried.state)
            contexts = np.concatenate([carried.contexts, tokens[:, None]], 1)[:, 1:]
            found = self._probabilities(vectors)
            if self._ngrams is not None and self._shares is not None:
                weight, bias = self._shares
                logits = vectors @ weight + bias
                shares = softmax(np.concatenate([np.zeros_like(logits[:, :1]), logits], 1))
                blend(found, shares, self._ngrams, contexts, carried.asked)
        np.maximum(found, LEAST, out=found)
        return np.log(found, out=found), Carried(state, contexts, carried.asked)

    def select(self, carried: Carried, rows: NDArray[np.int64]) -> Carried:
        """The state whose reply i is reply `rows[i]` of the given one."""
        state, *seen = carried
        chosen = type(state)(*(part[rows] for part in state))
        return Carried(chosen, *(part[rows] for part in seen))

    def attention(self, question: Sequence[int], reply: Sequence[int]) -> Floats:
        """How much of each word of a question was read for each word of a reply.

        Args:
            question: ids, at least one.
            reply: ids, with EOS only if its row is wanted.

        Returns:
            [T, S]; row t is what was looked at when `reply[t]` was predicted, from GO and the ids
            before it (Luong et al. 2015, eq. 7; of a Transformer the mean of the heads of its last
            layer), and sums to 1.
        """
        state, rows = self.begin([question]).state, []
        for token in [GO, *reply[:-1]]:
            state, _, attended = self._advance(np.full(1, token, np.int32), state)
            rows.append(attended[0])
        return np.stack(rows)

    @abstractmethod
    def _begin(
        self,
        ids: NDArray[np.int32],
        lengths: NDArray[np.int32],
        mask: Floats,
    ) -> State:
        """The state after reading questions [B, S] of these lengths.

        Args:
            ids: the questions.
            lengths: their lengths.
            mask: 0 where a question has a token, a large negative number on padding, [B, S].
        """

    @abstractmethod
    def _advance(self, tokens: NDArray[np.int32], state: State) -> tuple[State, Floats, Floats]:
        """One step: the state after it, output vectors [B, U], and what was looked at, [B, S]."""

    def _probabilities(self, vectors: Floats) -> Floats:
        """Those of all entries by the network, [B, V]."""
        classes, bias = self._head  # [U, classes]
        head = softmax(product(vectors, classes) + bias)
        if not self._tails:
            return head
        found = np.empty((len(vectors), self.size), np.float32)
        first = head.shape[1] - len(self._tails)
        found[:, :first] = head[:, :first]
        for number, (projection, classes, bias) in enumerate(self._tails, first):
            inside = softmax(product(vectors @ projection, classes) + bias)
            last = first + inside.shape[1]
            np.multiply(inside, head[:, number, None], out=found[:, first:last])
            first = last
        return found


def clusters(weights: Weights) -> list[Any]:
    """Classes and biases of the head, then of each tail the projection besides; see `learn.output`.

    A class that shares what is learned of its word's embedding is that sum, or just that where it
    is tied. Classes are columns: products with rows take twice as long for a few vectors.
    """
    tails = 0
    while f"output/tail_biases/{tails}" in weights:
        tails += 1
    biases = [weights["output/bias"], *(weights[f"output/tail_biases/{n}"] for n in range(tails))]
    # A tied first tail has no vectors of its own.
    tied = f"output/tail_weights/{tails - 1}" not in weights and "output/views/0" in weights
    clusters, first = [], 0
    for number, bias in enumerate(biases):
        last = first + len(bias) - (0 if number else tails)
        own = "output/weight" if number == 0 else f"output/tail_weights/{number - 1 - tied}"
        parts = [weights[own]] if own in weights else []
        if f"output/views/{number}" in weights:
            seen = weights["embedding"][first:last] @ weights[f"output/views/{number}"]
            if tied:
                parts.insert(0, seen)
            else:
                slots = np.zeros((len(bias) - len(seen), seen.shape[1]), np.float32)
                parts = [parts[0] + np.concatenate([seen, slots])]
        clusters.append((np.ascontiguousarray(np.concatenate(parts).T), bias))
        first = last
    head, *others = clusters
    return [head, *((weights[f"output/projections/{n}"], *tail) for n, tail in enumerate(others))]


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


def softmax(scores: Floats) -> Floats:
    """Probabilities along the last axis, where the scores stand."""
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores


def normalised(x: Floats, weights: Weights, name: str) -> Floats:
    """Layer normalisation along the last axis; the twin of `learn.norm`."""
    x = x - x.mean(-1, keepdims=True)
    spread = np.sqrt(np.square(x).mean(-1, keepdims=True) + _NORM_EPSILON)
    found: Floats = x / spread * weights[f"{name}/gain"] + weights[f"{name}/bias"]
    return found


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

"""What every network that answers has, as a graph: `talk.network`'s twin.

Comes in: weights, ids of questions, the entries decided so far. Goes out: log-probabilities of the
next entry. Made of operations that LiteRT has, too. What is between embeddings and output vectors
is `recurrent`'s and `transformer`'s.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np

from chatbot.config import ModelConfig
from chatbot.corpus.vocabulary import GO
from chatbot.graph.counts import GraphCounts
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.norm import EPSILON
from chatbot.learn.tf import tf
from chatbot.talk.network import FAR, LEAST, Weights, clusters

Tensor = Any
State = tuple[Tensor, ...]
"""What the decoder carries from one step to the next for B replies, [B, ...] each, nothing empty;
where n-grams look at entries before the next, these are the last, int32 [B, n - 1]."""


class Cluster(NamedTuple):
    """What the probabilities of some entries are computed by; see `talk.network.clusters`."""

    projection: Tensor | None
    classes: Tensor
    bias: Tensor


class GraphNetwork(tf.Module):  # type: ignore[misc]
    """Embeddings, output layer and n-grams."""

    def __init__(self, weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> None:
        """Takes weights, their shape, and the counts that belong to them."""
        super().__init__(name="network")
        self.config = config
        self.size = len(weights["embedding"])
        self._embedding = held(weights["embedding"])
        (classes, bias), *tails = clusters(weights)
        self._head = Cluster(None, held(classes), held(bias))
        self._tails = [Cluster(*map(held, tail)) for tail in tails]
        self._counts = None
        if ngrams is not None:
            self._counts = GraphCounts(ngrams)
            self._share = held(weights["mixture/weight"]), held(weights["mixture/bias"])
        self._before = 0 if ngrams is None else ngrams.order - 1

    def begin(self, ids: Tensor, lengths: Tensor) -> State:
        """The state before the first step for questions [B, S] of these lengths, at least 1."""
        there = tf.sequence_mask(lengths, tf.shape(ids)[1])
        mask = tf.where(there, tf.constant(0.0), FAR)
        state = self._begin(ids, there, mask)
        if self._before:
            state = *state, tf.fill([tf.shape(ids)[0], self._before], GO)
        return state

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""
        contexts = tf.zeros([tf.size(tokens), 0], tf.int32)
        if self._before:
            *inside, before = state
            state, contexts = tuple(inside), tf.concat([before, tokens[:, None]], 1)[:, 1:]
        after, vectors = self._advance(tokens, state)
        found = self._probabilities(vectors)
        if self._counts is not None:
            weight, bias = self._share
            share = tf.sigmoid(vectors @ weight + bias)
            found = (1 - share) * found + share * self._counts.probabilities(contexts)
        after = (*after, contexts) if self._before else after
        return tf.math.log(tf.maximum(found, LEAST)), after

    @property
    def open(self) -> list[list[int | None]]:
        """The shapes of what a state has, before the first step and after any, as far as known."""
        return [*self._open, [None, self._before]] if self._before else self._open

    @property
    def kinds(self) -> list[tf.DType]:
        """The types of what a state has."""
        return [tf.float32] * len(self._open) + ([tf.int32] if self._before else [])

    @property
    @abstractmethod
    def _open(self) -> list[list[int | None]]:
        """Those of all but the contexts."""

    @abstractmethod
    def _begin(self, ids: Tensor, there: Tensor, mask: Tensor) -> State:
        """The state after reading questions, but for its contexts.

        Args:
            ids: the questions, [B, S].
            there: where a question has a token, [B, S].
            mask: 0 there, a large negative number elsewhere, [B, S].
        """

    @abstractmethod
    def _advance(self, tokens: Tensor, state: State) -> tuple[State, Tensor]:
        """One step, from and to a state without contexts; gives output vectors [B, U] besides."""

    def _probabilities(self, vectors: Tensor) -> Tensor:
        """Those of all entries by the network, [B, V]."""
        head = tf.nn.softmax(vectors @ self._head.classes + self._head.bias)
        first = head.shape[1] - len(self._tails)
        parts = [head[:, :first]]
        for number, (projection, classes, bias) in enumerate(self._tails, first):
            inside = tf.nn.softmax(vectors @ projection @ classes + bias)
            parts.append(head[:, number, None] * inside)
        return tf.concat(parts, 1)


def held(values: Any) -> Tensor:  # noqa: ANN401 - an array
    """Numbers as a variable of a graph, which are stored beside it and once."""
    return tf.Variable(np.asarray(values), trainable=False)


def normalised(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Layer normalisation along the last axis; see `learn.norm`."""
    x -= tf.reduce_mean(x, -1, keepdims=True)
    spread = tf.sqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + EPSILON)
    return x / spread * gain + bias

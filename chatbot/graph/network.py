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
from chatbot.corpus.vocabulary import GO, PAD
from chatbot.graph.counts import GraphCounts
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.norm import EPSILON
from chatbot.learn.tf import tf
from chatbot.talk.network import FAR, LEAST, Weights, clusters

Tensor = Any
State = tuple[Tensor, ...]
"""What the decoder carries from one step to the next for B replies, [B, ...] each, nothing empty;
where the words of the question have a share, these stand behind, int32 [B, S] with PAD, and where
n-grams look at entries before the next, these are the last, int32 [B, n - 1]."""


class Cluster(NamedTuple):
    """What the probabilities of some entries are computed by; see `talk.network.clusters`."""

    projection: Tensor | None
    classes: Tensor
    bias: Tensor


class GraphNetwork(tf.Module):  # type: ignore[misc]
    """Embeddings, output layer and mixture."""

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
            self._shares = held(weights["mixture/weight"]), held(weights["mixture/bias"])
        self._copying = ngrams is not None and config.copying
        self._before = 0 if ngrams is None else ngrams.order - 1

    def begin(self, ids: Tensor, lengths: Tensor, asked: Tensor | None = None) -> State:
        """The state before the first step.

        Args:
            ids: questions, [B, S].
            lengths: their lengths, at least 1, [B].
            asked: the questions whose words are likely ones, PAD behind; default: the same.
        """
        there = tf.sequence_mask(lengths, tf.shape(ids)[1])
        mask = tf.where(there, tf.constant(0.0), FAR)
        contexts = tf.fill([tf.shape(ids)[0], self._before], GO)
        if asked is None:
            asked = tf.where(there, ids, PAD)
        return *self._begin(ids, there, mask), *self._seen(asked, contexts)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""
        asked = contexts = tf.zeros([tf.size(tokens), 0], tf.int32)
        inside, seen = state[: len(self._open)], state[len(self._open) :]
        if self._copying:
            asked = seen[0]
        if self._before:
            contexts = tf.concat([seen[-1], tokens[:, None]], 1)[:, 1:]
        after, vectors = self._advance(tokens, inside)
        found = self._probabilities(vectors)
        if self._counts is not None:
            weight, bias = self._shares
            logits = vectors @ weight + bias
            shares = tf.nn.softmax(tf.concat([tf.zeros_like(logits[:, :1]), logits], 1))
            found = shares[:, :1] * found + shares[:, 1:2] * self._counts.probabilities(contexts)
            if self._copying:
                found += shares[:, 2:] * self._of_question(asked)
        return tf.math.log(tf.maximum(found, LEAST)), (*after, *self._seen(asked, contexts))

    def _seen(self, asked: Tensor, contexts: Tensor) -> State:
        """What a state has of the questions and of the entries before the next."""
        return (*([asked] if self._copying else []), *([contexts] if self._before else []))

    def _of_question(self, asked: Tensor) -> Tensor:
        """Probabilities of all entries by the questions' words, [B, V]; see `learn.experts`."""
        where = tf.cast(tf.where(tf.not_equal(asked, PAD)), tf.int32)
        entries = tf.gather_nd(asked, where)
        shape = tf.stack([tf.shape(asked)[0], self.size])
        ones = tf.ones_like(entries, tf.float32)
        found = tf.scatter_nd(tf.stack([where[:, 0], entries], 1), ones, shape)
        return found / tf.reduce_sum(found, 1, keepdims=True)

    @property
    def open(self) -> list[list[int | None]]:
        """The shapes of what a state has, before the first step and after any, as far as known."""
        asked: list[list[int | None]] = [[None, None]] if self._copying else []
        return [*self._open, *asked, *([[None, self._before]] if self._before else [])]

    @property
    def kinds(self) -> list[tf.DType]:
        """The types of what a state has."""
        return [tf.float32] * len(self._open) + [tf.int32] * (len(self.open) - len(self._open))

    @property
    @abstractmethod
    def _open(self) -> list[list[int | None]]:
        """Those of what `_begin` gives."""

    @abstractmethod
    def _begin(self, ids: Tensor, there: Tensor, mask: Tensor) -> State:
        """What of the state is between embeddings and output vectors, after reading questions.

        Args:
            ids: the questions, [B, S].
            there: where a question has a token, [B, S].
            mask: 0 there, a large negative number elsewhere, [B, S].
        """

    @abstractmethod
    def _advance(self, tokens: Tensor, state: State) -> tuple[State, Tensor]:
        """One step, from and to what `_begin` gives; gives output vectors [B, U] besides."""

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

"""Probabilities by counts of n-grams as a graph: `learn.ngrams`'s twin.

Comes in: the entries before the next. Goes out: how likely each entry is to follow them. A context
is looked for by halving, since LiteRT has no operation that does so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chatbot.learn.ngrams import Ngrams
from chatbot.learn.smoothing import Level
from chatbot.learn.tf import tf

Tensor = Any


class GraphCounts(tf.Module):  # type: ignore[misc]
    """The counts, and the probabilities they give."""

    def __init__(self, ngrams: Ngrams) -> None:
        """Takes the counts."""
        super().__init__(name="counts")
        self._size = ngrams.size
        self._frequencies = tf.Variable(ngrams.frequencies, trainable=False)
        levels = [_Followers(level, ngrams.size) for level in ngrams.levels() if level.order > 1]
        self._orders = levels[::-1]

    def probabilities(self, contexts: Tensor) -> Tensor:
        """Probabilities of all entries, [B, V], after contexts [B, order - 1]."""
        rows = tf.shape(contexts)[0]
        found = tf.tile(self._frequencies[None], [rows, 1])
        key, there = tf.zeros([rows], tf.int64), tf.fill([rows], True)
        entries = tf.cast(contexts, tf.int64)
        for number, order in enumerate(self._orders):
            key += entries[:, contexts.shape[1] - 1 - number] * self._size**number
            kept, left, known = order.discounted(key)
            there &= known
            found = tf.where(there[:, None], kept + left[:, None] * found, found)
        return found


class _Followers(tf.Module):  # type: ignore[misc]
    """The entries that followed each context of an order."""

    def __init__(self, level: Level, size: int) -> None:
        super().__init__()
        self._size, self._discount = size, level.discount
        bounds = np.append(0, level.kinds.cumsum()).astype(np.int32)
        self._contexts = tf.Variable(level.contexts, trainable=False)
        self._bounds = tf.Variable(bounds, trainable=False)
        self._entries = tf.Variable((level.keys % size).astype(np.int32), trainable=False)
        self._counts = tf.Variable(level.counts, trainable=False)

    def discounted(self, key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What follows contexts by this order alone.

        Args:
            key: the contexts, [B].

        Returns:
            Of each entry what its own count gives it, [B, V]; what is left for the order below,
            and whether the context is known at all, [B] each.
        """
        last = self._contexts.shape[0]
        at = tf.zeros_like(key, tf.int32)
        for power in reversed(range(int(last).bit_length())):  # the last context not above the key
            further = tf.minimum(at + (1 << power), last - 1)
            at = tf.where(tf.gather(self._contexts, further) <= key, further, at)
        known = tf.equal(tf.gather(self._contexts, at), key)
        first = tf.gather(self._bounds, at)
        kinds = tf.where(known, tf.gather(self._bounds, at + 1) - first, 0)
        ends = tf.cumsum(kinds)
        places = tf.range(tf.reduce_sum(kinds))
        marks = tf.scatter_nd(ends[:-1, None], tf.ones_like(ends[:-1]), tf.shape(places) + 1)
        row = tf.cumsum(marks)[:-1]
        places += tf.gather(first - ends + kinds, row)
        counts = tf.cast(tf.gather(self._counts, places), tf.float32)
        where = tf.stack([row, tf.gather(self._entries, places)], 1)
        shape = tf.stack([tf.size(key), self._size])
        own = tf.scatter_nd(where, counts - self._discount, shape)
        totals = tf.maximum(tf.scatter_nd(row[:, None], counts, shape[:1]), 1.0)
        left = self._discount * tf.cast(kinds, tf.float32) / totals
        return own / totals[:, None], left, known

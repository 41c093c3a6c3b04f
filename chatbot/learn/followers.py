"""Which entries followed a run of words, and how often: n-grams as replying looks them up.

Comes in: the n-grams of every order. Goes out: what followed a context, for every order that knows
it. Holds no n-gram as a number of 64 bits, but as a tree: one of order n stands below that of its
first n - 1 entries, and is its last entry, a count, and where those below it begin (a trie, as in
Heafield 2011, "KenLM: faster and smaller language model queries", section 3.2).

A context is itself an n-gram of the order below, but for a row of GO, which no reply has in it:
that stands first in every order, with a count of 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import GO
from chatbot.learn.smoothing import Level


class Followers(NamedTuple):
    """What followed one context.

    Attributes:
        entries: the entries, ascending.
        counts: the count of each.
        discount: what every count loses, D_n.
    """

    entries: NDArray[Any]
    counts: NDArray[Any]
    discount: float


class Tree:
    """The n-grams of all orders."""

    def __init__(self, levels: Iterable[Level], size: int) -> None:
        """Takes them.

        Args:
            levels: from the greatest order down to 1, as `smoothing.descend` gives them.
            size: entries of the vocabulary, V.
        """
        self._orders: list[Followers] = []
        begins: list[NDArray[np.int32]] = []
        above: NDArray[np.int64] | None = None
        for level in levels:
            row_of_go = [_row_of_go(level.order, size)] if len(level.keys) else []
            nodes = np.concatenate([np.asarray(row_of_go, np.int64), level.keys])
            counts = np.append(np.zeros_like(row_of_go, np.int32), level.counts)
            entries = (nodes % size).astype(np.min_scalar_type(size))
            narrow = counts.astype(np.min_scalar_type(counts.max(initial=0)))
            self._orders.append(Followers(entries, narrow, level.discount))
            if above is not None:
                begins.append(_begins(nodes, above // size))
            above = nodes
        self._orders.reverse()
        # Single numbers are read faster from these than from arrays.
        self._entries = [order.entries.data for order in self._orders]
        self._begins = [one.data for one in reversed(begins)]

    def first(self) -> Followers:
        """All entries that occurred, with what order 1 counts."""
        return self._orders[0]

    def after(self, context: Sequence[int]) -> Iterator[Followers]:
        """What followed the last entry of a context, the last two, and so on.

        Ends before the first that nothing followed.

        Args:
            context: the entries before, the earliest first; fewer than the greatest order.
        """
        for length in range(1, len(context) + 1):
            here = self._below(context[len(context) - length :])
            if here is None:
                return
            entries, counts, discount = self._orders[length]
            yield Followers(entries[here], counts[here], discount)

    def _below(self, run: Sequence[int]) -> slice | None:
        """Where in the order above its own what followed a run stands; None where nothing did."""
        first, end = 0, len(self._orders[0].entries)
        for entry, entries, begins in zip(run, self._entries, self._begins, strict=False):
            at = bisect_left(entries, entry, first, end)
            if at == end or entries[at] != entry:
                return None
            first, end = begins[at], begins[at + 1]
        return slice(first, end) if first < end else None


def _row_of_go(order: int, size: int) -> int:
    """The context of nothing but GO, as a number."""
    number = 0
    for _ in range(order):
        number = number * size + GO
    return number


def _begins(nodes: NDArray[np.int64], contexts: NDArray[np.int64]) -> NDArray[np.int32]:
    """Where those of the order above begin below each n-gram, and the last end, [nodes + 1]."""
    found = np.searchsorted(contexts, nodes).astype(np.int32)
    return np.append(found, np.int32(len(contexts)))

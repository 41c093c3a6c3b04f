"""What the n-grams of each order count, and what their counts lose to all that was not seen.

Comes in: the distinct n-grams of the greatest order. Goes out: those of every order, with the sums
over their contexts that Kneser-Ney smoothing needs. The probabilities: `ngrams`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """The n-grams of one order n.

    An n-gram is one number: its entries as digits to the base V, the earliest first.

    Attributes:
        order: n.
        keys: the distinct n-grams, ascending, [n-grams].
        counts: the count of each, int32.
        contexts: the distinct contexts, ascending: n-grams without their last entry, [contexts].
        totals: c(h) of each context, int32.
        kinds: N1+(h .) of each context, int32.
        discount: D_n.
    """

    order: int
    keys: Longs
    counts: Ints
    contexts: Longs
    totals: Ints
    kinds: Ints
    discount: float


def descend(keys: Longs, counts: Longs, order: int, size: int, share: float) -> Iterator[Level]:
    """The n-grams of all orders, from the greatest down to 1.

    Args:
        keys: the distinct n-grams of the greatest order, ascending, as `Level` has them.
        counts: how often each occurs.
        order: the greatest n.
        size: entries of the vocabulary, V.
        share: of what Kneser and Ney take off a count, so much is taken.
    """
    for n in range(order, 0, -1):
        if n < order:
            keys, counts = distinct(keys % size**n)
        yield _level(n, keys, counts, size, share)


def distinct(keys: Longs) -> tuple[Longs, Longs]:
    """The distinct keys, ascending, and how often each is there."""
    keys = np.sort(keys)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[first], np.diff(first, append=len(keys))


def _level(order: int, keys: Longs, counts: Longs, size: int, share: float) -> Level:
    contexts = keys // size
    first = np.flatnonzero(np.diff(contexts, prepend=-1))
    totals = np.add.reduceat(counts, first) if len(first) else first
    once, twice = (int(np.count_nonzero(counts == n)) for n in (1, 2))
    discount = once / (once + 2 * twice) if once else 0.5
    return Level(
        order,
        keys,
        counts.astype(np.int32),
        contexts[first],
        totals.astype(np.int32),
        np.diff(first, append=len(keys)).astype(np.int32),
        share * min(discount, 0.99),
    )

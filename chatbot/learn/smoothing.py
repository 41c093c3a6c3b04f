"""What the n-grams of each order count, and what their counts lose to all that was not seen.

Comes in: the distinct n-grams of the greatest order. Goes out: those of every order, with the sums
over their contexts that modified Kneser-Ney smoothing needs. The probabilities: `ngrams`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 3
"""Counts lose as 1, 2, or 3 and more do."""

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


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
        kinds: how many n-grams of each context count 1, 2, and 3 or more, int32 [3, contexts].
        discounts: what a count loses, D_n of 0, 1, 2, and 3 or more.
    """

    order: int
    keys: Longs
    counts: Ints
    contexts: Longs
    totals: Ints
    kinds: Ints
    discounts: Floats


def descend(keys: Longs, counts: Longs, order: int, size: int) -> Iterator[Level]:
    """The n-grams of all orders, from the greatest down to 1.

    Args:
        keys: the distinct n-grams of the greatest order, ascending, as `Level` has them.
        counts: how often each occurs.
        order: the greatest n.
        size: entries of the vocabulary, V.
    """
    for n in range(order, 0, -1):
        if n < order:
            keys, counts = distinct(keys % size**n)
        yield _level(n, keys, counts, size)


def taken(counts: NDArray[Any], discounts: Floats) -> Floats:
    """What each count loses."""
    return discounts.take(counts, mode="clip")


def distinct(keys: Longs) -> tuple[Longs, Longs]:
    """The distinct keys, ascending, and how often each is there."""
    keys = np.sort(keys)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[first], np.diff(first, append=len(keys))


def _level(order: int, keys: Longs, counts: Longs, size: int) -> Level:
    contexts = keys // size
    first = np.flatnonzero(np.diff(contexts, prepend=-1))
    classes = np.minimum(counts, CLASSES)
    return Level(
        order,
        keys,
        counts.astype(np.int32),
        contexts[first],
        _sums(counts, first),
        np.stack([_sums(classes == k, first) for k in range(1, CLASSES + 1)]),
        _discounts(counts),
    )


def _sums(numbers: NDArray[Any], first: Longs) -> Ints:
    """The sums of runs, of which each begins at one of `first`."""
    return np.add.reduceat(numbers, first, dtype=np.int32) if len(first) else first.astype(np.int32)


def _discounts(counts: Longs) -> Floats:
    """What counts of 0, 1, 2, and 3 or more lose: 0, D_1, D_2 and D_3.

    Chen and Goodman 1999 (as in `ngrams`): with n_k the n-grams that count k, and
    Y = n_1 / (n_1 + 2 n_2),

        D_k = k - (k + 1) Y n_(k + 1) / n_k

    Few n-grams can make that negative, or leave nothing to divide by: no count loses less than a
    lower one does.
    """
    n = np.bincount(np.minimum(counts, CLASSES + 2), minlength=CLASSES + 3).tolist()
    ratio = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
    found = [0.0, min(ratio, 0.99)]
    for k in range(2, CLASSES + 1):
        estimate = k - (k + 1) * ratio * n[k + 1] / n[k] if n[k] else 0.0
        found.append(min(max(estimate, found[-1]), k - 0.01))
    return np.asarray(found)

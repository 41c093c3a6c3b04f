"""Values of numbers by an index that is made once.

Comes in: distinct numbers with values, then numbers to look for. Goes out: their values. Knows
nothing of what either means.

A product with an odd constant modulo 2^64 is another number for each number, and the products are
spread evenly, whatever the numbers were (Knuth 1998, "The art of computer programming", vol. 3,
section 6.4, Fibonacci hashing). So among sorted products a place is known from the high bits to
about one step: two or three reads of memory, where halving the interval takes twenty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, odd."""

_NUMBERS_OF_A_PART = 4
"""Where every so many numbers begin is noted: reads in a row are cheap, notes take memory."""

_HALF = np.uint64(32)
_LAST = np.uint64((1 << 64) - 1)

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Lookup:
    """Distinct numbers and a few small values of each; takes 11 bytes a number."""

    def __init__(self, numbers: Longs, *values: Ints) -> None:
        """Makes the index.

        Args:
            numbers: distinct, not negative, fewer than 2^31, [n].
            values: for each kind of value that of every number, int32 [n], not negative.
        """
        products = numbers.view(np.uint64) * _FACTOR
        order = np.argsort(products)
        self._products = np.append(products[order], _LAST)  # where every search ends
        nothing = np.zeros(1, np.int32)  # what is found where a number is not there
        sorted_values = (np.append(one[order], nothing) for one in values)
        self._values, self._codes = _coded(*sorted_values)
        self._parts = max(1, len(numbers) // _NUMBERS_OF_A_PART)
        begun = np.bincount(self._part(products), minlength=self._parts)
        self._starts = (np.cumsum(begun) - begun).astype(np.int32)

    def find(self, wanted: Longs) -> Ints:
        """The values of each wanted number, 0 where it is not there, int32 [values, wanted]."""
        products = wanted.view(np.uint64) * _FACTOR
        at = self._starts[self._part(products)].astype(np.intp)
        there = self._products[at]
        short = np.flatnonzero(there < products)
        while len(short):
            at[short] += 1
            there[short] = self._products[at[short]]
            short = short[there[short] < products[short]]
        at[there != products] = -1  # the last row, which is 0
        return self._values.take(self._codes.take(at, mode="wrap"), 1)

    def _part(self, products: NDArray[np.uint64]) -> Longs:
        """In which of equal parts of all numbers of 64 bits each product lies."""
        return ((products >> _HALF) * np.uint64(self._parts) >> _HALF).view(np.int64)


def _coded(*values: Ints) -> tuple[Ints, NDArray[np.uint16] | Ints]:
    """The distinct rows of values, [values, distinct], and which one every row is, [n].

    Values of counts follow Zipf's law: among a million n-grams there are some thousand different
    rows, so that a code of two bytes tells them.
    """
    keys, limit = np.zeros(len(values[0]), np.int64), 1
    for one in values:
        span = int(one.max()) + 1
        if limit * span >= 1 << 63:
            keys = np.unique(keys, return_inverse=True)[1]
            limit = len(keys)
        keys, limit = keys * span + one, limit * span
    distinct, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    rows = np.stack([one[first] for one in values])
    few = len(distinct) <= 1 << 16
    return rows, codes.astype(np.uint16) if few else codes.astype(np.int32)

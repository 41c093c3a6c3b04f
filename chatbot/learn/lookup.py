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
    """Distinct numbers and a few small values of each; takes 9 bytes a number and 4 a value."""

    def __init__(self, numbers: Longs, *values: Ints) -> None:
        """Makes the index.

        Args:
            numbers: distinct, not negative, fewer than 2^31, [n].
            values: for each kind of value that of every number, int32 [n].
        """
        products = numbers.view(np.uint64) * _FACTOR
        order = np.argsort(products)
        self._products = np.append(products[order], _LAST)  # where every search ends
        self._values = np.zeros((len(numbers) + 1, len(values)), np.int32)
        np.stack(values, 1, out=self._values[:-1])
        self._values[:-1] = self._values[order]
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
        return self._values.take(at, 0, mode="wrap").T

    def _part(self, products: NDArray[np.uint64]) -> Longs:
        """In which of equal parts of all numbers of 64 bits each product lies."""
        return ((products >> _HALF) * np.uint64(self._parts) >> _HALF).view(np.int64)

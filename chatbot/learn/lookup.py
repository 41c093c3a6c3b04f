"""Values of numbers by an index that is made once.

Comes in: distinct numbers with values, then numbers to look for. Goes out: their values. Knows
nothing of what either means.

A product with an odd constant modulo 2^b is another number below 2^b for each number below 2^b, and
the products are spread evenly, whatever the numbers were (Knuth 1998, "The art of computer
programming", vol. 3, section 6.4, Fibonacci hashing). So the high bits of a product name one of
many parts, each of a few numbers, and a few reads of memory find the number in its part, where
halving the interval takes twenty. What stands in a part need not repeat the bits that name it
(Cleary 1984, "Compact hash tables using bidirectional linear probing"), so that the 57 bits of four
entries of 20,000 take 5 bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FACTOR = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio, odd."""

_NUMBERS_OF_A_PART = 2
"""A part has at least so many on average, and fewer than twice as many: reads in a row are cheap,
where parts begin takes memory."""

_HALF = np.uint64(32)

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Unsigned = NDArray[np.uint64]


class Lookup:
    """Distinct numbers and a few small values of each; some 9 bytes for a number of 57 bits."""

    def __init__(self, numbers: Longs, *values: Ints) -> None:
        """Makes the index.

        Args:
            numbers: distinct, not negative, fewer than 2^31, [n].
            values: for each kind of value that of every number, int32 [n], not negative.
        """
        bits = max(1, int(numbers.max(initial=0)).bit_length())
        of_parts = max(1, len(numbers) // _NUMBERS_OF_A_PART).bit_length() - 1
        rest = bits - of_parts
        self._bits, self._rest = bits, rest
        self._high_type = np.min_scalar_type((1 << rest) - 1 >> 32)
        products = self._products(numbers)
        order = np.argsort(products)
        parts, told = self._split(products[order])
        told = np.append(told, np.uint64(0))  # read, and not meant, behind the last part
        self._low, self._high = told.astype(np.uint32), (told >> _HALF).astype(self._high_type)
        begun = np.bincount(parts, minlength=1 << of_parts)
        self._starts = np.append(0, np.cumsum(begun)).astype(np.int32)
        nothing = np.zeros(1, np.int32)  # what is found where a number is not there
        sorted_values = (np.append(one[order], nothing) for one in values)
        self._values, self._codes = _coded(*sorted_values)

    def find(self, wanted: Longs) -> Ints:
        """The values of each wanted number, 0 where it is not there, int32 [values, wanted]."""
        parts, told = self._split(self._products(wanted))
        at = self._starts.take(parts).astype(np.intp)
        end = self._starts.take(parts + 1) - 1
        short = np.flatnonzero((self._told(at) < told) & (at < end))
        while len(short):
            here = at.take(short) + 1
            at[short] = here
            short = short[(self._told(here) < told.take(short)) & (here < end.take(short))]
        above = wanted >> self._bits > 0
        at[(self._told(at) != told) | (at > end) | above] = -1  # the last row, which is 0
        return self._values.take(self._codes.take(at, mode="wrap"), 1)

    def _products(self, numbers: Longs) -> Unsigned:
        """What the numbers become, modulo 2^b."""
        factor = np.uint64(_FACTOR >> 64 - self._bits | 1)
        return numbers.view(np.uint64) * factor & np.uint64((1 << self._bits) - 1)

    def _split(self, products: Unsigned) -> tuple[Longs, Unsigned]:
        """The part of each product, and what tells it from the others there."""
        parts = (products >> np.uint64(self._rest)).view(np.int64)
        return parts, products & np.uint64((1 << self._rest) - 1)

    def _told(self, at: Longs) -> Unsigned:
        """What stands at some places."""
        return self._high.take(at).astype(np.uint64) << _HALF | self._low.take(at)


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

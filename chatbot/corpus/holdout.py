"""Which pairs are held out for validation.

Comes in: the hashes of all pairs and where each stands in its conversation. Goes out: which pairs
are held out. Knows nothing of what a pair says.

A pair tells of its neighbours: its reply is the question of the next one. So pairs are held out in
stretches of conversation (`stretches`), and only those that training does not show elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.config import SMALL_CORPUS
from chatbot.corpus.encoded import found_in
from chatbot.corpus.sampler import scramble

STRETCH = 32
"""Pairs of one conversation that are held out together, at most; a power of two."""

_DEFAULT_SHARE = 0.01
_DEFAULT_NUMBER = 2000
_ENOUGH = 1000
"""Of a share, at least half of the pairs that it speaks of are held out, or so many, however few
and long the conversations are."""
_ROOM = 4096
"""Keys that may wait beyond the needed ones before the largest are dropped."""
_AT_ONCE = 1 << 20
"""Hashes of held-out pairs, about, that are looked for among the others at one time."""

_Words = NDArray[np.uint64]
_Read = Callable[[], Iterator[tuple[_Words, _Words]]]
"""Gives keys and hashes of all pairs, some at a time."""


def stretches(hashes: _Words, goes_on: NDArray[np.bool_]) -> _Words:
    """The keys by which pairs are held out, [P]: those of one stretch follow each other.

    A key is a hash of all pairs of the stretch with the place in it as its lowest bits. So what is
    below a limit is whole stretches and the beginning of one more, and a stretch that is there
    twice is held out twice.

    Args:
        hashes: of P pairs in the order they were read.
        goes_on: whether each pair belongs to the conversation of the one before it, [P].
    """
    if not len(hashes):
        return hashes
    places = np.arange(len(hashes))
    starts = np.where(goes_on, 0, places)
    starts[0] = 0
    within = (places - np.maximum.accumulate(starts)) % STRETCH
    first = np.flatnonzero(within == 0)
    of_stretch = np.bitwise_xor.reduceat(scramble(hashes ^ within.astype(np.uint64)), first)
    sizes = np.diff(first, append=len(hashes))
    key = np.repeat(of_stretch & np.uint64(2**64 - STRETCH), sizes)
    return np.asarray(key | within.astype(np.uint64))


@dataclass(frozen=True)
class HeldOut:
    """Which pairs are held out.

    Attributes:
        below: the limit that their keys are below.
        elsewhere: hashes of pairs with such a key that others have with a larger one, ascending:
            training shows them anyway, so it gets them all.
        distinct: how many different pairs are held out.
    """

    below: int
    elsewhere: _Words
    distinct: int

    @classmethod
    def of(cls, below: int, pairs: int, read: _Read) -> HeldOut:
        """Looks through all pairs for those that stand on both sides of a limit.

        Args:
            below: the limit.
            pairs: how many there are.
            read: gives keys and hashes of all pairs, some at a time; called more than once.
        """
        if not below:
            return cls(0, np.zeros(0, np.uint64), 0)
        slices = 1 + (below * pairs >> 64) // _AT_ONCE
        bounds = [2**64 * i // slices for i in range(slices + 1)]
        found = [_on_both_sides(below, bounds[i], bounds[i + 1], read) for i in range(slices)]
        elsewhere = np.concatenate([hashes for hashes, _ in found])
        return cls(below, elsewhere, sum(alone for _, alone in found))

    def among(self, keys: _Words, hashes: _Words) -> NDArray[np.bool_]:
        """Whether pairs with such keys and hashes are held out."""
        held: NDArray[np.bool_] = keys < self.below
        held[held] = ~found_in(self.elsewhere, hashes[held])[0]
        return held


def _on_both_sides(below: int, first: int, end: int, read: _Read) -> tuple[_Words, int]:
    """Of hashes from `first` up to `end` those that pairs on both sides of a limit have, ascending.

    And how many pairs below it alone have.
    """
    held = [hashes[(keys < below) & (hashes >= first) & (hashes < end)] for keys, hashes in read()]
    wanted = np.unique(np.concatenate([np.zeros(0, np.uint64), *held]))
    seen = np.zeros(len(wanted), np.bool_)
    if len(wanted):
        for keys, hashes in read():
            there, at = found_in(wanted, hashes[keys >= below])
            seen[at[there]] = True
    return wanted[seen], int((~seen).sum())


class Holdout:
    """Finds the limit that the keys of held-out pairs are below, keeping a bounded number."""

    def __init__(self, holdout: float | None) -> None:
        """Takes `CorpusConfig.holdout`: a share, a number of pairs, or None for the default."""
        self._default = holdout is None
        self._share = _DEFAULT_SHARE if holdout is None else holdout if holdout < 1 else 1.0
        number = _DEFAULT_NUMBER if holdout is None else 0 if holdout < 1 else int(holdout)
        self._number = number
        self._seen: _Words = np.zeros(0, np.uint64)

    def add(self, keys: _Words) -> None:
        """Takes the keys of some more pairs, in any order."""
        self._seen = np.concatenate([self._seen, keys])
        keep = max(self._number, _ENOUGH) + 1
        if len(self._seen) > 4 * keep + _ROOM:
            self._seen = np.partition(self._seen, keep)[:keep]

    def limit(self, pairs: int) -> int:
        """The limit for a corpus of so many pairs, 0 for none."""
        if self._share == 0 or (self._default and pairs < SMALL_CORPUS):
            return 0
        least = self._smallest(min(int(pairs * self._share / 2), _ENOUGH))
        limit = max(int(self._share * 2**64), least)
        return min(limit, self._smallest(self._number)) if self._number else limit

    def _smallest(self, number: int) -> int:
        """The limit that so many keys are below, or fewer where some are equal."""
        if number >= len(self._seen):
            return 2**64
        return int(np.partition(self._seen, number)[number])

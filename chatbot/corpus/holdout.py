"""Which pairs are held out for validation.

Comes in: the hashes of all pairs, a chunk at a time. Goes out: the hash below which pairs are held
out. Knows nothing of what a pair says: equal pairs have equal hashes, so they fall on one side
together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chatbot.config import SMALL_CORPUS

_DEFAULT_SHARE = 0.01
_DEFAULT_NUMBER = 2000
_ROOM = 4096
"""Hashes that may wait beyond the needed ones before the largest are dropped."""


class Holdout:
    """Finds the hash below which pairs are held out, keeping a bounded number of hashes."""

    def __init__(self, holdout: float | None) -> None:
        """Takes `CorpusConfig.holdout`: a share, a number of pairs, or None for the default."""
        self._default = holdout is None
        share = _DEFAULT_SHARE if holdout is None else holdout if holdout < 1 else 1.0
        number = _DEFAULT_NUMBER if holdout is None else 0 if holdout < 1 else int(holdout)
        self._share = int(share * 2**64)
        self._number = number
        self._seen: NDArray[np.uint64] = np.zeros(0, np.uint64)

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Takes the hashes of some more pairs, in any order."""
        if self._number:
            self._seen = np.concatenate([self._seen, hashes])
            keep = self._number + 1
            if len(self._seen) > 4 * keep + _ROOM:
                self._seen = np.partition(self._seen, keep)[:keep]

    def limit(self, pairs: int) -> int:
        """The hash that the held-out pairs are below, 0 for none."""
        if self._default and pairs < SMALL_CORPUS:
            return 0
        if len(self._seen) > self._number > 0:
            return min(self._share, int(np.partition(self._seen, self._number)[self._number]))
        return self._share

"""Pairs as ids in memory: questions and replies laid end to end, with the bounds between them.

Comes in: ids and lengths. Goes out: the same pairs chosen, reordered or put together, without a
loop over pairs. Knows nothing of text, of files or of padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedPairs:
    """Some pairs as ids: B questions and B replies, flat.

    Attributes:
        tokens: the ids, question and reply of every pair in turn, int32.
        bounds: where each begins and the last ends, int64 [2 B + 1].
        sources: file, line, reply characters and lost reply characters, int64 [B, 4].
    """

    tokens: NDArray[np.int32]
    bounds: NDArray[np.int64]
    sources: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(self.bounds) // 2

    @property
    def question_lengths(self) -> NDArray[np.int64]:
        """Tokens of every question, [B]."""
        return self.bounds[1::2] - self.bounds[:-1:2]

    @property
    def reply_lengths(self) -> NDArray[np.int64]:
        """Tokens of every reply without EOS, [B]."""
        return self.bounds[2::2] - self.bounds[1::2]

    @staticmethod
    def of_sides(
        questions: Sequence[Sequence[int] | NDArray[Any]],
        replies: Sequence[Sequence[int] | NDArray[Any]],
        sources: NDArray[np.int64],
    ) -> EncodedPairs:
        """Pairs of these questions and replies, as ids."""
        halves = [
            np.asarray(one, np.int32)
            for pair in zip(questions, replies, strict=True)
            for one in pair
        ]
        bounds = bounds_of(np.array([len(half) for half in halves]))
        return EncodedPairs(np.concatenate(halves), bounds, sources)

    @staticmethod
    def concatenate(parts: Sequence[EncodedPairs]) -> EncodedPairs:
        """Several as one, in order; none as no pairs."""
        if len(parts) == 1:
            return parts[0]
        none = EncodedPairs(
            np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros((0, 4), np.int64)
        )
        parts = [none, *parts]
        lengths = np.concatenate([np.diff(part.bounds) for part in parts])
        return EncodedPairs(
            np.concatenate([part.tokens for part in parts]),
            bounds_of(lengths),
            np.concatenate([part.sources for part in parts]),
        )

    def take(self, indices: NDArray[np.int64]) -> EncodedPairs:
        """The pairs at `indices`, in that order."""
        halves = np.stack([2 * indices, 2 * indices + 1], 1).ravel()
        lengths = (self.bounds[1:] - self.bounds[:-1])[halves]
        where = indices_of_runs(self.bounds[:-1][halves], lengths)
        return EncodedPairs(self.tokens[where], bounds_of(lengths), self.sources[indices])


def bounds_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs of these lengths, laid end to end, begin, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def indices_of_runs(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices of several runs, one run after the other.

    >>> indices_of_runs(np.array([7, 2]), np.array([2, 3]))
    array([7, 8, 2, 3, 4])
    """
    bounds = bounds_of(lengths)
    return np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])


def found_in(
    ascending: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each of some numbers is among distinct ascending ones, and its place if it is.

    >>> found_in(np.array([3, 8], np.uint64), np.array([8, 4], np.uint64))
    (array([ True, False]), array([1, 1]))
    """
    if not len(ascending):
        return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return ascending[at] == wanted, at

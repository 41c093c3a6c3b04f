"""What a reply may hold, decided before every choice of its next entry.

Comes in: log-probabilities of the next entry, and the replies so far. Goes out: the same with what
is forbidden at minus infinity. Knows nothing of how an entry is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO, PAD, UNK

Reply = Sequence[int]


@dataclass(frozen=True)
class Rules:
    """What a reply may not contain, and how it may repeat itself.

    Attributes:
        never: entries that are never chosen.
        not_first: entries that cannot begin a reply, besides EOS.
        banned: rows of entries that never stand one after another; of one entry, that entry.
    """

    never: tuple[int, ...] = (PAD, GO, UNK)
    not_first: tuple[int, ...] = ()
    banned: tuple[tuple[int, ...], ...] = ()

    def apply(
        self, scores: NDArray[np.float32], replies: Sequence[Reply], config: ReplyConfig
    ) -> NDArray[np.float32]:
        """What may be chosen next, and how likely it is.

        Args:
            scores: log-probabilities of the next entry of B replies, [B, V].
            replies: the entries of each so far, all as many.
            config: the shortest length, the repeats that are blocked, and what repeating costs.

        Returns:
            [B, V]: minus infinity for what is forbidden. The score of an entry that is there
            already is multiplied by the repetition penalty, a positive one divided, so that it is
            only ever less likely (after Keskar et al. 2019, "CTRL", section 4.1, which does so
            with logits).
        """
        scores = scores.copy()
        length = len(replies[0]) if len(replies) else 0
        penalty = config.repetition_penalty
        if penalty != 1:
            for row, reply in zip(scores, replies, strict=True):
                there = np.unique(np.array(reply, np.int64))
                factors = np.where(row[there] < 0, penalty, 1 / penalty)
                row[there] *= factors.astype(np.float32)
        scores[:, list(self.never)] = -np.inf
        if length == 0:
            scores[:, list(self.not_first)] = -np.inf
        if length < config.min_reply:
            scores[:, EOS] = -np.inf
        for row, reply in zip(scores, replies, strict=True):
            forbidden = [*self._ends(reply), *repeats(reply, config.no_repeat or 0)]
            row[forbidden] = -np.inf
            if row.max() == -np.inf:  # whatever is left to say is forbidden
                row[EOS] = 0
        return scores

    def _ends(self, reply: Reply) -> list[int]:
        """The entries that would complete a banned row."""
        return [
            row[-1]
            for row in self.banned
            if len(row) <= len(reply) + 1 and tuple(reply[len(reply) + 1 - len(row) :]) == row[:-1]
        ]


def repeats(reply: Reply, n: int) -> list[int]:
    """The entries after which some n entries in a row would stand in a reply twice; none for 0."""
    if n == 0 or len(reply) < n:
        return []
    last = list(reply[len(reply) - n + 1 :])
    starts = range(len(reply) - n + 1)
    return [reply[at + n - 1] for at in starts if list(reply[at : at + n - 1]) == last]

"""What replies are decoded from, and what is held against a reply that fits every question.

Comes in: ids of questions and of what has been said. Goes out: how good each next entry is. Knows
nothing of text or of how entries are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")

FAR = np.float32(-1e3)
"""Far below whatever is plausible, and in the same order."""

PLAUSIBLE = 0.1
"""What the probability of a plausible entry is at least, over that of the likeliest."""


class Decoder(Protocol[S]):
    """The model behind replies; S is its state for B replies under way."""

    def begin(
        self, questions: Sequence[Sequence[int]], words: Sequence[Sequence[int]] | None = None
    ) -> S:
        """The state before the first step for B questions, each of at least one id.

        Args:
            questions: what is answered.
            words: the questions whose words are likely ones; default: the same.
        """

    def step(self, tokens: NDArray[np.int32], state: S) -> tuple[NDArray[np.float32], S]:
        """Log-probabilities of the next entry [B, V] after the tokens [B], and the new state."""

    def select(self, state: S, rows: NDArray[np.int64]) -> S:
        """The state whose reply i is reply `rows[i]` of the given one."""


class Both(NamedTuple, Generic[S]):
    """The states of replies to their questions and, while it counts, to an empty one behind them.

    Attributes:
        state: of 2 B replies, then of B.
        replies: B.
        steps: how many entries have been decided.
    """

    state: S
    replies: int
    steps: int


@dataclass(frozen=True)
class AntiLanguageModel(Generic[S]):
    """A decoder in which an entry counts for less, the likelier it is whatever was asked.

    The anti-language model of Li et al. 2016, "A diversity-promoting objective function for neural
    conversation models", section 4.5.1: log p(t | question) - weight log p(t | nothing) for the
    first entries, which settle what a reply is about. The language model is the decoder itself on
    an empty question, so it takes no second network and no second call. The words of the question
    have a share there, too: else each would be worth saying, as nothing says them unasked. What is
    far less likely than the likeliest entry is not held to be worth anything, however unlikely it
    is without the question (Li et al. 2023, "Contrastive decoding", section 3.2, plausibility
    constraint).

    Attributes:
        decoder: the model.
        empty: the ids of an empty question, at least one.
        weight: lambda.
        tokens: for how many entries, gamma.
        plausible: what an entry's probability is at least, over that of the likeliest.
    """

    decoder: Decoder[S]
    empty: Sequence[int]
    weight: float
    tokens: int
    plausible: float = PLAUSIBLE

    def begin(
        self, questions: Sequence[Sequence[int]], words: Sequence[Sequence[int]] | None = None
    ) -> Both[S]:
        """As `Decoder.begin`."""
        count, words = len(questions), words or questions
        state = self.decoder.begin([*questions, *[self.empty] * count], [*words, *words])
        return Both(state, count, 0)

    def step(self, tokens: NDArray[np.int32], both: Both[S]) -> tuple[NDArray[np.float32], Both[S]]:
        """As `Decoder.step`, but for what the numbers are."""
        count, steps = both.replies, both.steps + 1
        if both.steps >= self.tokens:
            scores, state = self.decoder.step(tokens, both.state)
            return scores, Both(state, count, steps)
        scores, state = self.decoder.step(np.concatenate([tokens, tokens]), both.state)
        asked, anyway = scores[:count], scores[count:]
        least = asked.max(1, keepdims=True) + np.float32(np.log(self.plausible))
        found = np.where(asked >= least, asked - np.float32(self.weight) * anyway, asked + FAR)
        if steps == self.tokens:
            state = self.decoder.select(state, np.arange(count))
        return found, Both(state, count, steps)

    def select(self, both: Both[S], rows: NDArray[np.int64]) -> Both[S]:
        """As `Decoder.select`."""
        doubled = both.steps < self.tokens
        places = np.concatenate([rows, rows + both.replies]) if doubled else rows
        return Both(self.decoder.select(both.state, places), len(rows), both.steps)

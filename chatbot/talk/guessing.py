"""How likely a reply makes its question: the second half of bidirectional MMI.

Comes in: a bot that was trained on pairs turned round, a question, replies to it. Goes out: the
same replies, the best first. Knows nothing of how they were found.

Li et al. 2016, "A diversity-promoting objective function for neural conversation models", section
4.1, eq. 11, and 4.5: the best replies T to a question S by a beam are ranked anew, by
(1 - w) log p(T | S) + w log p(S | T). For log p(T | S) stands what the beam judged by, so its
length penalty does for what the paper gives words for their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import EOS, GO, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.learn.position import Position
from chatbot.talk.beam import Hypothesis
from chatbot.talk.decoding import EMPTY
from chatbot.talk.network import Network


class Turned(Protocol):
    """A `bot.Bot`, as far as it is needed here; see its attributes."""

    vocabulary: Vocabulary
    network: Network
    position: Position
    checkpoint: Path
    damaged: Sequence[str]

    def ids(self, text: str) -> list[int]:
        """Text as ids."""

    def warm_up(self) -> None:
        """Makes what the first use else waits for."""


class Guesser:
    """Guesses the question that a reply answers.

    Attributes:
        bot: the bot of the pairs turned round.
    """

    def __init__(self, bot: Turned, path: Path) -> None:
        """Takes the bot, and where it stands for the message.

        Raises:
            ChatbotError: it answers, as its pairs were not turned round.
        """
        if not bot.vocabulary.config.reverse:
            raise ChatbotError(
                f"--backward {path}: answers questions and does not guess them. Name a bot whose "
                "pairs were turned round: build-vocab --reverse."
            )
        self.bot = bot

    def ranked(
        self, question: str, found: Sequence[Hypothesis], texts: Sequence[str], weight: float
    ) -> list[Hypothesis]:
        """Replies by their score and by how likely they make the question, the best first.

        Args:
            question: the utterance, without what was said before.
            found: replies with their scores.
            texts: the same as text.
            weight: what the question counts for, 0 to 1.
        """
        guessed = self.log_probabilities(question, texts)
        scores = (1 - weight) * np.array([one.score for one in found]) + weight * guessed
        return [found[n] for n in np.argsort(-scores, kind="stable")]

    def log_probabilities(self, question: str, replies: Sequence[str]) -> NDArray[np.float64]:
        """Log p(question | reply) for each reply, in nats, the end of the question included."""
        longest, network = self.bot.position.training.max_length, self.bot.network
        said = [self.bot.ids(reply)[-longest:] or list(EMPTY) for reply in replies]
        wanted = [*self.bot.ids(question)[:longest], EOS]
        state, total = network.begin(said), np.zeros(len(said))
        for before, id in zip([GO, *wanted], wanted, strict=False):
            scores, state = network.step(np.full(len(said), before, np.int32), state)
            total += scores[:, id]
        return total

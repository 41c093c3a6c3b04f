"""The backward model: how likely a reply makes its question, and an n-best list reranked by that.

Comes in: a bot that was trained on pairs turned round, a question, an n-best list of replies. Goes
out: the list reranked. Knows nothing of how the replies were found.

This is the MMI-bidi of Li et al. 2016, "A diversity-promoting objective function for neural
conversation models" (https://arxiv.org/abs/1510.03055): the best replies T to a question S by a
beam are ranked anew, by (1 - w) log p(T | S) + w log p(S | T). For log p(T | S) stands the score of
the beam, so its length penalty does for what the paper gives words for their number.
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
    """A `bot.Bot`, as far as whoever holds a backward model needs it; see its attributes."""

    vocabulary: Vocabulary
    network: Network
    position: Position
    checkpoint: Path
    damaged: Sequence[str]

    def ids(self, text: str) -> list[int]:
        """Text as ids."""

    def warm_up(self) -> None:
        """Makes what the first use else waits for."""


class BackwardModel:
    """Predicts the question from the reply.

    Attributes:
        bot: the bot of the pairs turned round.
    """

    def __init__(self, bot: Turned, path: Path) -> None:
        """Takes the bot, and where it stands for the message.

        Raises:
            ChatbotError: its pairs were not turned round.
        """
        if not bot.vocabulary.config.reverse:
            raise ChatbotError(
                f"--backward {path}: predicts replies, not questions. Name a bot whose pairs were "
                "turned round: build-vocab --reverse."
            )
        self.bot = bot

    def reranked(
        self, question: str, found: Sequence[Hypothesis], texts: Sequence[str], weight: float
    ) -> list[Hypothesis]:
        """An n-best list by its scores and by how likely the replies make the question.

        Args:
            question: the utterance, without what was said before it.
            found: the replies with their scores.
            texts: the same as text.
            weight: w, what the question counts for, 0 to 1.
        """
        backward = self.log_probabilities(question, texts)
        scores = (1 - weight) * np.array([one.score for one in found]) + weight * backward
        return [found[n] for n in np.argsort(-scores, kind="stable")]

    def log_probabilities(self, question: str, replies: Sequence[str]) -> NDArray[np.float64]:
        """Log p(question | reply) for each reply, in nats.

        As far as questions were used in training, with the end of one that is no longer.
        """
        longest, network = self.bot.position.training.max_length, self.bot.network
        read = [self.bot.ids(reply)[-longest:] or list(EMPTY) for reply in replies]
        wanted = [*self.bot.ids(question), EOS][:longest]
        state, total = network.begin(read), np.zeros(len(read))
        for before, id in zip([GO, *wanted], wanted, strict=False):
            scores, state = network.step(np.full(len(read), before, np.int32), state)
            total += scores[:, id]
        return total

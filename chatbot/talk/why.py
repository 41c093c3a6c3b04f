"""Which words of a question the network looked at for each word of a reply.

Comes in: a network, and the ids of questions and of a reply to each. Goes out: attention weights,
and the words they belong to. Knows nothing of how a reply was found: the same is told of any.

The weights are those of the network alone: of what else has a share in every probability n-grams
look at no question, and `learn.experts.of_question` at all of its words alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import Vocabulary
from chatbot.talk.network import Network


class Why(NamedTuple):
    """What was looked at.

    Attributes:
        question: the words of the question, S.
        reply: the words of the reply, T, its end left out.
        weights: float32 [T, S], each row sums to 1: the share that each word of the question had
            in the context from which this word of the reply was predicted.
    """

    question: list[str]
    reply: list[str]
    weights: NDArray[np.float32]


def why(
    network: Network,
    vocabulary: Vocabulary,
    questions: Sequence[Sequence[int]],
    replies: Sequence[Sequence[int]],
) -> list[Why]:
    """The words and the weights of questions and of a reply to each, all of at least one id."""
    words = vocabulary.words
    return [
        Why(
            [words[id] for id in question],
            [words[id] for id in reply],
            network.attention(question, reply),
        )
        for question, reply in zip(questions, replies, strict=True)
    ]

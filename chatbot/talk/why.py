"""Which words of a question the network looked at for each word of a reply.

Comes in: a network, and the ids of a question and of a reply to it. Goes out: attention weights,
and the words they belong to. Knows nothing of how a reply was found: the same is told of any.

The weights are those of the network alone; the n-grams that have a share in every probability look
at no question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import GO, Vocabulary
from chatbot.learn.attention import attention_weights
from chatbot.learn.model import Seq2Seq
from chatbot.learn.packing import padded, source_fields
from chatbot.learn.recurrent import lstm


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
    net: Seq2Seq,
    vocabulary: Vocabulary,
    questions: Sequence[Sequence[int]],
    replies: Sequence[Sequence[int]],
) -> list[Why]:
    """The words and the weights of questions and of a reply to each, all of at least one id."""
    words, found = vocabulary.words, attention_of(net, questions, replies)
    return [
        Why([words[id] for id in question], [words[id] for id in reply], weights)
        for question, reply, weights in zip(questions, replies, found, strict=True)
    ]


def attention_of(
    net: Seq2Seq, questions: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[NDArray[np.float32]]:
    """Attention of the decoder over questions, teacher-forced; no gradient, nothing left out.

    Args:
        net: the network.
        questions: B times ids, at least one.
        replies: ids of a reply to each, at least one; without GO, and with EOS only if its row is
            wanted.

    Returns:
        For each pair the weights [T, S] without padding; row t is what was looked at when
        `reply[t]` was predicted, from GO and the ids before it (Luong et al. 2015, eq. 7), and
        sums to 1.
    """
    count = len(questions)
    asked, sizes = padded(questions)
    read, lengths = padded([[GO, *reply[:-1]] for reply in replies])
    state = net.begin(source_fields(asked, sizes))
    states, _ = lstm(
        tf.gather(net.embedding, read.T.ravel()),  # time-major; what follows a reply is cut off
        tf.range(0, read.size + 1, count),
        net.decoder.kernel,
        net.decoder.recurrent,
        net.decoder.bias,
        state.h[:count],
        state.c[:count],
        cudnn=net.cudnn,
    )
    queries = tf.transpose(tf.reshape(states, [-1, count, states.shape[1]]), [1, 0, 2])
    weights = attention_weights(queries, state.keys[:count], state.mask[:count, None]).numpy()
    return [one[:t, :s] for one, t, s in zip(weights, lengths, sizes, strict=True)]

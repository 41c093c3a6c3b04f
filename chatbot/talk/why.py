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
from chatbot.learn.packing import source_fields
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


def why(net: Seq2Seq, vocabulary: Vocabulary, question: Sequence[int], reply: Sequence[int]) -> Why:
    """The words and the weights of a question and a reply to it, each of at least one id."""
    words = vocabulary.words
    weights = attention_of(net, question, reply)
    return Why([words[id] for id in question], [words[id] for id in reply], weights)


def attention_of(
    net: Seq2Seq, question: Sequence[int], reply: Sequence[int]
) -> NDArray[np.float32]:
    """Attention of the decoder over a question, teacher-forced.

    Args:
        net: the network.
        question: ids, at least one, S.
        reply: ids, at least one, T; without GO, and with EOS only if its row is wanted.

    Returns:
        Weights [T, S] without padding; row t is what was looked at when `reply[t]` was predicted,
        from GO and the ids before it (Luong et al. 2015, eq. 7), and sums to 1.
    """
    ids = np.asarray([question], np.int32)
    state = net.begin(source_fields(ids, np.asarray([len(question)], np.int32)))
    read = np.asarray([GO, *reply[:-1]], np.int32)
    states, _ = lstm(
        tf.gather(net.embedding, read),
        tf.range(len(read) + 1),
        net.decoder.kernel,
        net.decoder.recurrent,
        net.decoder.bias,
        state.h[:1],
        state.c[:1],
        cudnn=net.cudnn,
    )
    weights = attention_weights(states[None], state.keys[:1], state.mask[:1, None])
    found: NDArray[np.float32] = weights[0, :, : len(question)].numpy()
    return found

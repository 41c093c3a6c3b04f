"""What is mixed with the network's probabilities, where probabilities of all entries are wanted.

Comes in: probabilities by the network, shares, the entries before and the question. Goes out: the
mixture. Plain NumPy; `mixture` has the same for the labels of training, and learns the shares.

The experts beside the network, in the order of their shares: the n-grams, see `ngrams`, and the
words of the question, of which each token is as likely as any other:

    p_question(w | q) = (how often w stands in q) / (tokens of q)

That is a pointer network's part (See, Liu and Manning 2017, "Get to the point", eq. 9) with even
attention in place of a learned one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import PAD
from chatbot.learn.ngrams import Ngrams

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

_NEVER = np.float32(1e-30)
"""The probability, in a logarithm, of what the question does not have."""


def of_question(asked: Ints, entries: Ints) -> Floats:
    """Log-probabilities of entries [N] by their questions, [N, S] with PAD behind, in nats."""
    tokens = (asked != PAD).sum(1, dtype=np.float32)
    there = (asked == entries[:, None]).sum(1, dtype=np.float32)
    found: Floats = np.log(np.maximum(there / tokens, _NEVER))
    return found


def blend(
    probabilities: Floats, shares: Floats, ngrams: Ngrams, contexts: Ints, asked: Ints
) -> None:
    """Puts what the experts say, with their shares, into the probabilities by the network.

    Args:
        probabilities: of all entries, [B, V]; become the mixture.
        shares: those of the experts, [B, experts]; what is left of 1 is the network's.
        ngrams: the counts.
        contexts: the entries before, the earliest first, [B, order - 1].
        asked: the questions with PAD behind, [B, S]; read where their words have a share.
    """
    probabilities *= (1 - shares.sum(1))[:, None]
    ngrams.add(probabilities, shares[:, 0], contexts)
    if shares.shape[1] > 1:
        there = asked != PAD
        each = shares[:, 1] / there.sum(1)
        rows, columns = np.nonzero(there)
        np.add.at(probabilities, (rows, asked[rows, columns]), each[rows])

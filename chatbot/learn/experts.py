"""What the question alone says of the next entry, and the mixture of all that say something.

Comes in: questions; probabilities by the network, shares, the entries before. Goes out:
log-probabilities of labels by the question, and the mixture where probabilities of all entries are
wanted. Plain NumPy; `mixture` mixes those of labels, and learns the shares.

By the question each of its tokens is as likely as any other:

    p_question(w | q) = (how often w stands in q) / (tokens of q)

That is a pointer network's part (See, Liu and Manning 2017, "Get to the point", eq. 9) with even
attention in place of a learned one. Whatever an encoder reads is a token here: separators of turns,
the EOS that stands for no question, and words that `--word-dropout` hides from the network.
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


def of_question(asked: Ints, pairs: Ints, entries: Ints) -> Floats:
    """Log-probabilities of entries by their questions, in nats, [N].

    Args:
        asked: the questions with PAD behind, [B, S].
        pairs: the question of every entry, [N].
        entries: the entries, [N], none of them PAD where it counts.
    """
    tokens = (asked != PAD).sum(1, dtype=np.float32)
    there = np.zeros(len(entries), np.float32)
    for column in asked.T:  # not all at once, which would be as large as N questions
        there += column[pairs] == entries
    found: Floats = np.log(np.maximum(there / tokens[pairs], _NEVER))
    return found


def blend(
    probabilities: Floats, shares: Floats, ngrams: Ngrams, contexts: Ints, asked: Ints
) -> None:
    """Puts what the experts say, with their shares, into the probabilities by the network.

    Args:
        probabilities: of all entries, [B, V]; become the mixture.
        shares: those of the network, of the n-grams and, if its words have one, of the question,
            [B, 2 or 3].
        ngrams: the counts.
        contexts: the entries before, the earliest first, [B, order - 1].
        asked: the questions with PAD behind, [B, S]; read where their words have a share.
    """
    probabilities *= shares[:, :1]
    ngrams.add(probabilities, shares[:, 1], contexts)
    if shares.shape[1] > 2:
        there = asked != PAD
        each = shares[:, 2] / there.sum(1, dtype=np.float32)
        rows, columns = np.nonzero(there)
        np.add.at(probabilities, (rows, asked[rows, columns]), each[rows])

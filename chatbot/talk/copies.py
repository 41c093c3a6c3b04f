"""Whether a reply is one of the training pairs' own, word for word.

Comes in: a token store and the ids of a reply. Goes out: how many training pairs have just this
reply, and where the first of them stands. The store is read once from end to end, a bounded number
of pairs at a time; of most replies only the length is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import indices_of_runs
from chatbot.corpus.store import TokenStore

_CHUNK = 1 << 15
_SEED = 64


class Copies(NamedTuple):
    """Training pairs with one and the same reply.

    Attributes:
        pairs: how many there are.
        place: the file and the line of the first, `talk.tsv:17`; empty for none.
    """

    pairs: int
    place: str


def copies_of(store: TokenStore, reply: Sequence[int]) -> Copies:
    """The training pairs that have this reply.

    Args:
        store: the token store that the bot was trained on.
        reply: ids, without EOS.
    """
    header, wanted = store.header, np.array(reply, np.int64)
    count, least = 0, (-1, -1)
    for pairs in store.parts(0, header.train, _CHUNK):
        alike = np.flatnonzero(pairs.reply_lengths == len(wanted))
        starts = pairs.bounds[1::2][alike]
        replies = pairs.tokens[indices_of_runs(starts, np.full(len(alike), len(wanted)))]
        same = alike[(replies.reshape(len(alike), len(wanted)) == wanted).all(1)]
        places = [tuple(source) for source in pairs.sources[same, :2].tolist()]
        least = min([*places, *([least] if count else [])], default=least)
        count += len(same)
    file, line = least
    return Copies(count, f"{header.files[file]['name']}:{line}" if count else "")


def copied(store: TokenStore, replies: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """How many training pairs have each reply, [replies].

    Replies are compared by numbers of 64 bits made of their ids, so that the store is read once for
    all; that two different ones have the same number is as good as impossible.

    Args:
        store: the token store that the bot was trained on.
        replies: ids, without EOS.
    """
    longest = max(map(len, replies), default=0)
    factors = np.random.default_rng(_SEED).integers(0, 1 << 64, longest + 1, np.uint64)

    def numbers(tokens: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The number of each reply; of those that are longer than any wanted, one of its own."""
        places = np.minimum(indices_of_runs(np.zeros_like(lengths), lengths), longest)
        terms = (tokens.astype(np.uint64) + np.uint64(1)) * factors[places]
        sums = np.append(np.uint64(0), np.cumsum(terms, dtype=np.uint64))
        ends = np.cumsum(lengths)
        found: NDArray[np.uint64] = sums[ends] - sums[ends - lengths] + lengths.astype(np.uint64)
        return found

    wanted = numbers(
        np.array([id for reply in replies for id in reply], np.int64),
        np.array([len(reply) for reply in replies], np.int64),
    )
    distinct, place = np.unique(wanted, return_inverse=True)
    counts = np.zeros(len(distinct), np.int64)
    for pairs in store.parts(0, store.header.train, _CHUNK):
        lengths = pairs.reply_lengths.astype(np.int64)
        tokens = pairs.tokens[indices_of_runs(pairs.bounds[1::2], lengths)]
        there = numbers(tokens, lengths)
        at = np.minimum(np.searchsorted(distinct, there), len(distinct) - 1)
        counts += np.bincount(at[distinct[at] == there], minlength=len(distinct))
    return counts[place]

"""Whether a reply is one of the training pairs' own, word for word.

Comes in: a token store and the ids of replies. Goes out: how many training pairs have just this
reply, and where the first of them stands. A store is read once from end to end, a bounded number of
pairs at a time; where that would take long, once for all, to index it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import found_in
from chatbot.corpus.store import TokenStore
from chatbot.talk import reply_index
from chatbot.talk.reply_index import CHUNK, Copies

INDEXED = 1 << 22
"""Pairs of a store from which on it is indexed; fewer are read in half a second."""


def copies_of(
    store: TokenStore, reply: Sequence[int], index: Path | None = None, least: int = INDEXED
) -> Copies:
    """The training pairs that have this reply.

    Args:
        store: the token store that the bot was trained on.
        reply: ids, without EOS.
        index: a file that a large store's index is kept in, if it can be written.
        least: pairs of a large store.
    """
    if index is not None and store.header.train >= least:
        found = reply_index.find(store, index, reply)
        if found is None:
            with suppress(OSError):
                reply_index.write(store, index)
            found = reply_index.find(store, index, reply)
        if found is not None:
            return found
    (wanted,), count, first = reply_index.numbers_of([reply]), 0, []
    for pairs in store.parts(0, store.header.train, CHUNK):
        places = reply_index.places_in(pairs)[reply_index.numbers_in(pairs) == wanted]
        count += len(places)
        first += [int(places.min())] if len(places) else []
    return Copies(count, reply_index.place_of(store, min(first)) if first else "")


def copied(store: TokenStore, replies: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """How many training pairs have each reply, [replies]; the store is read once for all.

    Args:
        store: the token store that the bot was trained on.
        replies: ids, without EOS.
    """
    distinct, place = np.unique(reply_index.numbers_of(replies), return_inverse=True)
    counts = np.zeros(len(distinct), np.int64)
    for pairs in store.parts(0, store.header.train, CHUNK):
        there, at = found_in(distinct, reply_index.numbers_in(pairs))
        counts += np.bincount(at[there], minlength=len(distinct))
    return counts[place]

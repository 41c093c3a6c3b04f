"""Whether a reply is one of the training pairs' own, word for word.

Comes in: a token store and the ids of a reply. Goes out: how many training pairs have just this
reply, and where the first of them stands. The store is read once from end to end, a bounded number
of pairs at a time; of most replies only the length is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chatbot.corpus.encoded import indices_of_runs
from chatbot.corpus.store import TokenStore

_CHUNK = 1 << 15


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
    count, place = 0, ""
    for first in range(0, header.train, _CHUNK):
        pairs = store.read([(first, min(first + _CHUNK, header.train))])
        alike = np.flatnonzero(pairs.reply_lengths == len(wanted))
        starts = pairs.bounds[1::2][alike]
        replies = pairs.tokens[indices_of_runs(starts, np.full(len(alike), len(wanted)))]
        same = alike[(replies.reshape(len(alike), len(wanted)) == wanted).all(1)]
        if len(same) and not count:
            file, line = pairs.sources[same[0], :2].tolist()
            place = f"{header.files[file]['name']}:{line}"
        count += len(same)
    return Copies(count, place)

"""The pairs that a run is judged by.

Comes in: a token store and an engine. Goes out: their losses. Knows nothing of what follows from
them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.batches import Batch, make_batch
from chatbot.corpus.store import TokenStore
from chatbot.learn.comparison import Judged
from chatbot.learn.engine import Engine
from chatbot.learn.team import Team

MOST = 2_000
"""Pairs that are judged."""

BITS_PER_LOST_CHARACTER = 17
"""What a character costs that the ids of a reply do not give back.

So that no vocabulary can hide what it does not know: about the code length of a character drawn
uniformly from Unicode's assigned ones.
"""

_AT_ONCE = 500


def judged_range(store: TokenStore) -> tuple[int, int]:
    """The pairs to judge by, from the first to one past the last: held out ones, if there are."""
    header = store.header
    if header.held_out:
        return header.train, min(header.pairs, header.train + MOST)
    return 0, min(MOST, header.train)


def judge(store: TokenStore, engine: Engine, max_length: int, team: Team | None = None) -> Judged:
    """The loss of every judged pair under the present weights, nothing left out.

    Each worker of a team judges some of them, and hears what the others found.

    Args:
        store: the pairs.
        engine: the weights.
        max_length: most tokens of a question or reply.
        team: who judges; default: the engine's.
    """
    team = team or engine.team
    begin, end = judged_range(store)
    begin, end = (begin + (end - begin) * n // team.workers for n in (team.index, team.index + 1))
    tokens = 0
    whole, sizes = [np.zeros(0, np.bool_)], [np.zeros((0, 2), np.int64)]

    def batches() -> Iterator[Batch]:
        """The pairs, a bounded number at a time."""
        nonlocal tokens
        for pairs in store.parts(begin, end, _AT_ONCE):
            batch = make_batch(pairs, max_length)
            tokens += int(batch.weights.sum())
            whole.append(pairs.reply_lengths < max_length)
            sizes.append(pairs.sources[:, 2:])
            yield batch

    nats, alone = team.gather(engine.validate(batches()).T).T
    tokens = int(team.gather(np.array([tokens])).sum())
    ends = team.gather(np.concatenate(whole).astype(np.int32)) > 0
    bits = bits_per_character(nats, ends, team.gather(np.concatenate(sizes)))
    return Judged(nats, tokens, float(alone.sum(dtype=np.float64)) / tokens, bits)


def bits_per_character(
    nats: NDArray[np.float32], whole: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> float | None:
    """Bits for each character of replies, one end a reply included; see `talk.evaluation`.

    Args:
        nats: the loss of every pair, [pairs].
        whole: which replies have not been cut; the others do not count, as part of them has no
            loss, [pairs].
        sizes: characters of every reply, and those its ids do not give back, [pairs, 2].

    Returns:
        None if no reply counts.
    """
    if not whole.any():
        return None
    characters, lost = sizes[whole].sum(0)
    total = bits(float(nats[whole].sum(dtype=np.float64)), int(lost))
    return float(total / (characters + whole.sum()))


def bits(nats: float, lost: int) -> float:
    """The bits of replies: their summed loss in nats, and what lost characters cost."""
    return nats / math.log(2) + BITS_PER_LOST_CHARACTER * lost

"""The pairs that a run is judged by.

Comes in: a token store and an engine. Goes out: their losses. Knows nothing of what follows from
them.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatbot.corpus.batches import Batch, make_batch
from chatbot.corpus.store import TokenStore
from chatbot.learn.comparison import Judged
from chatbot.learn.engine import Engine

MOST_BY_HEART = 2_000
"""The first so many training pairs are judged where none are held out."""

_AT_ONCE = 250


def judged_range(store: TokenStore) -> tuple[int, int]:
    """The pairs to judge by, from the first to one past the last: those held out, if any are."""
    header = store.header
    if header.held_out:
        return header.train, header.pairs
    return 0, min(MOST_BY_HEART, header.train)


def judge(store: TokenStore, engine: Engine, max_length: int) -> Judged:
    """The loss of every judged pair under the present weights, nothing left out."""
    begin, end = judged_range(store)
    tokens = 0

    def batches() -> Iterator[Batch]:
        """The pairs, a bounded number at a time."""
        nonlocal tokens
        for first in range(begin, end, _AT_ONCE):
            batch = make_batch(store.read([(first, min(first + _AT_ONCE, end))]), max_length)
            tokens += int(batch.weights.sum())
            yield batch

    nats, alone = engine.validate(batches())
    return Judged(nats, tokens, float(alone.sum(dtype="float64")) / tokens)

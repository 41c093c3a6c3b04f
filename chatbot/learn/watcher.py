"""Who looks at a run while it trains.

Comes in: what the run records, and the losses of its validations. Goes out: records to add. What
looks is no business of the training loop: see `talk.watching`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from chatbot.history import Record
from chatbot.learn.comparison import Judged
from chatbot.memory import release_all


class Watcher(Protocol):
    """Looks at a run, and changes nothing of it."""

    def see(self, record: Record) -> None:
        """Is given every record that goes into the history."""

    def __call__(self, judged: Judged) -> Iterator[Record]:
        """Is asked after every validation; of the same weights it must say the same again."""
        ...


def watched(watch: Watcher | None, judged: Judged) -> Iterator[Record]:
    """What whoever watches has to say; the memory that took is given back before training."""
    if watch is None:
        return
    yield from watch(judged)
    release_all()

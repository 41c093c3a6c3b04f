"""What a run writes: its history, and whatever else has to come to disk.

Comes in: records, and functions that write. Goes out: the same records, when they are on disk; a
pause, when the disk is full. Knows nothing of what is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from chatbot.errors import NO_ROOM, ChatbotError, NoRoomError
from chatbot.folder import ModelFolder, sync
from chatbot.history import Record, append, drop_after, read

RETRY_SECONDS = 10.0
"""How long a run waits on a full disk before it tries to write again."""

T = TypeVar("T")


class Journal:
    """The writing of one run.

    Attributes:
        waited: seconds that it has waited for room so far.
    """

    def __init__(self, folder: ModelFolder, stop: Callable[[], str | None]) -> None:
        """Takes where to write, and what is asked whether the run shall end."""
        self.waited = 0.0
        self._folder, self._stop = folder, stop

    def drop_after(self, step: int, *, extending: bool = False) -> None:
        """Removes what was recorded after a step; see `history.drop_after`.

        Raises:
            ChatbotError: the history cannot be written.
        """
        with self._writing():
            drop_after(self._folder.history, step, extending=extending)

    def lacks(self, note: str) -> bool:
        """Whether a roll-back of which this was said, if it was, is not recorded."""
        return bool(note) and all(one.get("note") != note for one in read(self._folder.history))

    def sync(self) -> None:
        """Waits until the history is on disk; raises what `drop_after` does."""
        with self._writing():
            if self._folder.history.exists():
                sync(self._folder.history)

    def log(self, record: Record, **shown: Any) -> Iterator[Record]:  # noqa: ANN401 - its fields
        """Adds a record to the history, and gives it with what is only shown.

        Raises what `insist` does.
        """

        def write() -> None:
            """Adds it."""
            with self._writing():
                append(self._folder.history, record)

        yield from self.insist(write, record)
        yield replace(record, **shown)

    def insist(self, write: Callable[[], T], about: Record) -> Generator[Record, None, T]:
        """Writes; while the disk is full waits with all that is in memory, and tries again.

        Args:
            write: what writes.
            about: a record of this moment, that a pause is dated by.

        Raises:
            NoRoomError: there is still no room when the run is asked to stop.
            ChatbotError: it cannot be written for another reason.
        """
        waiting = False
        while True:
            try:
                return write()
            except NoRoomError as error:
                if self._stop():
                    raise
                if not waiting:
                    note = str(error).partition(". Make room")[0]
                    yield Record("pause", about.step, seconds=about.seconds, note=note)
                waiting = True
            began = time.monotonic()
            while time.monotonic() - began < RETRY_SECONDS and not self._stop():
                time.sleep(min(0.2, RETRY_SECONDS))
            self.waited += time.monotonic() - began

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tells of a history that cannot be written in one line."""
        try:
            yield
        except OSError as error:
            kind = NoRoomError if error.errno in NO_ROOM else ChatbotError
            raise kind(
                f"{self._folder.history}: cannot be written ({error.strerror}). Make room or mend "
                "the folder, then run the same command: it resumes from the last checkpoint."
            ) from error


class Unwritten(Journal):
    """That of a worker that is not the chief: records pass, and nothing is written."""

    def drop_after(self, step: int, *, extending: bool = False) -> None:
        """Does nothing."""

    def lacks(self, note: str) -> bool:
        """Says no: what lacks here is not to be recorded."""
        return False

    def sync(self) -> None:
        """Does nothing."""

    def log(self, record: Record, **shown: Any) -> Iterator[Record]:  # noqa: ANN401 - its fields
        """Gives the record with what is only shown."""
        yield replace(record, **shown)

    def insist(self, write: Callable[[], T], about: Record) -> Generator[Record, None, T]:
        """Asks once."""
        yield from ()
        return write()

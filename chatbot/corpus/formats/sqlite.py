"""SQLite databases with a table of questions and replies.

Comes in: a text whose file is a database. Goes out: a conversation of two turns for every row. The
database is opened for reading only and is never written to.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from chatbot.corpus.files.encodings import UTF8
from chatbot.corpus.files.mending import Faults, replaced
from chatbot.corpus.files.text import DATABASE, Sample, Text
from chatbot.corpus.formats.base import (
    NO_ANSWER,
    NOTHING,
    Conversation,
    Evidence,
    Format,
)
from chatbot.corpus.formats.headings import MISSING, roles
from chatbot.corpus.formats.rows import named_columns, numbered_columns
from chatbot.errors import ChatbotError

_CHATTERBOT = ("in_response_to", "text")
_SHOWN = 8

_Value = bytes | float | None


class _Table(NamedTuple):
    """A table or view, and its columns."""

    name: str
    columns: Sequence[str]

    def __str__(self) -> str:
        """As a message shows it."""
        return f"{self.name}({', '.join(self.columns)})"


class Sqlite(Format):
    """A table has a column of questions and one of replies; every row is a pair.

    The columns are known by the same names as in CSV files: `ask` and `answer`, `question` and
    `answer`, `prev` and `next`, `title` and `reply`, `问题` and `回答` and many more; also by those
    of the program ChatterBot, `in_response_to` and `text`. Other columns may stand beside them.
    `--columns title,body` or `--columns 2,3` says which two are meant. All tables (and views) that
    have both are read, in the order of their names. NULL is an empty side. The line of a pair is
    the number of its row, also where bytes that are not text are reported.
    """

    name = "sqlite"
    title = "SQLite database"
    examples = ()

    def evidence(self, sample: Sample) -> Evidence:
        """Certain of a file that begins as SQLite's do."""
        return Evidence(1.0, "SQLite says so") if sample.head.startswith(DATABASE) else NOTHING

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every row that has a question and a reply.

        Raises:
            ChatbotError: the database is damaged, in use, or has no such table.
        """
        text.faults = Faults()
        with text.on_disk() as path:
            _refuse_unwritten(text.name, path)
            _refuse_cut_off(text.name, path)
            try:
                uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
                with closing(sqlite3.connect(uri, uri=True)) as database:
                    database.text_factory = self._decoded
                    chosen = self._chosen(database, text.name)
                    database.text_factory = bytes
                    for table, question, answers in chosen:
                        found = _values(database, table, (question, *answers))
                        yield from self._rows(found, text.faults, skipped)
            except sqlite3.Error as error:
                raise _unreadable(text.name, str(error)) from error

    def _chosen(
        self, database: sqlite3.Connection, name: str
    ) -> list[tuple[_Table, int, Sequence[int]]]:
        """The tables to read, each with the columns of its question and of its answers."""
        tables = _tables(database)
        chosen = [(table, *found) for table in tables if (found := self._columns(table.columns))]
        if not chosen:
            wanted = self.reading.columns or "a question and a reply"
            shown = "; ".join(str(table) for table in tables[:_SHOWN]) or "there is none"
            raise ChatbotError(
                f"{name}: no table has columns for {wanted} ({shown}). Say which two with "
                "--columns, e.g. --columns title,body."
            )
        return chosen

    def _columns(self, names: Sequence[str]) -> tuple[int, Sequence[int]] | None:
        """The columns, from 0, of the question and of its answers."""
        if self.reading.columns is not None:
            two = numbered_columns(self.reading.columns) or named_columns(
                self.reading.columns, names
            )
            return (two[0], two[1:]) if two and max(two) < len(names) else None
        if two := named_columns(",".join(_CHATTERBOT), names):
            return two[0], two[1:]
        found = roles(names)
        if found.question is None or not found.answers:
            return None
        return found.question, found.answers

    def _rows(
        self, found: Iterator[Sequence[_Value]], faults: Faults, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        for row, values in enumerate(found, 1):
            asked, *replies = (self._text(value, row, faults) for value in values)
            for place, reply in enumerate(replies):
                if reply.strip() in MISSING:
                    skipped[NO_ANSWER] += 1
                elif reply or not place:
                    yield Conversation((asked, reply), (row, row))

    def _text(self, value: _Value, row: int, faults: Faults) -> str:
        if not isinstance(value, bytes):
            return "" if value is None else str(value)
        try:
            return value.decode(self._encoding)
        except UnicodeDecodeError:
            return replaced(value, self._encoding, row, 0, faults)

    def _decoded(self, name: bytes) -> str:
        return name.decode(self._encoding, "replace")

    @property
    def _encoding(self) -> str:
        return self.reading.encoding or UTF8


def _values(
    database: sqlite3.Connection, table: _Table, places: Sequence[int]
) -> Iterator[Sequence[_Value]]:
    """The values that every row has in some columns."""
    columns = ", ".join(_quoted(table.columns[place]) for place in places)
    return database.execute(f"SELECT {columns} FROM {_quoted(table.name)}")


def _tables(database: sqlite3.Connection) -> list[_Table]:
    """All tables and views but SQLite's own, by name."""
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [
        _Table(name, [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(name)})")])
        for (name,) in names.fetchall()
    ]


def _refuse_unwritten(name: str, path: Path) -> None:
    """Refuses a database whose latest changes stand in a file beside it."""
    for log in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
        if log.is_file() and _first_byte(log) not in (b"", b"\0"):
            raise ChatbotError(
                f"{name}: its latest changes are still in {log.name}. Close the program that uses "
                "the database, or run: sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'"
            )


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def _refuse_cut_off(name: str, path: Path) -> None:
    """Refuses a database shorter than its header says; SQLite would read zeros for the rest.

    The header has the size of a page at byte 16 (1 stands for 65,536) and the number of pages at
    byte 28, which holds if the numbers at bytes 24 and 92 are equal (sqlite.org/fileformat.html).
    """
    with path.open("rb") as file:
        header = file.read(100)
    wanted = 512
    if len(header) == 100 and header[24:28] == header[92:96]:
        page = int.from_bytes(header[16:18], "big")
        wanted = int.from_bytes(header[28:32], "big") * (65_536 if page == 1 else page)
    if (size := path.stat().st_size) < wanted:
        raise _unreadable(name, f"{size:,} of {wanted:,} bytes are there")


def _unreadable(name: str, reason: str) -> ChatbotError:
    return ChatbotError(
        f"{name}: the database cannot be read ({reason}). Rescue what is in it: sqlite3 FILE "
        ".recover | sqlite3 mended.db"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

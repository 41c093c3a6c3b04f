"""Rows of fields from lines: delimiters, quotes, and the columns that the user asks for.

Comes in: numbered lines. Goes out: rows with the line each begins in. A quoted field may go over
several lines; a quote that never closes spoils its own line only. Knows nothing of what the columns
mean.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence

from chatbot.errors import ChatbotError

Lines = Iterator[tuple[int, str]]
Rows = Iterator[tuple[int, list[str]]]

MOST_LINES = 1_000
"""Lines that one quoted record may have; beyond them its first quote counts as a letter."""

MOST_CHARACTERS = 1 << 22
"""Characters that one quoted record of several lines, or one quoted field, may have, likewise."""

_DECLARED = re.compile(r'\ufeff?"?sep=([,;\t|])"?\s*', re.IGNORECASE)


def declared_delimiter(line: str) -> str | None:
    r"""The delimiter that a first line such as `sep=;` names, as Excel reads it; None in others.

    >>> declared_delimiter("sep=;\r"), declared_delimiter("sep;1")
    (';', None)
    """
    found = _DECLARED.fullmatch(line)
    return found[1] if found else None


def after_declaration(lines: Lines) -> Lines:
    """The lines without a first one that names the delimiter: it is no row."""
    first = next(lines, None)
    if first is None or declared_delimiter(first[1]) is not None:
        return lines
    return itertools.chain((first,), lines)


def rows(lines: Lines, delimiter: str, quoted: bool) -> Rows:
    """The rows of a table, blank lines between them and one that names the delimiter left out.

    Args:
        lines: (number from 1, line).
        delimiter: one character.
        quoted: whether a field that begins with `"` ends at the next single `"`, with `""` for a
            quote inside (RFC 4180). A line in which that does not work out is taken literally.
    """
    csv.field_size_limit(MOST_CHARACTERS)
    source = _Source(after_declaration(lines))
    for number, line in source:
        if quoted and '"' in line:
            yield number, source.record(line, delimiter)
        elif line and not line.isspace():
            yield number, line.split(delimiter)


class _Source:
    """Lines that can be given back."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._back: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._back.popleft() if self._back else next(self._lines)

    def record(self, line: str, delimiter: str) -> list[str]:
        """The record that begins in a line, with as many of the following ones as it needs."""
        taken: list[tuple[int, str]] = []
        reader = csv.reader(
            self._taking(line, taken), delimiter=delimiter, strict=True, skipinitialspace=True
        )
        try:
            return next(reader)
        except csv.Error:
            self._back.extendleft(reversed(taken))
            return line.split(delimiter)

    def _taking(self, line: str, taken: list[tuple[int, str]]) -> Iterator[str]:
        size = len(line)
        yield _without_returns(line)
        for following in self:
            taken.append(following)
            size += len(following[1])
            if len(taken) >= MOST_LINES or size > MOST_CHARACTERS:
                return
            yield _without_returns(following[1])


def _without_returns(line: str) -> str:
    """The line for the csv module, to which a carriage return behind a quote would be a letter."""
    return line.removesuffix("\r").replace("\r", " ") + "\n"


def numbered_columns(columns: str) -> tuple[int, int] | None:
    """The two columns, from 0, that `--columns` gives by number; None if it gives names.

    Raises:
        ChatbotError: a number is 0.
    """
    first, second = (part.strip() for part in columns.split(","))
    if not (first.isdecimal() and second.isdecimal()):
        return None
    if not int(first) or not int(second):
        raise ChatbotError(f"--columns {columns}: columns are counted from 1. Give two from 1 up.")
    return int(first) - 1, int(second) - 1


def named_columns(columns: str, header: Sequence[str]) -> tuple[int, int] | None:
    """The two columns, from 0, that `--columns` gives by name; None if one is not in the header."""
    names = [_key(cell) for cell in header]
    first, second = (_key(part) for part in columns.split(","))
    if first not in names or second not in names:
        return None
    return names.index(first), names.index(second)


def no_column(where: str, columns: str, header: Sequence[str]) -> ChatbotError:
    """What to say if `--columns` gives names that are not those of the first row."""
    names = [_key(cell) for cell in header]
    missing = next(part.strip() for part in columns.split(",") if _key(part) not in names)
    return ChatbotError(
        f"{where}:1: --columns {columns}: no column is named {missing!r}; the first row reads "
        f"{first_row(header)}. Give two of these names, or two numbers from 1."
    )


def shown(cell: str) -> str:
    """A cell of a first row as messages show it."""
    return " ".join(cell.strip().strip('"').split())[:40]


def first_row(header: Sequence[str]) -> str:
    """A first row as messages show it."""
    return ", ".join(map(shown, header[:12])) + ", …" * (len(header) > 12)


def too_few_columns(where: str, columns: str, most: int, header: Sequence[str]) -> ChatbotError:
    """What to say if no row reaches the columns that `--columns` gives by number."""
    return ChatbotError(
        f"{where}: --columns {columns}: no line has that many columns; the most are {most}; "
        f"the first row reads {first_row(header)}. Give two numbers from 1 to {most}."
    )


def _key(cell: str) -> str:
    return cell.strip().strip('"').casefold()

"""A place in a JSON text of any size, of which only a window is in memory.

Comes in: pieces of text. Goes out: the next character, the value that begins there, and where the
next line of a certain beginning is. Knows nothing of arrays, objects or records.

A value is decoded by the standard library from the window. Where the window ends inside the value,
it grows to twice its size and the value is decoded anew: at most twice the work in all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum, auto

LARGEST = 16 << 20
"""Characters of the largest value that is decoded."""

_SPACE = re.compile("[ \t\n\r\ufeff]*")
_BEGUN = re.compile(r"(?:[-+.\deE]*|-?I[nfity]*|Na?|t[ru]*|f[als]*|n[ul]*|\\?u?[\da-fA-F]*)\s*\Z")
"""The rest of a window that ends in a number, a literal or an escape, or in nothing."""

_NUMBER = re.compile(r"[-+.\deE]*\Z")
_FOREIGN = r"{}(?!true|false|null|NaN|Infinity)[^\s\[\]{{}},:\"\d-]"
_DEEPEST_INDENT = 64


class Failure(Enum):
    """Why a value cannot be decoded."""

    DAMAGED = auto()
    CUT_OFF = auto()
    """the text ends inside it"""
    TOO_LARGE = auto()


class FailedError(Exception):
    """A value cannot be decoded; the cursor still stands at its beginning."""

    def __init__(self, failure: Failure) -> None:
        """Says why."""
        super().__init__(failure)
        self.failure = failure


class JsonCursor:
    """Stands at a character of a JSON text; moves forward only.

    Attributes:
        line: the line it stands in, from 1.
    """

    def __init__(self, blocks: Iterator[str]) -> None:
        """Stands at the beginning of the text that `blocks` gives in pieces."""
        self._blocks = blocks
        self._decoder = json.JSONDecoder(strict=False)
        self._window, self._at = "", 0
        self._ended = self._dropped = False
        self.line = 1

    def peek(self) -> str:
        """Moves over blanks; the character there, or nothing at the end of the text."""
        while True:
            match = _SPACE.match(self._window, self._at)
            self.move(match.end() if match else self._at)
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._grow():
                return ""

    def peek_second(self) -> str:
        """The character after the one here and blanks; nothing at the end of the text."""
        while True:
            match = _SPACE.match(self._window, self._at + 1)
            place = match.end() if match else len(self._window)
            if place < len(self._window):
                return self._window[place]
            if not self._grow():
                return ""

    def step(self) -> None:
        """Moves over the character here."""
        self.move(self._at + 1)

    def move(self, place: int) -> None:
        """Moves to a place in the window, as `decode` gave it."""
        self.line += self._window.count("\n", self._at, place)
        self._at = place

    def decode(self, limit: int = LARGEST) -> tuple[object, int]:
        """The value that begins here, and the place after it; does not move.

        Raises:
            FailedError: it is damaged, cut off, or longer than `limit` characters.
        """
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except (ValueError, RecursionError) as error:
                if not self._unfinished(error):
                    raise FailedError(Failure.DAMAGED) from error
                length = len(self._window) - self._at
                if self._ended and length <= limit:
                    raise FailedError(Failure.CUT_OFF) from error
            else:
                length = end - self._at
                if length <= limit and not self._goes_on(value, end):
                    return value, end
            if length > limit:
                raise FailedError(Failure.TOO_LARGE)
            self._grow()

    def _unfinished(self, error: Exception) -> bool:
        """Whether more text might make a value of what could not be decoded."""
        return isinstance(error, json.JSONDecodeError) and (
            error.msg.startswith("Unterminated")
            or _BEGUN.match(self._window, error.pos) is not None
        )

    def _goes_on(self, value: object, end: int) -> bool:
        """Whether a value may be a number of which the window has but the beginning."""
        number = isinstance(value, int | float) and not self._ended
        return number and _NUMBER.match(self._window, end) is not None

    def line_start(self) -> str | None:
        """The line end, indent and character here, to `seek` a line like this one.

        None if something else stands before in this line.
        """
        start = self._window.rfind("\n", max(0, self._at - _DEEPEST_INDENT - 1), self._at)
        if start < 0 and (self._dropped or self._at > _DEEPEST_INDENT):
            return None
        indent = self._window[start + 1 : self._at].removeprefix("\ufeff")
        return None if indent.strip(" \t") else f"\n{indent}{self._window[self._at]}"

    def seek(self, start: str | None) -> int | None:
        """Moves to the last character of the next `start`; to the end if there is none.

        Returns:
            How many lines with this indent were passed that can be no JSON; None at the end.
        """
        foreign, strange = 0, re.compile(_FOREIGN.format(re.escape((start or "\n")[:-1])))
        while True:
            found = self._window.find(start, self._at) if start else -1
            end = found if found >= 0 else len(self._window)
            if start and len(start) > 1:
                foreign += len(strange.findall(self._window, self._at, end))
            if start and found >= 0:
                self.move(found + len(start) - 1)
                return foreign
            if self._ended:
                self.move(end)
                return None
            self.move(max(self._at, end - len(start or "\n") + 1))
            self._grow()

    def lines_since(self, line: int) -> int:
        """How many lines there are from a line to the end of the text, where the cursor stands."""
        return self.line - line + (not self._window.endswith("\n"))

    def _grow(self) -> bool:
        """Reads on until what lies ahead has doubled; whether there was more.

        Lets go of what lies behind but for the indent of this line.
        """
        wanted, pieces = max(1, len(self._window) - self._at), []
        while wanted > 0 and not self._ended:
            piece = next(self._blocks, None)
            if piece is None:
                self._ended = True
            else:
                pieces.append(piece)
                wanted -= len(piece)
        behind = max(0, self._at - _DEEPEST_INDENT - 1)
        self._dropped |= behind > 0
        self._window = "".join([self._window[behind:], *pieces])
        self._at -= behind
        return bool(pieces)

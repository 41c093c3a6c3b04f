"""JSON of any size -> its records, one at a time, in bounded memory.

Comes in: a text that is one JSON value, or several after each other (JSON lines). Goes out: the
records inside, each with its line. Knows nothing of what a record means: a function tells which
objects are records and which only hold records.

Arrays of arrays or of objects, and objects that are no records, are entered and never held whole,
so a file that is one array on one line reads like JSON lines. A damaged record is counted and
passed over if a later line begins as it does (same indent, same bracket); otherwise the rest of
the file is given up, and counted. Forgotten and superfluous commas do no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from chatbot.corpus.formats.json_cursor import FailedError, Failure, JsonCursor
from chatbot.errors import ChatbotError

NOT_JSON = "not JSON"
CUT_OFF = "cut off"

_ENTERED = 1 << 20
"""Characters from which an object is entered though it may be a record."""

_DEEPEST = 8
"""Arrays and objects in each other that are entered; what lies deeper is read whole."""

_MOST_MEMBERS = 30
"""Members remembered of an object that is entered."""

Json = Any
"""What `json` makes of a text: dict, list, str, int, float, bool or None."""


class Record(NamedTuple):
    """A JSON value and where it stands."""

    value: Json
    line: int
    """the line of the file where it begins, from 1"""
    key: str | None
    """its name, if it is a member of an object"""
    arrays: int
    """how many arrays stand around it"""
    group: tuple[int, int]
    """the same for records of one array with no damaged place between them"""


class _Place(NamedTuple):
    """What surrounds a value."""

    key: str | None
    arrays: int
    depth: int
    array: int
    line_start: str | None
    """how the line of a member begins, as its value does not begin one"""


class _LostError(Exception):
    """The rest of the file is given up, and has been counted."""


class JsonStream:
    """The records of a JSON text."""

    def __init__(
        self,
        name: str,
        blocks: Iterator[str],
        skipped: Counter[str],
        whole: Callable[[dict[str, Json]], bool] | None,
        *,
        partial: bool = False,
    ) -> None:
        """Prepares to read; `records` does it, once.

        Args:
            name: what messages call the file.
            blocks: its text in pieces.
            skipped: counts what is damaged, by reason.
            whole: whether an object is a record. Those that are none are entered, and so is an
                object over 1 MiB, which is then a record at most of its members that are texts.
                None: no object is a record, but every member of one is.
            partial: the text is a sample; an object that is cut off is entered.
        """
        self._name, self._skipped = name, skipped
        self._whole, self._partial = whole, partial
        self._cursor = JsonCursor(blocks)
        self._arrays = self._breaks = 0

    def records(self) -> Iterator[Record]:
        """The records in the order of the file.

        Raises:
            ChatbotError: a record is longer than 16 MiB.
        """
        try:
            while char := self._cursor.peek():
                if char == ",":
                    self._cursor.step()
                elif char in "[{":
                    yield from self._value(_Place(None, 0, 0, 0, None))
                else:
                    self._skipped[NOT_JSON] += 1
                    self._breaks += 1
                    self._cursor.seek("\n")
        except _LostError:
            return

    def _value(self, place: _Place) -> Iterator[Record]:
        """The records in the value that begins here."""
        char = self._cursor.peek()
        if place.depth < _DEEPEST:
            second = self._cursor.peek_second() if char == "[" else ""
            empty_member = second == "]" and place.key is not None  # as "test": [] of splits
            if empty_member or (second and second in "[{"):
                yield from self._array(place)
                return
            if char == "{":
                yield from self._record_or_object(place)
                return
        try:
            value, end = self._cursor.decode()
        except FailedError as error:
            self._recover(error.failure, place)
            return
        yield self._record(value, place)
        self._cursor.move(end)

    def _record_or_object(self, place: _Place) -> Iterator[Record]:
        """An object that is a record, or the records in it."""
        if self._whole is not None:
            try:
                value, end = self._cursor.decode(_ENTERED)
            except FailedError as error:
                large = error.failure is Failure.TOO_LARGE
                if not large and not (self._partial and error.failure is Failure.CUT_OFF):
                    self._recover(error.failure, place)
                    return
            else:
                if isinstance(value, dict) and self._whole(value):
                    yield self._record(value, place)
                    self._cursor.move(end)
                    return
        yield from self._object(place)

    def _array(self, place: _Place) -> Iterator[Record]:
        self._arrays += 1
        inside = _Place(None, place.arrays + 1, place.depth + 1, self._arrays, None)
        self._cursor.step()
        while (char := self._cursor.peek()) != "]":
            if not char:
                self._lose(Failure.CUT_OFF, self._cursor.line)
            if char == ",":
                self._cursor.step()
            else:
                yield from self._value(inside)
        self._cursor.step()

    def _object(self, place: _Place) -> Iterator[Record]:
        """The records in the members; and what is left of the object, if that is one or has none.

        In what is left, an array of an empty one stands for whatever was read from a member.
        """
        own, found = self._record({}, place), False
        self._cursor.step()
        while (char := self._cursor.peek()) != "}":
            if not char:
                self._lose(Failure.CUT_OFF, self._cursor.line)
            if char == ",":
                self._cursor.step()
                continue
            start = self._cursor.line_start()
            key = self._key(place._replace(line_start=start))
            if key is None:
                continue
            for record in self._member(_Place(key, place.arrays, place.depth + 1, 0, start)):
                if self._whole is None or isinstance(record.value, dict | list):
                    found = True
                    yield record
                if len(own.value) < _MOST_MEMBERS and not isinstance(record.value, int | float):
                    own.value[key] = record.value if isinstance(record.value, str) else [[]]
        self._cursor.step()
        if not found or (self._whole is not None and self._whole(own.value)):
            yield own

    def _key(self, place: _Place) -> str | None:
        """The name of the member that begins here; None if there was none and another was found."""
        try:
            if self._cursor.peek() != '"':
                raise FailedError(Failure.DAMAGED)
            key, end = self._cursor.decode()
        except FailedError as error:
            self._recover(error.failure, place)
            return None
        self._cursor.move(end)
        if (char := self._cursor.peek()) == ":":
            self._cursor.step()
            return str(key)
        self._recover(Failure.DAMAGED if char else Failure.CUT_OFF, place)
        return None

    def _member(self, place: _Place) -> Iterator[Record]:
        if self._cursor.peek():
            whole = self._whole is None  # however deep it goes
            yield from self._value(place._replace(depth=_DEEPEST) if whole else place)
        else:
            self._lose(Failure.CUT_OFF, self._cursor.line)

    def _record(self, value: Json, place: _Place) -> Record:
        group = (place.array, self._breaks)
        return Record(value, self._cursor.line, place.key, place.arrays, group)

    def _recover(self, failure: Failure, place: _Place) -> None:
        """Moves to the next value like the failed one here, or gives up the rest."""
        line = self._cursor.line
        if failure is Failure.TOO_LARGE:
            raise ChatbotError(
                f"{self._name}:{line}: the JSON value that begins here is longer than 16 MiB. "
                "Give each conversation its own array or object."
            )
        start = place.line_start or self._cursor.line_start()
        if start is not None and start[-1] not in '[{"':
            start = "\n"
        foreign = self._cursor.seek(start)
        if foreign is None:
            self._lose(failure, line)
        self._skipped[NOT_JSON] += 1 + foreign
        self._breaks += 1

    def _lose(self, failure: Failure, line: int) -> NoReturn:
        """Counts what is left of the file and ends the reading."""
        self._cursor.seek(None)
        rest = self._cursor.lines_since(line)
        if failure is Failure.CUT_OFF:
            self._skipped[CUT_OFF] += 1
        elif rest <= 1:
            self._skipped[NOT_JSON] += 1
        else:
            self._skipped[f"{NOT_JSON} from line {line:,} on"] += rest
        raise _LostError

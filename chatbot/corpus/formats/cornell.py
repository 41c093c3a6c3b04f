"""The two files of the Cornell Movie-Dialogs Corpus, and others of their shape.

Comes in: the file of conversations; the file of lines is looked for beside it. Goes out:
conversations. The lines are put into a temporary database on disk, so both may be of any size.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import (
    WRONG_FIELDS,
    Conversation,
    Evidence,
    Example,
    Format,
)
from chatbot.corpus.formats.names import renamed, turned
from chatbot.corpus.formats.shape import weighed
from chatbot.corpus.formats.turns import RepliesBy, Turns
from chatbot.errors import ChatbotError

NO_LINE = "line id not found"
TWICE = "line id given twice"

_BETWEEN = "+++$+++"
_IDS = re.compile(r"\s*[\[(](.*)[\])]\s*", re.DOTALL)
_ID = re.compile(r"""[^\s,'"]+""")
_LINES = {
    "conversations": ("lines",),
    "conversation": ("line", "lines"),
    "convs": ("lines",),
    "dialogs": ("lines",),
    "dialogues": ("lines",),
}
_CONVERSATIONS = turned(_LINES)


def lines_names(name: str) -> list[str]:
    """The names that the file of lines may have if a file of this name has the conversations.

    >>> lines_names("movie_conversations.txt")
    ['movie_lines.txt']
    """
    return renamed(name, _LINES)


def conversations_names(name: str) -> list[str]:
    """The names that the file of conversations may have if a file of this name has the lines.

    >>> conversations_names("movie_lines.tsv")[0]
    'movie_conversations.tsv'
    """
    return renamed(name, _CONVERSATIONS)


class Cornell(Format):
    """One file has the lines of films, another lists which lines are a conversation.

    Fields are parted by ` +++$+++ `. A line has its id in the first field, the speaker in the
    second and the last but one, and the text in the last; a conversation has the ids in the last,
    as `['L194', 'L195']` or `[0, 1]`. The files stand in one folder and are called
    `movie_lines.txt` and `movie_conversations.txt`, or otherwise with `lines` and `conversations`
    in their names. An id without its line is counted as "line id not found", and the conversation
    begins anew after it. `--replies-by` takes a speaker's id or name.
    """

    name = "cornell"
    title = "Cornell movie dialogs"
    examples = (
        Example(
            {
                "movie_conversations.txt": "u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L1', 'L2', 'L3']\n",
                "movie_lines.txt": "L3 +++$+++ u0 +++$+++ m0 +++$+++ BIANCA +++$+++ Good night!\n"
                "L2 +++$+++ u2 +++$+++ m0 +++$+++ CAMERON +++$+++ Sleep well.\n"
                "L1 +++$+++ u0 +++$+++ m0 +++$+++ BIANCA +++$+++ It is late.\n",
            },
            [("It is late.", "Sleep well."), ("Sleep well.", "Good night!")],
        ),
    )

    def companions(self, name: str) -> Sequence[str]:
        """The names of the file of lines."""
        return lines_names(name)

    def openers(self, name: str) -> Sequence[str]:
        """The names of the file of conversations."""
        return conversations_names(name)

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines with such fields of which the last lists ids."""
        lines = [line for line in sample.lines if line.strip()]
        fits = sum(_ids(line) is not None for line in lines)
        what = f"have fields parted by {_BETWEEN} and a list of ids in the last"
        return weighed(0.98, fits, len(lines), what)

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The conversations, each turn with the number of its line in the file of lines.

        Raises:
            ChatbotError: there is no file of lines beside the text, or the disk is full.
        """
        names = lines_names(text.short_name)
        lines = text.beside(names)
        if lines is None:
            looked = ", ".join(names) or "this one has no 'conversations' in its name"
            raise ChatbotError(
                f"{text.name}: the lines of its conversations are not beside it ({looked}). Put "
                "movie_lines.txt there, and call this file movie_conversations.txt."
            )
        by = RepliesBy(self.reading)
        try:
            with closing(_index(lines, skipped)) as index:
                yield from _conversations(text, index, by, skipped)
        except sqlite3.Error as error:
            raise ChatbotError(
                f"{lines.name}: its lines cannot be put in order on disk ({error}). Make room in "
                "the folder for temporary files, or set TMPDIR to another."
            ) from error
        by.check(text.name)


def _fields(line: str, count: int = -1) -> list[str]:
    return [field.strip() for field in line.split(_BETWEEN, count - 1 if count > 0 else -1)]


def _ids(line: str) -> list[str] | None:
    """The ids that a line of the conversations lists; None if it lists none."""
    fields = _fields(line)
    match = _IDS.fullmatch(fields[-1])
    return _ID.findall(match[1]) if match and len(fields) > 1 else None


def _index(lines: Text, skipped: Counter[str]) -> sqlite3.Connection:
    """A database of the lines by their ids, in a temporary file that nobody sees."""
    index = sqlite3.connect("")
    index.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "CREATE TABLE lines (id TEXT PRIMARY KEY, speaker TEXT, called TEXT, text TEXT, line INT)"
        " WITHOUT ROWID"
    )
    for row in _rows(lines, skipped):
        new = index.execute("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?)", row).rowcount
        if not new:
            skipped[TWICE] += 1
    return index


def _rows(lines: Text, skipped: Counter[str]) -> Iterator[tuple[str, str, str, str, int]]:
    """The lines as rows; the first one says how many fields there are."""
    count = 0
    for number, line in lines.lines():
        if not line.strip():
            continue
        count = count or line.count(_BETWEEN) + 1
        fields = _fields(line, count)
        if len(fields) != count or count < 2:
            skipped[WRONG_FIELDS] += 1
            continue
        speaker = fields[1] if count > 2 else ""
        called = fields[-2] if count > 3 else speaker
        yield fields[0], speaker, called, fields[-1], number


def _conversations(
    text: Text, index: sqlite3.Connection, by: RepliesBy, skipped: Counter[str]
) -> Iterator[Conversation]:
    turns = Turns(skipped)
    for _, line in text.lines():
        ids = _ids(line)
        if ids is None:
            if line.strip():
                skipped[WRONG_FIELDS] += 1
            continue
        for key in ids:
            row = index.execute(
                "SELECT speaker, called, text, line FROM lines WHERE id = ?", (key,)
            ).fetchone()
            if row is not None:
                speaker, called, said, number = row
                turns.add(said, number, not speaker or by(called, speaker))
                if turns.full:
                    yield turns.piece()
                continue
            skipped[NO_LINE] += 1
            if one := turns.end():
                yield one
        if one := turns.end():
            yield one

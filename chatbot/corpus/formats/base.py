"""What a reader of a format is: a class that recognises its files and reads them.

Comes in: a `Text`, that is, a file with its encoding settled. Goes out: conversations, and counts
of what was skipped, by reason. Knows nothing of compression, of bytes, of normalisation or of
words.

To add a format: write one subclass of `Format` and list it in `formats/__init__.py`. Its docstring
and examples become its section in docs/formats.md, and every example is read back by a test.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import Sample, Text

WRONG_FIELDS = "wrong number of fields"
NO_ANSWER = "missing answer"
NO_REPLY = "conversation of one turn"
NO_CONVERSATION = "not a conversation"


class Conversation(NamedTuple):
    """The turns of one conversation, as they stand in the file.

    Turn i answers turn i - 1. A turn that opens a conversation answers nothing; some formats say of
    other turns too that they are not replies to be learned (a user's turn before a marked reply).
    """

    turns: Sequence[str]
    lines: Sequence[int]
    """where each turn stands: its line, or row, from 1"""
    replies: Sequence[bool] | None = None
    """whether each turn is a reply; None: all but the first are"""


class Evidence(NamedTuple):
    """How sure a reader is that a file is in its format, and why."""

    sureness: float
    """0 (it is not) to 1; below 0.5 the file is not taken"""
    reason: str
    """a clause that a user can check: "998 of 1,000 lines have one TAB between two texts" """


NOTHING = Evidence(0.0, "")


class Example(NamedTuple):
    """A small file in a format and the pairs that must come of it, for docs and tests."""

    files: dict[str, str]
    """text by file name; two files for formats of two"""
    pairs: Sequence[tuple[str, str]]


class Format(ABC):
    """A way of writing conversations in a file (or in two that belong together).

    Attributes:
        name: what `--format` calls it: one lower-case word, hyphens allowed.
        title: what it is called in a sentence.
        examples: small files, in any variant worth showing.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    examples: ClassVar[Sequence[Example]]

    def __init__(self, reading: ReadingConfig) -> None:
        """Takes the user's options, of which a reader may use columns and roles."""
        self.reading = reading

    @abstractmethod
    def evidence(self, sample: Sample) -> Evidence:
        """How sure this reader is of a file, from its beginning."""

    @abstractmethod
    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The conversations of a file, counting in `skipped` the lines or records that give none.

        Raises:
            ChatbotError: the file is damaged in a way that no reading goes around.
        """

    def companions(self, name: str) -> Sequence[str]:
        """The names of which one must stand beside a file of this name, in a format of two files.

        `Text.beside` gives the companion; the file itself is the one that `read` is called with,
        and the companion is not read as a corpus of its own.
        """
        return ()

    def rivals(self, sample: Sample, companion: Sample) -> Sequence[tuple[Format, Evidence]]:
        """Other readers that one of the two files may be for, although the names are right."""
        return ()

    def openers(self, name: str) -> Sequence[str]:
        """The other way round: the names of which one must stand beside a companion of this name.

        When only the companion was named, the file beside it is read.
        """
        return ()

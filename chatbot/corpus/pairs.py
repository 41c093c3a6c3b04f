"""From names on the command line to corpora, each with its format.

Comes in: files and folders. Goes out: for every corpus its format, and its conversations with the
lines they came from. Knows nothing of words or ids.

Most corpora are one file; some formats have two that belong together, and are told by their names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.config import ReadingConfig
from chatbot.corpus.files.containers import Spool
from chatbot.corpus.files.text import Text, find_texts
from chatbot.corpus.formats import FORMATS, format_named, recognise
from chatbot.corpus.formats.base import Conversation, Format
from chatbot.errors import ChatbotError


@dataclass
class Corpus:
    """One corpus: a text in a format, and what reading it has shown so far.

    Attributes:
        text: the text, or the first of two.
        format: what reads it.
        reason: why it was taken for that format.
        pairs: pairs found, filled in as the corpus is read.
        skipped: lines, records and pairs that gave none, by reason, likewise.
        dropped: pairs left out on purpose, likewise.
        changed: turns changed by normalisation, by rule, likewise.
        first: the first pairs as text, likewise.
    """

    text: Text
    format: Format
    reason: str
    pairs: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    first: list[tuple[str, str]] = field(default_factory=list)
    digest: int = 0

    @property
    def name(self) -> str:
        """What the store calls it: the file names without their folder, whatever the locale."""
        return "+".join(map(_name_of, self.texts))

    @property
    def path(self) -> str:
        """What the user called it, as it can be written."""
        return "+".join(recordable(text.name) for text in self.texts)

    @property
    def texts(self) -> list[Text]:
        """The text, and those beside it that were read with it."""
        return [self.text, *self.text.others]

    def conversations(self) -> Iterator[Conversation]:
        """Reads the corpus from its beginning.

        Raises:
            ChatbotError: it cannot be read.
        """
        self.pairs, self.digest = 0, 0
        for counts in (self.skipped, self.dropped, self.changed):
            counts.clear()
        self.first.clear()
        return self.format.read(self.text, self.skipped)

    def check(self) -> None:
        """To be called when it has been read.

        Raises:
            ChatbotError: it gave no pair at all.
        """
        if not self.pairs and not self.dropped:
            reasons = ", ".join(f"{n:,} {why}" for why, n in self.skipped.most_common())
            raise ChatbotError(
                f"{self.text.name}: read as {self.format.title}, but not one line gives a pair "
                f"({reasons or 'no conversation has two turns'}). See docs/formats.md."
            )


def _name_of(text: Text) -> str:
    """The name of a text without the folder it stands in; of a member of an archive with both."""
    inside = text.name.removeprefix(str(text.path))
    name = text.name if inside == text.name else text.path.name + inside
    return recordable(name)


def recordable(name: str) -> str:
    """The name of a file as it can be written, whatever bytes it is made of on disk."""
    return os.fsencode(name).decode("utf-8", "replace")


def find_corpora(
    names: Sequence[Path | str],
    reading: ReadingConfig | None = None,
    spool: Spool | None = None,
    left_out: list[str] | None = None,
) -> list[Corpus]:
    """The corpora behind files, folders and `-`, each with its format, in a fixed order.

    A file that belongs to another one beside it (enc/dec, question/answer, …) is read with it, even
    if only one of the two was named. One that the other does not need after all is a corpus of its
    own; those come last.

    Args:
        names: what was named.
        reading: what the user says of format and encoding.
        spool: keeps standard input; without it `-` is refused.
        left_out: takes what was left out of folders and archives, as of `find_texts`.

    Raises:
        ChatbotError: as `find_texts` and `recognise`.
    """
    reading = reading or ReadingConfig()
    found: dict[object, Corpus] = {}
    texts = find_texts(names, reading, spool, left_out)
    named = {text.place for text in texts}
    perhaps_read = []
    for text in texts:
        first = _first_of_two(text, reading)
        if first is not text:
            perhaps_read.append(text)
            if first.place in named:
                continue  # its turn comes, or has been
        corpus = _recognised(first, reading)
        if text.place in {one.place for one in corpus.texts}:
            found[first.place] = corpus
    seconds = {one.place for corpus in found.values() for one in corpus.text.others}
    for text in perhaps_read:
        if text.place not in seconds:
            found[text.place] = _recognised(text, reading)
    return [corpus for place, corpus in found.items() if place not in seconds]


def _recognised(text: Text, reading: ReadingConfig) -> Corpus:
    """The corpus of a text and of the one beside it that its format needs."""
    reader, evidence = recognise(text, reading)
    text.beside(reader.companions(text.short_name))
    return Corpus(text, reader, evidence.reason)


def _first_of_two(text: Text, reading: ReadingConfig) -> Text:
    """The text that a companion belongs to, if it is one; else the text itself."""
    formats = FORMATS if reading.format is None else (format_named(reading.format),)
    for one in formats:
        names = one(reading).openers(text.short_name)
        first = text.beside(names) if names else None
        if first is not None:
            return first
    return text

"""From corpus files to numbered lines of text.

Comes in: names on the command line. Goes out: texts, each a file whose encoding is settled, to be
read as lines or in blocks as often as one likes. Knows nothing of formats: what a line means is
their affair.

A line ends at a line feed and nowhere else (stray carriage returns and Unicode line separators
occur inside real lines). Whole blocks are decoded at once; only a block with something wrong in it
is looked at line by line.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from chatbot.config import ReadingConfig
from chatbot.corpus.files.containers import Spool, find_sources
from chatbot.corpus.files.detection import Binary, NoText, settle_encoding
from chatbot.corpus.files.encodings import byte_order_mark, line_feed
from chatbot.corpus.files.mending import Faults, decode_block
from chatbot.corpus.files.sources import Source
from chatbot.corpus.files.unpacking import Stream
from chatbot.errors import ChatbotError

SAMPLE_LINES = 1000
"""Most lines of a sample."""

SAMPLE_BYTES = 256 << 10
"""Most bytes of a sample."""

LONGEST_LINE = 16 << 20
"""Most bytes of a line that `lines` reads."""

DATABASE = b"SQLite format 3\0"
"""How an SQLite file begins; it is a corpus too, but has no lines."""

_TOLD = 8
_TEXTS = (".tsv", ".csv", ".txt", ".json", ".jsonl", ".conv", ".yml", ".yaml", ".enc", ".dec")
_HEAD = 4 << 10
_BLOCK = 1 << 20


class Sample(NamedTuple):
    """The beginning of a text, to recognise its format by."""

    name: str
    """the file name without folders and without a compression suffix, e.g. "talk.csv" """
    lines: Sequence[str]
    """the first lines, at most `SAMPLE_LINES` and `SAMPLE_BYTES`, blank ones included; a last line
    that was cut off is left out unless it is the only one; none of a database"""
    whole: bool
    """whether these are all the lines of the text"""
    head: bytes
    """the first 4 KiB, decompressed, not decoded"""


def find_texts(
    names: Sequence[Path | str],
    reading: ReadingConfig,
    spool: Spool | None = None,
    left_out: list[str] | None = None,
) -> list[Text]:
    """The corpus files behind files, folders and `-`, each once, their encodings settled.

    Args:
        names: what was named; `-` is standard input.
        reading: says the encoding, if anyone does.
        spool: keeps standard input; without it `-` is refused.
        left_out: takes the names of files in folders and archives that are empty, or binary and not
            called like a text, with what is wrong; without it, or if no other file is there, they
            are an error.

    Raises:
        ChatbotError: as `find_sources` and `Text`.
    """
    texts: list[Text] = []
    faults: list[NoText] = []
    damaged: list[NoText] = []
    for source in find_sources(names, spool):
        try:
            texts.append(Text(source, reading))
        except NoText as fault:
            if left_out is None or source.named:
                raise
            claims = source.short_name.lower().endswith(_TEXTS)
            (damaged if claims and isinstance(fault, Binary) else faults).append(fault)
    if damaged or (faults and not texts):
        found = damaged or faults
        raise found[0] if len(found) == 1 else _together(found)
    if left_out is not None:
        left_out += [str(fault).partition(". ")[0] for fault in faults]
    return texts


def _together(faults: Sequence[NoText]) -> ChatbotError:
    said = "; ".join(str(fault).partition(". ")[0] for fault in faults[:_TOLD])
    more = f"; and {len(faults) - _TOLD:,} more" if len(faults) > _TOLD else ""
    return ChatbotError(f"{said}{more}. Name text files, or take these away.")


class Text:
    """A corpus file, a member of an archive or standard input, with its encoding settled.

    It holds no file open and can be pickled.

    Attributes:
        name: what messages call it, e.g. "talks.zip:films/a.txt".
        path: the file on disk.
        encoding: the Python codec that reads it; empty for a database.
        faults: what the last reading found wrong so far.
        size: bytes on disk, compressed.
        position: how many of them the last reading has consumed.
        others: the text that `beside` found last, if it found one.
    """

    def __init__(self, source: Source, reading: ReadingConfig) -> None:
        """Settles the encoding.

        Raises:
            ChatbotError: the file cannot be read, is empty, is binary, or is in an encoding that
                cannot be told.
        """
        self._source = source
        self._reading = reading
        self.name = source.name
        self.path = source.path
        self.size = source.size
        self.position = 0
        self.faults = Faults()
        self.others: list[Text] = []
        self.encoding = self._settled()

    @property
    def short_name(self) -> str:
        """The file name without folders and without a compression suffix."""
        return self._source.short_name

    @property
    def place(self) -> tuple[str, int]:
        """Equal for two texts that are the same bytes on disk, however they were named."""
        return self._source.place

    def _settled(self) -> str:
        with self._source.open() as stream:
            if stream.take(_HEAD).startswith(DATABASE):
                return ""
        encoding = settle_encoding(self._source, self._reading.encoding)
        sample = self._sample(encoding)
        if sample.whole and not any(line.strip() for line in sample.lines):
            raise NoText(f"{self.name}: empty file. Put conversations in it, or remove it.")
        return encoding

    def sample(self) -> Sample:
        """The beginning of the text.

        Raises:
            ChatbotError: as `lines`.
        """
        return self._sample(self.encoding)

    def _sample(self, encoding: str) -> Sample:
        with self._source.open() as stream:
            raw = stream.take(SAMPLE_BYTES + 1)
        name, head = self._source.short_name, raw[:_HEAD]
        if not encoding:
            return Sample(name, (), False, head)
        whole = len(raw) <= SAMPLE_BYTES
        body = raw[:SAMPLE_BYTES].removeprefix(byte_order_mark(encoding))
        end = len(body) if whole else _end_of_lines(body, encoding)
        body = body[: end or _whole_characters(body, encoding)]
        lines = _lines_of(decode_block(body, encoding, 1, Faults()))
        return Sample(name, lines[:SAMPLE_LINES], whole and len(lines) <= SAMPLE_LINES, head)

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines with their numbers from 1, without their line feed.

        A byte order mark is removed. Bytes that stand for no character become U+FFFD.

        Raises:
            ChatbotError: the file cannot be read, changes, or has a line over `LONGEST_LINE`.
        """
        for number, text in self._read(long_lines=False):
            yield from enumerate(_lines_of(text), number)

    def blocks(self) -> Iterator[str]:
        """The same text in pieces of about 1 MiB, which end at a line end where there is one.

        Raises:
            ChatbotError: as `lines`, but lines may be of any length.
        """
        for _, text in self._read(long_lines=True):
            yield text

    def on_disk(self) -> AbstractContextManager[Path]:
        """A plain file with the decompressed bytes: the file itself, or a copy for the time being.

        Raises:
            ChatbotError: the file cannot be read, or its copy not be written.
        """
        return self._source.on_disk()

    def beside(self, names: Sequence[str]) -> Text | None:
        """The first of these names that stands in the same folder or archive, compressed or not.

        Raises:
            ChatbotError: as `Text`.
        """
        source = self._source.beside(names)
        self.others = [] if source is None else [Text(source, self._reading)]
        return self.others[0] if self.others else None

    def _read(self, *, long_lines: bool) -> Iterator[tuple[int, str]]:
        """Pieces of text with the number of the line that each begins in.

        A piece ends with a line, but for the last one and for pieces of long lines.
        """
        if not self.encoding:
            raise ChatbotError(f"{self.name}: binary data. Name text files only.")
        self.faults = faults = Faults()
        self.position = 0
        number, offset = 1, 0
        with self._source.open() as stream:
            for raw in self._pieces(stream, long_lines):
                if raw is None:
                    raise ChatbotError(
                        f"{self.name}:{number}: line over {LONGEST_LINE >> 20} MiB. Give one "
                        "utterance or pair a line."
                    )
                text = decode_block(raw, self.encoding, number, faults, offset)
                self.position = stream.position
                yield number, text
                ends = text.count("\n")
                offset = 0 if ends else offset + len(raw)
                number += ends

    def _pieces(self, stream: Stream, long_lines: bool) -> Iterator[bytes | None]:
        """The bytes of a stream in pieces that end with a line; None: a line is too long."""
        longest = _BLOCK if long_lines else LONGEST_LINE
        mark = byte_order_mark(self.encoding)
        rest = stream.take(len(mark)).removeprefix(mark)
        while data := stream.read(_BLOCK):
            rest += data
            end = _end_of_lines(rest, self.encoding)
            if not long_lines and _first_line(rest, self.encoding) > longest:
                yield None
            if not end and long_lines and len(rest) >= longest:
                end = _whole_characters(rest, self.encoding)
            if end:
                yield rest[:end]
                rest = rest[end:]
        if rest:
            yield rest


def _lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _end_of_lines(raw: bytes, encoding: str) -> int:
    """The number of bytes up to the end of the last line feed; 0 if there is none."""
    feed = line_feed(encoding)
    end = raw.rfind(feed)
    while end >= 0 and end % len(feed):
        end = raw.rfind(feed, 0, end + len(feed) - 1)
    return end + len(feed) if end >= 0 else 0


def _first_line(raw: bytes, encoding: str) -> int:
    """The bytes of the first line without its line feed, or of all if there is none."""
    feed = line_feed(encoding)
    end = raw.find(feed)
    while end >= 0 and end % len(feed):
        end = raw.find(feed, end + 1)
    return end if end >= 0 else len(raw)


def _whole_characters(raw: bytes, encoding: str) -> int:
    """The number of bytes up to the end of the last character that is whole."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    decoder.decode(raw)
    return len(raw) - len(decoder.getstate()[0])

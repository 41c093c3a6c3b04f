"""A file of encoded pairs: a token store, or one of the shards that it is made of.

Comes in: pairs as ids, in the order they shall have. Goes out: any run of consecutive pairs, by
three reads. Knows nothing of text, of other shards or of what kind of file system it is on.

The file, little-endian:

    offset            bytes      what
    0                 8          magic "CHATSTOR"
    8                 4          format number, u32
    12                4          length h of the header, u32
    16                4          CRC-32 of the header, u32
    20                h          header: JSON, padded with blanks to end at a multiple of 8
    20 + h            16 N + 8   offsets: u64 [2 N + 1]; pair i has its question at tokens
                                 [2 i] to [2 i + 1] and its reply at [2 i + 1] to [2 i + 2]
    …                 16 N       sources: u32 [N, 4]: file, line, characters of the reply,
                                 characters of the reply that its ids do not give back
    …                 w M        tokens: w bytes each (2, or 4 from 65,536 entries on)

N pairs, M tokens; questions and replies carry neither GO nor EOS; a reply that opens a conversation
has an empty question. The first N - held_out pairs are for training, the last held_out for
validation; each part is in the order of a seeded hash of the pair and its source, so a contiguous
window is a random sample. The header holds no time and no machine path; that of a shard says which
it is, and its pairs, tokens and checksums are its own.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs
from chatbot.errors import ChatbotError

MAGIC = b"CHATSTOR"
FORMAT = 2
_PREFIX = struct.Struct("<8sIII")
_BLOCK = 1 << 20

Opener = Callable[[str], IO[bytes]]
"""Opens a file by its name for bytes at any place of it, unbuffered; or raises OSError."""


class Header(NamedTuple):
    """What the store says of itself; JSON in the file."""

    pairs: int
    held_out: int
    tokens: int
    width: int
    """bytes of one token id"""
    vocabulary: str
    """digest of the vocabulary the ids belong to"""
    corpus: str
    """SHA-256 over the order hashes of all pairs and of the held-out ones, ascending: equal for
    equal pairs and seed"""
    settings: dict[str, Any]
    cleaning: dict[str, Any]
    dropped: dict[str, int]
    """pairs left out by cleaning, by reason"""
    files: list[dict[str, Any]]
    """name, format, encoding, pairs and what was skipped, by reason, of every corpus"""
    lengths: list[list[int]]
    """two histograms, of questions (an empty one has a token) and of replies (EOS included),
    training pairs by tokens; the last of the 1,025 bins counts all longer ones"""
    checksums: dict[str, str]
    """CRC-32 of each section, in hexadecimal"""
    shard: tuple[int, int] = (0, 1)
    """which file of the store this is, and of how many; not in the file where there is one"""
    openings: int = 0
    """how many of all training pairs have no question, as their reply opens a conversation; not in
    a store of before"""

    @property
    def train(self) -> int:
        """The number of pairs for training."""
        return self.pairs - self.held_out

    @property
    def identity(self) -> str:
        """What tells these pairs in this order, and which are held out, from others."""
        return f"{self.corpus} {self.held_out}"


def token_width(vocabulary_size: int) -> int:
    """Bytes of one id in the file: 2 while every id fits, else 4."""
    return 2 if vocabulary_size <= 1 << 16 else 4


def write_shard(path: Path, header: Header, parts: Iterable[EncodedPairs]) -> None:
    """Writes the file drawn above, for the caller to rename into place.

    Args:
        path: where to write.
        header: all but its checksums; its tokens may be more than those of `parts`, not its pairs.
        parts: the pairs in store order, a bounded number at a time.
    """
    empty = dict.fromkeys(("offsets", "sources", "tokens"), "0" * 8)
    start = len(_encode_header(header._replace(checksums=empty)))
    places = _sections(header, start)
    checksums = dict.fromkeys(empty, 0)
    token = np.dtype(f"<u{header.width}")
    with path.open("wb") as file:

        def put(section: str, array: NDArray[Any]) -> None:
            """Appends to a section."""
            data = array.tobytes()
            file.seek(places[section])
            file.write(data)
            places[section] += len(data)
            checksums[section] = zlib.crc32(data, checksums[section])

        put("offsets", np.zeros(1, "<u8"))
        end = 0
        for part in parts:
            put("offsets", (part.bounds[1:] + end).astype("<u8"))
            put("sources", part.sources.astype("<u4"))
            put("tokens", part.tokens.astype(token))
            end += int(part.bounds[-1])
        file.seek(0)
        final = {name: f"{value:08x}" for name, value in checksums.items()}
        file.write(_encode_header(header._replace(tokens=end, checksums=final), start))


def _sections(header: Header, start: int) -> dict[str, int]:
    offsets = start
    sources = offsets + 8 * (2 * header.pairs + 1)
    tokens = sources + 16 * header.pairs
    return {
        "offsets": offsets,
        "sources": sources,
        "tokens": tokens,
        "end": tokens + header.width * header.tokens,
    }


def _encode_header(header: Header, least: int = 0) -> bytes:
    """The header as it stands in the file, with blanks up to at least so many bytes."""
    fields = header._asdict()
    if header.shard == (0, 1):
        del fields["shard"]
    if not header.openings:
        del fields["openings"]
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()
    text += b" " * (-(len(text) + _PREFIX.size) % 8)
    text = text.ljust(least - _PREFIX.size)
    return _PREFIX.pack(MAGIC, FORMAT, len(text), zlib.crc32(text)) + text


class Shard:
    """One file opened for reading; holds a file handle and the header, no pairs."""

    def __init__(self, name: str, again: str, *, verify: bool, opener: Opener) -> None:
        """Opens a file.

        Args:
            name: the file's.
            again: what to do if it is damaged, for messages.
            verify: whether to read the file once to check every section (about 1 GB/s).
            opener: opens it.

        Raises:
            OSError: it cannot be opened.
            ChatbotError: not a store, another format number, truncated or damaged.
        """
        self._name, self._again = name, again
        self._file = opener(name)
        try:
            self._bytes = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
            self.header, start = self._read_header()
            self._places = _sections(self.header, start)
            if self._bytes != self._places["end"]:
                raise self._fault(
                    f"{self._bytes:,} bytes where {self._places['end']:,} belong: truncated"
                )
            if verify:
                self._verify()
        except (ChatbotError, OSError):
            self._file.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def run(self, first: int, last: int) -> EncodedPairs:
        """The pairs from the first to one past the last; three reads.

        Raises:
            ChatbotError: the file ends early.
            OSError: it cannot be read.
        """
        n = last - first
        offsets = self._array("offsets", "<u8", 2 * first, 2 * n + 1).astype(np.int64)
        sources = self._array("sources", "<u4", 4 * first, 4 * n).astype(np.int64).reshape(n, 4)
        tokens = self._array(
            "tokens", f"<u{self.header.width}", int(offsets[0]), int(offsets[-1] - offsets[0])
        )
        return EncodedPairs(tokens.astype(np.int32), offsets - offsets[0], sources)

    def _array(self, section: str, dtype: str, first: int, count: int) -> NDArray[Any]:
        width = np.dtype(dtype).itemsize
        self._file.seek(self._places[section] + first * width)
        return np.frombuffer(self._exactly(count * width), dtype)

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        while len(data) < count:
            more = self._file.read(count - len(data))
            if not more:
                raise self._fault("ends early: truncated")
            data += more
        return data

    def _read_header(self) -> tuple[Header, int]:
        prefix = self._file.read(_PREFIX.size)
        if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
            raise self._fault("not a token store")
        _, number, length, checksum = _PREFIX.unpack(prefix)
        if number != FORMAT:
            raise self._fault(f"format {number}, this version reads {FORMAT}")
        text = self._file.read(min(length, self._bytes))
        if len(text) < length or zlib.crc32(text) != checksum:
            raise self._fault("damaged in its header")
        header = Header(**json.loads(text))
        which, many = header.shard
        return header._replace(shard=(which, many)), _PREFIX.size + length

    def _verify(self) -> None:
        order = ("offsets", "sources", "tokens", "end")
        for section, following in zip(order, order[1:], strict=False):
            self._file.seek(self._places[section])
            left, checksum = self._places[following] - self._places[section], 0
            while left:
                data = self._exactly(min(left, _BLOCK))
                checksum = zlib.crc32(data, checksum)
                left -= len(data)
            if f"{checksum:08x}" != self.header.checksums[section]:
                raise self._fault(f"damaged: its {section} do not match their checksum")

    def _fault(self, what: str) -> ChatbotError:
        return ChatbotError(f"{self._name}: {what}. {self._again}")

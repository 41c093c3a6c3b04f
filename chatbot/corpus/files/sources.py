"""A corpus file: a file on disk, or one in a zip archive.

Comes in: a path. Goes out: sources, which give the bytes of a file as often as they are asked, and
the files beside it. Knows nothing of folders, encodings or lines.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import IO

from chatbot.corpus.files.packings import HEAD, packing_of
from chatbot.corpus.files.unpacking import Stream
from chatbot.errors import ChatbotError

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
"""What compressed files are called; never used to tell what a file is."""

STANDARD_INPUT = "standard input"
"""The name of the source that standard input is kept in."""

_NOT_CORPORA = re.compile(r"(readme|licen[cs]e|copying|changelog|notice)(?![a-z_])", re.IGNORECASE)
_METHODS = {zipfile.ZIP_STORED: "", zipfile.ZIP_DEFLATED: "deflate"}
_UNUSUAL = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz"}
_ENCRYPTED, _UTF8 = 0x1, 0x800
_OFFICE = {"[Content_Types].xml", "mimetype"}


@dataclass(frozen=True)
class Source:
    """A corpus file: a file on disk, or a member of an archive.

    Attributes:
        name: what messages call it.
        path: the file on disk.
        size: bytes of it on disk, compressed.
        member: its path in the archive; empty for a file of its own.
        start: where in the file on disk its bytes begin.
        method: how the archive packs it: "" or "deflate".
        crc: the checksum that the archive gives for it.
        named: whether it was named itself, and not only the folder or archive that it is in.
    """

    name: str
    path: Path
    size: int
    member: str = ""
    start: int = 0
    method: str = ""
    crc: int | None = None
    named: bool = False

    @property
    def short_name(self) -> str:
        """The name of the file alone, without a compression suffix, e.g. "talk.csv"."""
        if self.name == STANDARD_INPUT:
            return self.name
        name = PurePosixPath(self.member).name if self.member else self.path.name
        ending = Path(name).suffix
        return name.removesuffix(ending) if ending.lower() in SUFFIXES else name

    @property
    def place(self) -> tuple[str, int]:
        """Equal for two sources that are the same bytes on disk."""
        return os.path.realpath(self.path), self.start if self.member else -1

    def open(self) -> Stream:
        """Its bytes, decompressed, from the beginning.

        Raises:
            ChatbotError: the file cannot be read, or is an archive.
        """
        return Stream(self.name, self.path, self.start, self._length(), self.method, self.crc)

    def peek(self, place: int, size: int) -> bytes:
        """Bytes from a place on disk on, of a file that is not packed.

        Raises:
            ChatbotError: the file cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(place)
                return file.read(size)
        except OSError as error:
            raise ChatbotError(f"{self.name}: cannot be read ({error}). Check the file.") from error

    def _length(self) -> int | None:
        return self.size if self.member else None

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A plain file of its bytes, decompressed: itself, or a copy that is removed afterwards.

        Raises:
            ChatbotError: the file cannot be read, or its copy not be written.
        """
        with self.open() as stream:
            if not stream.packed:
                yield self.path
                return
            folder = tempfile.mkdtemp(prefix="chatbot-")
            try:
                copy = Path(folder) / self.short_name
                write_copy(stream, copy, self.name)
                yield copy
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def beside(self, names: Sequence[str]) -> Source | None:
        """The first of these names that stands in the same folder or archive, compressed or not."""
        if self.name == STANDARD_INPUT or not names:
            return None
        wanted = [name + suffix for name in names for suffix in ("", *SUFFIXES)]
        if self.member:
            members = _members(self.path, _named(self))
            paths = [str(PurePosixPath(self.member).parent / name) for name in wanted]
            return next((members[path] for path in paths if path in members), None)
        files = (self.path.parent / name for name in wanted)
        return next((plain_source(path) for path in files if path.is_file()), None)


def is_corpus(path: PurePath) -> bool:
    """Whether a file of this path in a folder or archive counts: not if hidden, a README or so."""
    outside = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not outside and not _NOT_CORPORA.match(path.name)


def opened_source(source: Source) -> Sequence[Source]:
    """The source itself, or the members of the zip archive that it is.

    Raises:
        ChatbotError: it cannot be read, or is an archive of which something cannot.
    """
    try:
        with source.path.open("rb") as file:
            is_zip = packing_of(file.read(HEAD)) == "zip"
    except OSError as error:
        raise ChatbotError(f"{source.name}: cannot be read ({error}). Check the file.") from error
    return list(_members(source.path, source.name).values()) if is_zip else [source]


def plain_source(path: Path) -> Source:
    """The source that a file on disk is.

    Raises:
        ChatbotError: it is not to be found.
    """
    try:
        return Source(str(path), path, path.stat().st_size)
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error}). Check the file.") from error


def _named(source: Source) -> str:
    return source.name.removesuffix(f":{source.member}")


def _members(path: Path, name: str) -> Mapping[str, Source]:
    stat = path.stat()
    return _members_as_of(path, name, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _members_as_of(path: Path, name: str, size: int, mtime_ns: int) -> Mapping[str, Source]:
    """The corpora in an archive by path, sorted; kept for the archives last asked for."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ChatbotError(f"{name}: cannot be read ({error}). Check the file.") from error
    if _OFFICE & {entry.filename for entry in entries}:
        raise ChatbotError(f"{name}: an office document or a book. Save it as text or CSV first.")
    named = {_member_name(entry): entry for entry in entries}
    members = {
        member: _member(path, name, member, named[member])
        for member in sorted(named, key=PurePosixPath)
        if is_corpus(PurePosixPath(member))
    }
    if not members:
        raise ChatbotError(f"{name}: no corpus in this archive. Put conversations in it.")
    return members


def _member_name(entry: zipfile.ZipInfo) -> str:
    """The path of a member; names that are not marked as UTF-8 are often in GBK."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    raw = entry.filename.encode("cp437")
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return entry.filename


def _member(path: Path, name: str, member: str, entry: zipfile.ZipInfo) -> Source:
    where = f"{name}:{member}"
    if entry.flag_bits & _ENCRYPTED:
        raise ChatbotError(f"{where}: encrypted. Unpack the archive first, and name the folder.")
    if entry.compress_type not in _METHODS:
        way = _UNUSUAL.get(entry.compress_type, f"method {entry.compress_type}")
        raise ChatbotError(
            f"{where}: packed in an unusual way ({way}). Unpack the archive first, and name the "
            "folder."
        )
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise ChatbotError(f"{where}: cannot be read (its header is damaged). Check the file.")
    start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
    method = _METHODS[entry.compress_type]
    return Source(where, path, entry.compress_size, member, start, method, entry.CRC)


def write_copy(source: Stream | IO[bytes], copy: Path, name: str) -> None:
    """Writes the rest of a stream, whose name is given for messages, to a file.

    Raises:
        ChatbotError: the stream cannot be read, or the file not be written.
    """
    try:
        with copy.open("wb") as file:
            while data := source.read(1 << 20):
                file.write(data)
    except OSError as error:
        raise ChatbotError(
            f"{name}: cannot be kept in {copy.parent} ({error}). Make room there, or set TMPDIR to "
            "another folder."
        ) from error

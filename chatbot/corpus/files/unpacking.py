"""The bytes of a corpus file, decompressed as they are read.

Comes in: where the bytes of a file stand on disk. Goes out: a stream of what they unpack to. Knows
nothing of names, folders or text.

gzip, bzip2, xz and zstd are told by their first bytes. Compressed files may be several put together
and be padded with NULs, as their own tools allow. No read returns more than it was asked for, so a
file that unpacks to a thousand times its size costs no more memory than another.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import IO, Protocol, Self

from chatbot.corpus.files.packings import ARCHIVES, HEAD, Packing, packing_named, packing_of
from chatbot.errors import ChatbotError

_TAKEN = 1 << 16


class Stream:
    """The bytes of a file or of a part of one, decompressed; closed by the end of its block.

    Attributes:
        packed: whether they differ from the bytes on disk.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        start: int = 0,
        length: int | None = None,
        method: str = "",
        crc: int | None = None,
    ) -> None:
        """Opens it.

        Args:
            name: what messages call it.
            path: the file on disk.
            start: bytes of it that are passed over.
            length: bytes of it that are read; all if None.
            method: what they are packed with for certain: "" or "deflate".
            crc: the CRC-32 of what they unpack to, without regard to further packing.

        Raises:
            ChatbotError: it cannot be read, is an archive, is compressed twice, or needs a library
                that is not installed.
        """
        self._name = name
        try:
            self._file: IO[bytes] = path.open("rb", buffering=0)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._stat = os.fstat(self._file.fileno())
            self._part = _Part(self._file, start, length)
            inner: _Reader = self._part
            if method:
                inner = _Unpacked(inner, packing_named(name, method), single=True)
            if crc is not None:
                inner = _Checked(inner, crc)
            self._reader, packing = self._unpacked(inner)
        except (OSError, EOFError) as error:
            self._file.close()
            raise self._unreadable(error) from error
        except ChatbotError:
            self._file.close()
            raise
        self.packed = bool(packing) or length is not None

    def _unpacked(self, inner: _Reader) -> tuple[_Reader, str]:
        reader = _Ahead(inner)
        packing = packing_of(reader.head)
        if not packing or packing in ARCHIVES:
            return self._no_archive(reader), packing
        outer = _Ahead(_Unpacked(reader, packing_named(self._name, packing)))
        again = packing_of(outer.head)
        if again and again not in ARCHIVES:
            raise ChatbotError(
                f"{self._name}: compressed twice ({again} in {packing}). Decompress it once first."
            )
        return self._no_archive(outer), packing

    def _no_archive(self, reader: _Ahead) -> _Reader:
        packing = packing_of(reader.head)
        if packing in ARCHIVES:
            raise ChatbotError(
                f"{self._name}: a {packing} archive, which is not read here. Unpack it first, and "
                "name the folder."
            )
        return reader

    @property
    def position(self) -> int:
        """The bytes on disk that were taken so far."""
        return self._part.taken

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size` of them; none at the end.

        Raises:
            ChatbotError: the file is damaged, cut off, or changed while it was read.
        """
        try:
            data = self._reader.read(size)
        except (OSError, EOFError) as error:
            self._check_unchanged()
            raise self._unreadable(error) from error
        if not data:
            self._check_unchanged()
        return data

    def take(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the end comes before.

        Raises:
            ChatbotError: as `read`.
        """
        data = b""
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        return data

    def _check_unchanged(self) -> None:
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise ChatbotError(
                f"{self._name}: changed while it was read. Let nothing write to it, and run the "
                "command again."
            )

    def _unreadable(self, error: Exception) -> ChatbotError:
        reason = getattr(error, "strerror", None) or error
        return ChatbotError(f"{self._name}: cannot be read ({reason}). Check the file.")

    def __enter__(self) -> Self:
        """Has opened it before."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self._file.close()


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes:
        """At most so many bytes, none at the end."""


class _Part:
    """A part of a file: `length` bytes from `start` on, or all of it to the end."""

    def __init__(self, file: IO[bytes], start: int, length: int | None) -> None:
        file.seek(start)
        self._file = file
        self._length = length
        self.taken = 0

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        if self._length is not None:
            size = min(size, self._length - self.taken)
        data = self._file.read(size)
        if not data and self._length is not None and self.taken < self._length:
            raise EOFError(_cut_off(self.taken))
        self.taken += len(data)
        return data


class _Ahead:
    """A reader whose first bytes are known before they are read."""

    def __init__(self, inner: _Reader) -> None:
        self._inner = inner
        self.head = b""
        while len(self.head) < HEAD and (data := inner.read(HEAD - len(self.head))):
            self.head += data
        self._left = self.head

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        if self._left:
            data, self._left = self._left[:size], self._left[size:]
            return data
        return self._inner.read(size)


class _Checked:
    """A reader that compares the checksum of all that it read when it comes to the end."""

    def __init__(self, inner: _Reader, crc: int) -> None:
        self._inner = inner
        self._wanted = crc
        self._crc = 0

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        data = self._inner.read(size)
        self._crc = zlib.crc32(data, self._crc)
        if not data and size and self._crc != self._wanted:
            raise OSError("damaged: the checksum in the archive is another")
        return data


class _Unpacked:
    """A reader of what another reader's bytes unpack to."""

    def __init__(self, inner: _Reader, packing: Packing, *, single: bool = False) -> None:
        self._inner = inner
        self._packing = packing
        self._single = single
        self._decoder = packing.make()
        self._taken = 0

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        while True:
            data, ended = b"", False
            if self._decoder.eof:
                data = b"" if self._single else self._next_one(self._decoder.unused_data)
                if not data:
                    return b""
                self._decoder = self._packing.make()
            elif self._decoder.needs_input:
                data = self._more()
                ended = not data
            unpacked = self._decode(data, size)
            if unpacked:
                return unpacked
            if ended and not self._decoder.eof:
                raise EOFError(_cut_off(self._taken))

    def _more(self) -> bytes:
        data = self._inner.read(_TAKEN)
        self._taken += len(data)
        return data

    def _next_one(self, left: bytes) -> bytes:
        """What follows the end of a compressed file, padding left out."""
        data = left.lstrip(b"\0")
        while not data and (data := self._more()):
            data = data.lstrip(b"\0")
        return data

    def _decode(self, data: bytes, size: int) -> bytes:
        try:
            return self._decoder.decompress(data, size)
        except self._packing.errors as error:
            raise OSError(
                f"damaged within the first {self._taken:,} bytes of compressed data: {error}"
            ) from error


def _cut_off(taken: int) -> str:
    return f"cut off: compressed data ends after {taken:,} bytes"

"""The ways in which files are compressed: how they are told, and what unpacks them.

Comes in: the first bytes of a file. Goes out: the name of a packing, and decoders for it that all
work alike. Knows nothing of files.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from chatbot.errors import ChatbotError

HEAD = 512
"""Bytes from which a compressed file or an archive is told."""

ARCHIVES = frozenset({"zip", "tar", "7z", "rar"})
"""What holds several files."""

_MAGIC = [
    ("gzip", re.compile(rb"\x1f\x8b\x08")),
    ("bzip2", re.compile(rb"BZh[1-9](\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)")),
    ("xz", re.compile(rb"\xfd7zXZ\0")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
    ("zip", re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)")),
    ("tar", re.compile(rb"(?s).{257}ustar[\0 ]")),
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("rar", re.compile(rb"Rar!\x1a\x07")),
]


def packing_of(head: bytes) -> str:
    """What the first `HEAD` bytes of a file say it is packed with; empty when it is not."""
    return next((name for name, magic in _MAGIC if magic.match(head)), "")


class Decoder(Protocol):
    """What bz2, lzma and zstd decompressors have in common; `_Zlib` makes zlib's one of them."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed data was seen."""

    @property
    def needs_input(self) -> bool:
        """Whether it can give no more before it gets more."""

    @property
    def unused_data(self) -> bytes:
        """What followed the end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most so many bytes of what is unpacked, given more of what is packed."""


class _Zlib:
    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)
        self._tail = b""

    @property
    def eof(self) -> bool:
        """Whether all is unpacked."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing is left of what was given."""
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        """What follows the end."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes, given more."""
        unpacked = self._inner.decompress(self._tail + data, max_length)
        self._tail = self._inner.unconsumed_tail
        return unpacked


class Packing(NamedTuple):
    """How something is unpacked, and what goes wrong in it."""

    make: Callable[[], Decoder]
    errors: tuple[type[Exception], ...]


def packing_named(name: str, kind: str) -> Packing:
    """The decoders of a kind, for the file of a name."""
    if kind == "deflate":
        return Packing(lambda: _Zlib(-zlib.MAX_WBITS), (zlib.error,))
    if kind == "gzip":
        return Packing(lambda: _Zlib(zlib.MAX_WBITS | 16), (zlib.error,))
    for module, decoder, error in _LIBRARIES[kind]:
        with contextlib.suppress(ImportError):
            library = importlib.import_module(module)
            return Packing(getattr(library, decoder), (getattr(library, error, OSError), OSError))
    hint = "pip install 'chatbot[zst]', or d" if kind == "zstd" else "a complete Python, or d"
    raise ChatbotError(
        f"{name}: compressed by {kind}, for which a library is missing. Install it with "
        f"{hint}ecompress the file first."
    )


_LIBRARIES = {
    "bzip2": [("bz2", "BZ2Decompressor", "BZ2Error")],
    "xz": [("lzma", "LZMADecompressor", "LZMAError")],
    "zstd": [
        ("compression.zstd", "ZstdDecompressor", "ZstdError"),
        ("backports.zstd", "ZstdDecompressor", "ZstdError"),
    ],
}

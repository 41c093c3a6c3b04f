"""What encodings there are.

Comes in: what people call an encoding. Goes out: the Python codec that reads it, and how it writes
what a reader of bytes has to know. Knows nothing of files.
"""

from __future__ import annotations

import codecs
import functools

from chatbot.errors import ChatbotError

UTF8, GB18030, BIG5, WESTERN = "utf-8", "gb18030", "big5hkscs", "cp1252"

_SUPERSETS = {
    "utf-8-sig": UTF8,
    "ascii": UTF8,
    "gb2312": GB18030,
    "gbk": GB18030,
    "cp936": GB18030,
    "big5": BIG5,
    "cp950": BIG5,
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What is taken in place of an encoding because it reads all that the other does, and more."""

MARKS = [
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode(GB18030), GB18030),
]
"""Byte order marks, and the encodings that they stand for."""

_NO_ENCODINGS = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}


def check_encoding(name: str) -> str:
    """The Python codec that reads an encoding, which may have several names.

    GB2312 and GBK are read as GB18030, Big5 as Big5-HKSCS and so on: as the larger encoding that
    files so labelled turn out to be in.

    Raises:
        ChatbotError: there is no such encoding.
    """
    try:
        codec = codecs.lookup(name)
        text = codec._is_text_encoding and codec.name not in _NO_ENCODINGS  # noqa: SLF001
    except (LookupError, ValueError):
        text = False
    if not text:
        raise ChatbotError(
            f"--encoding {name}: no such encoding. Name one such as utf-8, gb18030, big5 or "
            "utf-16, or leave the option out."
        )
    return _SUPERSETS.get(codec.name, codec.name)


def spoken(encoding: str) -> str:
    """What a codec is called in a sentence, e.g. "GB18030"."""
    return {BIG5: "Big5", WESTERN: "Windows-1252"}.get(encoding, encoding.replace("_", "-").upper())


@functools.cache
def byte_order_mark(encoding: str) -> bytes:
    """The bytes of U+FEFF, which are no text at the beginning of a file; empty if it has none."""
    try:
        return "\ufeff".encode(encoding)
    except UnicodeEncodeError:
        return b""


@functools.cache
def line_feed(encoding: str) -> bytes:
    """The bytes of a line feed; in a file they stand at a multiple of their number."""
    return "\n".encode(encoding)

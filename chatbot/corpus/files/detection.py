"""Which encoding a file is in.

Comes in: the bytes of a file. Goes out: the name of the Python codec that reads it. Knows nothing
of lines beyond where they end.

A byte order mark decides; then, where they are frequent, the places of NULs (UTF-16). Otherwise the
lines with bytes beyond ASCII vote: those that are valid UTF-8 for it, the others together for the
one of the East Asian encodings in which they are written with the characters that their language is
mostly written in (`characters`). Lone bytes among Latin letters are Windows-1252. What is left is
put to charset-normalizer. What nobody is sure of is an error that names the candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatbot.corpus.files.characters import CHINESE, JAPANESE, KOREAN, expected, share_expected
from chatbot.corpus.files.encodings import BIG5, GB18030, MARKS, UTF8, WESTERN, check_encoding
from chatbot.corpus.files.sources import Source
from chatbot.corpus.files.unpacking import Stream
from chatbot.errors import ChatbotError

_EAST_ASIAN = [
    (GB18030, CHINESE),
    (BIG5, CHINESE),
    ("cp932", JAPANESE),
    ("euc_jp", JAPANESE),
    ("cp949", KOREAN),
]
_BLOCK = 64 << 10
_PIECE = 1 << 20
_SCAN = 256 << 20
_CONTROLS = bytes([*range(7), 0x0B, *range(0x0E, 0x1A), *range(0x1C, 0x20), 0x7F])
_MOST_CONTROLS = 0.05
_SURE, _MARGIN = 0.3, 0.15
_ASCII = bytes(range(128))
_NOT_NOW = ["utf_7", "utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32"]
_ANY = CHINESE | JAPANESE | KOREAN
_EAST_ASIAN_TEXT = re.compile(r"[\u4e00-\u9fff\u3000-\u30ff\uac00-\ud7a3]")
_INNER = bytes(range(0x30, 0x100))
_NEXT_TO_LETTER = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")
_LETTER = rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff\x8a\x8c\x8e\x9a\x9c\x9e]"
_WITHIN = rb"[\x91\x92\x96\x97\x85\xad\xb7]"
_SIGN = rb"[\x80\x85\x91-\x97\x99\xa0\xa1\xa3\xa9\xab\xad\xae\xb0\xb4\xb7\xbb\xbf]{1,3}"
_LONE = re.compile(
    rb"(?<=[A-Za-z])%b{1,2}(?![\x80-\xff])|(?<![\x80-\xff])%b{1,2}(?=[ A-Za-z])|"
    rb"(?<![A-Za-z\x80-\xff])%b(?![\x80-\xff])|%b(?![A-Za-z\x80-\xff])|%b(?![\x80-\xff])"
    % (_LETTER, _LETTER, _SIGN, _SIGN, _WITHIN)
)
"""Accented letters at other letters, and signs at the ends of words or such as stand within."""


class Bytes(NamedTuple):
    """Bytes of a file to tell its encoding from."""

    blocks: Sequence[bytes]
    """from its beginning, and more from further on; each begins at a multiple of four bytes"""
    whole: bool
    """whether the first block is all there is"""


class NoText(ChatbotError):
    """A file is empty or binary, so that nothing is lost if it is left out."""


class Binary(NoText):
    """A file is binary; if its name is a text's, it is perhaps a damaged one."""


def settle_encoding(source: Source, given: str | None = None) -> str:
    """The codec that reads a file.

    Args:
        source: the file.
        given: what the user says it is in; None if nothing.

    Raises:
        ChatbotError: the file is binary, or its encoding cannot be told, or the one given is none.
    """
    if given is None:
        return detect(_bytes_of(source), source.name)
    codec = check_encoding(given)
    with source.open() as stream:
        start = stream.take(_BLOCK)
    encoding = _with_order(codec, start)
    text = start.decode(encoding, "replace")
    beyond = sum(character > "\x7f" for character in text)
    if text.count("\ufffd") > max(beyond / 2, 2):
        raise ChatbotError(
            f"{source.name}: not {given} for the most part. Leave --encoding out, or name another."
        )
    return encoding


def _bytes_of(source: Source) -> Bytes:
    """The beginning of a file, some of its middle and end, and lines beyond ASCII, if need be."""
    with source.open() as stream:
        start = stream.take(3 * _BLOCK)
        if len(start) < 3 * _BLOCK:
            return Bytes([start], whole=True)
        blocks = [start]
        if not stream.packed:
            places = (0, source.size // 2, source.size - _BLOCK)
            blocks = [source.peek(place // 4 * 4, _BLOCK) for place in places]
        if all(block.isascii() and b"\0" not in block for block in blocks):
            blocks.append(b"\n" + b"\n".join(_beyond_ascii(stream)))
        return Bytes(blocks, whole=False)


def _beyond_ascii(stream: Stream) -> list[bytes]:
    """The lines beyond ASCII in the first piece of a file that has any, if it comes soon enough."""
    rest = b""
    for _ in range(_SCAN // _PIECE):
        data = stream.take(_PIECE)
        piece = rest + data
        end = (piece.rfind(b"\n") + 1 if data else 0) or len(piece)
        whole, rest = piece[:end], piece[end:]
        if not data or not whole.isascii():
            return [line for line in whole.split(b"\n") if not line.isascii()]
    return []


def _with_order(encoding: str, start: bytes) -> str:
    """The encoding with its byte order, where it has one."""
    if encoding not in ("utf-16", "utf-32"):
        return encoding
    marked = (name for mark, name in MARKS if start.startswith(mark) and encoding in name)
    return next(marked, "") or (f"{encoding}-be" if start[:1] == b"\0" else f"{encoding}-le")


def detect(sample: Bytes, name: str) -> str:
    """The codec that reads a file of which this is a sample.

    Raises:
        ChatbotError: the file, here called `name`, is binary, or its encoding cannot be told.
    """
    start = sample.blocks[0]
    marked = next((encoding for mark, encoding in MARKS if start.startswith(mark)), "")
    encoding = marked or _utf16_without_mark(b"".join(sample.blocks))
    if encoding:
        return encoding
    raw = b"".join(sample.blocks)
    if _controls(raw):
        raise Binary(f"{name}: binary data. Name text files only, plain or compressed.")
    lines = [line for line in _whole_lines(sample) if not line.isascii()]
    if not lines:
        return "iso2022_jp" if b"\x1b$B" in raw else UTF8
    return _by_vote(lines, name)


def _utf16_without_mark(raw: bytes) -> str:
    """UTF-16 by where its NULs stand: which are half of every ASCII character."""
    nuls = raw.count(0)
    if nuls == 0 or (nuls < len(raw) / 10 and not _controls(raw) and _is_utf8(raw)):
        return ""
    raw = raw[: len(raw) // 2 * 2]
    likely = {order: _likely(raw.decode(order, "replace")) for order in ("utf-16-le", "utf-16-be")}
    best = max(likely, key=lambda order: likely[order])
    return best if likely[best] > max(0.6, 2 * min(likely.values())) else ""


def _likely(text: str) -> float:
    """How ordinary the characters are, from 0 to 1: each frequent one counts, others half."""
    usual = sum("\t" <= character < "\u0600" or character in _ANY for character in text)
    east_asian = [c for c in _EAST_ASIAN_TEXT.findall(text) if c not in _ANY]
    return (usual + len(east_asian) / 2) / max(len(text), 1)


def _controls(raw: bytes) -> bool:
    """Whether there are more control characters than in any text."""
    return len(raw) - len(raw.translate(None, _CONTROLS)) > max(len(raw) * _MOST_CONTROLS, 2)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _whole_lines(sample: Bytes) -> Iterator[bytes]:
    """The lines of the blocks of a sample.

    Where a block is cut, so is a character perhaps: there it begins and ends at a byte that is part
    of no longer character in any encoding.
    """
    for i, block in enumerate(sample.blocks):
        if i:
            block = block.lstrip(_INNER)
        if not sample.whole:
            block = block.rstrip(_INNER) or block
        yield from block.split(b"\n")


def _by_vote(lines: Sequence[bytes], name: str) -> str:
    """The encoding of most of these lines, all of which have bytes beyond ASCII."""
    valid = [line for line in lines if _is_utf8(line)]
    rest = [line for line in lines if not _is_utf8(line)]
    if not rest:
        return GB18030 if _is_gb18030_after_all(valid) else UTF8
    ranking = _ranking(rest)
    (best, encoding), (second, _) = ranking[:2]
    if best >= _SURE and best - second >= _MARGIN:
        return UTF8 if _beyond(valid) > _beyond(rest) else encoding
    if _beyond(valid) > _beyond(rest):
        return UTF8
    if best < _SURE and _is_western(rest):
        return WESTERN
    likely = [encoding for score, encoding in ranking if score > max(best - _MARGIN, _SURE)]
    return _told_by_others(rest, likely, name)


def _beyond(lines: Sequence[bytes]) -> int:
    """The bytes beyond ASCII."""
    return sum(len(line.translate(None, _ASCII)) for line in lines)


def _is_gb18030_after_all(lines: Sequence[bytes]) -> bool:
    """Whether a few characters of two bytes, though valid UTF-8, are plain words in GB18030."""
    raw = b"\n".join(lines)
    text = raw.decode(UTF8)
    beyond = [character for character in text if character > "\x7f"]
    if len(beyond) > 8 or any(character > "\u07ff" for character in beyond):
        return False
    if _NEXT_TO_LETTER.search(text):
        return False
    try:
        return len(beyond) > 1 and share_expected(raw.decode(GB18030)) == 1
    except UnicodeDecodeError:
        return False


def _ranking(lines: Sequence[bytes]) -> list[tuple[float, str]]:
    """How well encodings fit lines that are not UTF-8, from 0 to 1, the best one first."""
    ranking = [(_fit(lines, encoding, usual), encoding) for encoding, usual in _EAST_ASIAN]
    text = b"\n".join(lines).decode(UTF8, "replace")
    beyond = sum(character > "\x7f" for character in text)
    ranking.append((1 - 2 * text.count("\ufffd") / beyond, UTF8))
    return sorted(ranking, reverse=True)


def _fit(lines: Sequence[bytes], encoding: str, usual: frozenset[str]) -> float:
    """The share of characters that are usual; a line that cannot be decoded has none."""
    hits = total = 0
    for line in lines:
        try:
            some, among = expected(line.decode(encoding), usual)
        except UnicodeDecodeError:
            some, among = 0, (_beyond([line]) + 1) // 2
        hits, total = hits + some, total + among
    return hits / max(total, 1)


def _is_western(lines: Sequence[bytes]) -> bool:
    """Whether bytes beyond ASCII are accented letters in Latin words, or punctuation."""
    raw = b"\n".join(lines)
    beyond = _beyond(lines)
    letters = sum(raw.count(letter) for letter in (b"e", b"a", b"o", b"i", b"n", b"t", b"s", b"r"))
    return letters > beyond and sum(map(len, _LONE.findall(raw))) > 0.9 * beyond


def _told_by_others(lines: Sequence[bytes], likely: Sequence[str], name: str) -> str:
    """What charset-normalizer says, unless there are better candidates already.

    Raises:
        ChatbotError: always if there are, or if it is not sure either.
    """
    if not likely:
        from charset_normalizer import from_bytes

        found = from_bytes(b"\n".join(lines)[:_BLOCK], cp_exclusion=_NOT_NOW)
        best = found.best()
        if best is None:
            raise ChatbotError(
                f"{name}: neither UTF-8 nor another known encoding. Name it with --encoding, e.g. "
                "--encoding gb18030."
            )
        tied = [match for match in found if match.chaos == best.chaos]
        tied = [match for match in tied if match.coherence == best.coherence]
        likely = [best.encoding, *(match.encoding for match in tied if str(match) != str(best))]
        if len(likely) == 1:
            return check_encoding(best.encoding)
    raise ChatbotError(
        f"{name}: could be {' or '.join(dict.fromkeys(likely))}. Say which with --encoding, e.g. "
        f"--encoding {likely[0]}."
    )

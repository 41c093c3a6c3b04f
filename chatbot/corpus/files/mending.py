"""From the bytes of a block of lines to its text, whatever is wrong in some of them.

Comes in: whole lines as bytes, and the encoding of their file. Goes out: their text, and what was
wrong. Knows nothing of files.

A block in which nothing is wrong is decoded at once. In another one each line is looked at: it may
be in the encoding of the file; or in UTF-8, GB18030 or Big5 where the file is not, as happens in
files put together from several; or some bytes stand for no character and become U+FFFD. A line may
be sound in the encoding of its file and yet be in another one: most of Big5 is valid GB18030 and
the other way round. Then that encoding is taken in which it makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chatbot.corpus.files.characters import expected, share_expected
from chatbot.corpus.files.encodings import BIG5, GB18030, UTF8, WESTERN, line_feed, spoken

_PLACES = 5
_ASCII = bytes(range(128))
_OTHERS = (UTF8, GB18030, BIG5)
_MIXED = {UTF8, GB18030, BIG5, WESTERN}
_CLEARLY = 0.6
_BEYOND_CHANCE = 6
_SENSIBLE = 0.5
_TOO_FEW = 2
_HAN = re.compile(r"[\u4e00-\u9fff]")

# A line whose first bytes beyond ASCII are one character of UTF-8.
_PERHAPS_UTF8 = re.compile(
    rb"(?m)^[\x00-\x09\x0b-\x7f]*+"
    rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
    rb"[^\n]*+\n?"
)

_ASCII_RUN = rb"[\x00-\x09\x0b-\x7f]++"
_BIG5_PAIR = rb"[\x87-\xfe][\x40-\x7e\xa1-\xfe]"

# For the encoding of a file the one that a line of it may be in as well, and what such a line looks
# like: GB18030 has few characters with a second byte of ASCII, and Big5 many.
_TWINS = {
    GB18030: (
        BIG5,
        re.compile(
            rb"(?m)^(?:%b|[\x87-\xfe][\xa1-\xfe])*+[\x87-\xfe][\x40-\x7e](?:%b|%b)*+$"
            % (_ASCII_RUN, _ASCII_RUN, _BIG5_PAIR)
        ),
    ),
    BIG5: (GB18030, re.compile(rb"(?m)^(?:%b|[\xa1-\xf7][\xa1-\xfe])++$" % _ASCII_RUN)),
}


class Place(NamedTuple):
    """Where something is wrong."""

    line: int
    """its line, from 1"""
    byte: int
    """its byte in the line, from 1"""


@dataclass
class Foreign:
    """Lines in another encoding than the rest of the file."""

    lines: int
    """how many"""
    first: int
    """the number of the first of them"""


@dataclass
class Faults:
    """What one reading of a text found wrong so far.

    Attributes:
        bad: places with bytes that stand for no character; each became U+FFFD.
        bad_lines: lines with such places.
        places: the first few of them.
        nuls: NUL characters, which are handed on.
        foreign: lines in another encoding, by its name; they were read in it.
    """

    bad: int = 0
    bad_lines: int = 0
    places: list[Place] = field(default_factory=list)
    nuls: int = 0
    foreign: dict[str, Foreign] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.bad or self.nuls or self.foreign)

    def sentences(self) -> list[str]:
        """What is wrong, a clause each, e.g. "1,203 lines from line 501 on are GB18030"."""
        said = []
        if self.bad:
            what = "place is" if self.bad == 1 else "places are"
            where = ", ".join(f"line {line:,} byte {byte:,}" for line, byte in self.places)
            more = " ..." if self.bad > len(self.places) else ""
            said.append(f"{self.bad:,} {what} not text ({where}{more})")
        for encoding, (count, first) in ((e, (f.lines, f.first)) for e, f in self.foreign.items()):
            what = f"line, {first:,}, is" if count == 1 else f"lines from line {first:,} on are"
            said.append(f"{count:,} {what} {spoken(encoding)}")
        if self.nuls:
            said.append(f"{self.nuls:,} NUL character{'s' if self.nuls > 1 else ''}")
        return said


def decode_block(raw: bytes, encoding: str, number: int, faults: Faults, offset: int = 0) -> str:
    """The text of whole lines, or of a piece of one.

    Args:
        raw: their bytes.
        encoding: the codec of their file.
        number: the number of the first line.
        faults: where to add what is wrong.
        offset: how many bytes of the first line stand before `raw`.
    """
    try:
        text = _decoded(raw, encoding)
        sound = not _has_foreign_lines(raw, encoding)
    except UnicodeDecodeError:
        sound = False
    if not sound:
        text = "".join(
            _mended(line, encoding, i, offset if i == number else 0, faults)
            for i, line in enumerate(split_lines(raw, encoding), number)
        )
    faults.nuls += text.count("\0")
    return text


def split_lines(raw: bytes, encoding: str) -> Iterator[bytes]:
    """Lines with their line feeds."""
    feed = line_feed(encoding)
    start = place = 0
    while (place := raw.find(feed, place)) >= 0:
        if place % len(feed):
            place += 1
            continue
        place += len(feed)
        yield raw[start:place]
        start = place
    if start < len(raw):
        yield raw[start:]


def _decoded(raw: bytes, encoding: str) -> str:
    text = raw.decode(encoding)
    # Taiwan writes the wave of friendly endings so, and means the full-width tilde.
    return text.replace("\u223c", "\uff5e") if encoding == BIG5 else text


def _has_foreign_lines(raw: bytes, encoding: str) -> bool:
    """Whether some line is valid in the file's encoding, but meant in another one."""
    if encoding == UTF8 or encoding not in _MIXED:
        return False
    if any(_is_meant_in_utf8(line[0], encoding) for line in _PERHAPS_UTF8.finditer(raw)):
        return True
    if encoding not in _TWINS:
        return False
    twin, pattern = _TWINS[encoding]
    return any(_makes_more_sense(line[0], twin, encoding) for line in pattern.finditer(raw))


def _makes_more_sense(line: bytes, twin: str, encoding: str) -> bool:
    """Whether the characters of a line are common ones in another encoding, and rare in its own."""
    try:
        text = line.decode(twin)
    except UnicodeDecodeError:
        return False
    share = share_expected(text)
    if share < _SENSIBLE or len(set(text).difference(map(chr, _ASCII))) <= _TOO_FEW:
        return False
    return share > 2 * share_expected(line.decode(encoding, "replace"))


def _is_meant_in_utf8(line: bytes, encoding: str) -> bool:
    """Whether a line of a file in another encoding is UTF-8.

    Bytes of Chinese are valid UTF-8 by chance in one short line in some thousands: therefore two
    Chinese characters are asked for, and, of a few, that they make better sense than the
    characters of the file's own encoding. In a file of Latin letters any line will do.
    """
    try:
        text = line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    if encoding == WESTERN:
        return not text.isascii()
    chinese = len(_HAN.findall(text))
    if chinese > _BEYOND_CHANCE:
        return True
    return chinese > 1 and share_expected(text) > share_expected(line.decode(encoding, "replace"))


def _mended(line: bytes, encoding: str, number: int, offset: int, faults: Faults) -> str:
    """The text of a line that may be wrong, which is noted."""
    if line.isascii() and encoding in _MIXED:
        return line.decode("ascii")
    if encoding in _MIXED and encoding != UTF8 and _is_meant_in_utf8(line, encoding):
        return _noted_foreign(line, UTF8, number, faults)
    if encoding in _TWINS:
        twin, pattern = _TWINS[encoding]
        if pattern.match(line) and _makes_more_sense(line, twin, encoding):
            return _noted_foreign(line, twin, number, faults)
    try:
        return _decoded(line, encoding)
    except UnicodeDecodeError:
        pass
    if encoding in _MIXED:
        other = _foreign(line, encoding, faults)
        if other:
            return _noted_foreign(line, other, number, faults)
    return replaced(line, encoding, number, offset, faults)


def _foreign(line: bytes, encoding: str, faults: Faults) -> str:
    """The encoding of a line that is not valid in the file's; empty if it is in none clearly."""
    mended = share_expected(line.decode(encoding, "replace"))
    best, found = max(_CLEARLY, mended), ""
    for other in _OTHERS:
        if other == encoding:
            continue
        try:
            hits, count = expected(line.decode(other))
        except UnicodeDecodeError:
            continue
        if other == UTF8 and (count > 1 or len(line.translate(None, _ASCII)) > 2):
            return UTF8
        enough = count > 1 or other in faults.foreign
        if enough and hits / count > best:
            best, found = hits / count, other
    return found


def _noted_foreign(line: bytes, encoding: str, number: int, faults: Faults) -> str:
    seen = faults.foreign.setdefault(encoding, Foreign(0, number))
    seen.lines += 1
    return _decoded(line, encoding)


def replaced(line: bytes, encoding: str, number: int, offset: int, faults: Faults) -> str:
    """The text of a line with U+FFFD for what is no character, which is noted in `faults`."""
    text = line.decode(encoding, "replace")
    faults.bad += text.count("\ufffd") - _meant(line, encoding)
    faults.bad_lines += 1
    start = 0
    while len(faults.places) < _PLACES:
        try:
            line[start:].decode(encoding)
        except UnicodeDecodeError as error:
            faults.places.append(Place(number, offset + start + error.start + 1))
            start += error.end
        else:
            break
    return text


def _meant(line: bytes, encoding: str) -> int:
    """How often U+FFFD is written in a line, by those who mended it before."""
    try:
        return line.count("\ufffd".encode(encoding))
    except UnicodeEncodeError:
        return 0

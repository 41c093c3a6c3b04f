"""The formats a corpus file may have: lines -> (question, reply) pairs.

Comes in: the numbered lines of one file. Goes out: its pairs with the line each came from, and
counts of the lines skipped, by reason. Knows nothing of files, of paired files or of words.

A format is one subclass of `Format` listed in `FORMATS`; it says how much of a sample it explains,
and reads lines into pairs. The one that explains most wins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from chatbot.corpus.files import sample_lines
from chatbot.errors import ChatbotError

NOT_UTF8 = "not UTF-8"
WRONG_FIELDS = "wrong number of fields"
NOT_CONV = "neither E nor M"

_ENOUGH = 0.5
"""Smallest share of a sample that a format must explain to be taken."""


class Pair(NamedTuple):
    """A question, its reply, and the line of its file where the reply stands."""

    question: str
    reply: str
    line: int


Lines = Iterator[tuple[int, str | None]]


def collapse(text: str) -> str:
    r"""Text with every run of whitespace made one blank, and none at its ends.

    >>> collapse("  好 \t 吗\r")
    '好 吗'
    """
    return " ".join(text.split())


class Format(ABC):
    """A way of writing pairs in one text file."""

    name: str

    @abstractmethod
    def explains(self, sample: Sequence[str]) -> float:
        """The share of the lines, 0 to 1, that have this format's shape."""

    @abstractmethod
    def read(self, lines: Lines, skipped: Counter[str]) -> Iterator[Pair]:
        """The pairs of a file, counting by reason in `skipped` the lines that give none."""


class SeparatedLines(Format):
    """One pair a line, question and reply parted by one separator.

    你好吗<TAB>我很好
    """

    def __init__(self, name: str, separator: str) -> None:
        """Names the format and its separator."""
        self.name = name
        self.separator = separator

    def explains(self, sample: Sequence[str]) -> float:
        """The share of lines with exactly one separator between two texts."""
        fits = 0
        for line in sample:
            sides = line.split(self.separator)
            fits += len(sides) == 2 and all(side.strip() for side in sides)
        return fits / len(sample)

    def read(self, lines: Lines, skipped: Counter[str]) -> Iterator[Pair]:
        """One pair for every line of two fields."""
        for number, line in lines:
            if line is None:
                skipped[NOT_UTF8] += 1
            elif line.strip():
                sides = line.split(self.separator)
                if len(sides) == 2:
                    yield Pair(collapse(sides[0]), collapse(sides[1]), number)
                else:
                    skipped[WRONG_FIELDS] += 1


class Conv(Format):
    """`E` alone opens a conversation, `M` lines are its turns; each turn answers the one before.

    E
    M 你好吗
    M 我很好
    """

    name = "E/M conversations"

    def explains(self, sample: Sequence[str]) -> float:
        """The share of lines that are E or begin with M and a blank."""
        return sum(_conv_line(line) is not None for line in sample) / len(sample)

    def read(self, lines: Lines, skipped: Counter[str]) -> Iterator[Pair]:
        """One pair for every two neighbouring turns of a conversation."""
        before: str | None = None
        for number, line in lines:
            if line is None:
                skipped[NOT_UTF8] += 1
                before = None
                continue
            turn = _conv_line(line)
            if turn is not None and turn != "E":
                text = collapse(turn[1:])
                if before is not None:
                    yield Pair(before, text, number)
                before = text
            else:
                before = None
                if turn is None and line.strip():
                    skipped[NOT_CONV] += 1


def _conv_line(line: str) -> str | None:
    line = line.strip()
    return line if line == "E" or line == "M" or line.startswith(("M ", "M\t")) else None


class SlashedConv(Conv):
    """E/M conversations whose turns are cut into words or characters by slashes.

    E
    M 你/好/吗/
    M 我/很/好/
    """

    name = "E/M conversations cut by slashes"

    def explains(self, sample: Sequence[str]) -> float:
        """As E/M, if most turns have a slash between every few characters; then a little more."""
        turns = [line for line in sample if (_conv_line(line) or "E") != "E"]
        cut = sum(line.count("/") * 5 >= len(line.strip()) for line in turns)
        return super().explains(sample) * 1.01 if turns and cut > 0.8 * len(turns) else 0.0

    def read(self, lines: Lines, skipped: Counter[str]) -> Iterator[Pair]:
        """The pairs of E/M conversations with the slashes taken out."""
        for question, reply, number in super().read(lines, skipped):
            yield Pair(_unslash(question), _unslash(reply), number)


def _unslash(text: str) -> str:
    return collapse(text.replace("//", "\0").replace("/", "").replace("\0", "/"))


FORMATS: tuple[Format, ...] = (
    Conv(),
    SlashedConv(),
    SeparatedLines("TAB-separated lines", "\t"),
    SeparatedLines("lines separated by @@", "@@"),
    SeparatedLines('lines separated by " | "', " | "),
    SeparatedLines("lines separated by =", "="),
)
"""Every format of a single file; of two that explain a sample equally well the first is taken."""


def recognise(path: Path) -> Format:
    """The format of a file, told from its first lines.

    Raises:
        ChatbotError: no known format explains half of them, or the file cannot be read.
    """
    sample = sample_lines(path)
    best = max(FORMATS, key=lambda one: one.explains(sample))
    if best.explains(sample) < _ENOUGH:
        known = "; ".join(one.name for one in FORMATS)
        raise ChatbotError(
            f"{path}: format not recognised; the first line reads {sample[0][:40]!r}. "
            f"Known: {known}; paired files such as train.enc and train.dec. See docs/formats.md."
        )
    return best

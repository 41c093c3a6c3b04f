"""Lines that are utterances and nothing else.

Comes in: a text without marks. Goes out: conversations, by the place of lines alone. Which of the
two ways is meant cannot be seen where no blank line parts anything, so both are equally sure then,
and the user is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NO_REPLY, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.shape import (
    REFUSED,
    filled,
    looks_coded,
    looks_logged,
    looks_mute,
    looks_spoken,
    looks_wrapped,
    weighed,
)
from chatbot.corpus.formats.turns import Turns

UNDECIDED = 0.6
"""How sure both readers are of lines that nothing parts; equal, so that the user is asked."""


_CALLED = {"\t": "a TAB"}
_BETWEEN = {"\t": 0.5, "@@": 0.8, " | ": 0.8, "=": 0.8}
"""What stands between question and reply in other formats, and the share of lines that shows it."""


class Alternating(Format):
    """A question on one line, its reply on the next, and so on; blank lines do not count.

    Nothing in such a file tells whether it is this or one long conversation, so it is never
    guessed: say `--format alternating`, or `--format blocks` for the conversation.
    """

    name = "alternating"
    title = "alternating lines"
    examples = (
        Example(
            {"talk.txt": "你好吗\n我很好\n晚安\n好梦\n"}, [("你好吗", "我很好"), ("晚安", "好梦")]
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """As sure as blocks if nothing parts the lines; else hardly."""
        return _weigh(sample).alternating

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every two lines."""
        before: tuple[str, int] | None = None
        for number, line in text.lines():
            if not line or line.isspace():
                continue
            if before is None:
                before = line, number
            else:
                yield Conversation((before[0], line), (before[1], number))
                before = None
        if before is not None:
            skipped[NO_REPLY] += 1


class Blocks(Format):
    """One utterance a line, with a blank line, or several, between conversations.

    Each line answers the one before it. Lines of Latin letters that mostly end without a full stop,
    question or exclamation mark might as well be something else; say `--format blocks` then. Where
    a blank line follows every utterance, it takes more of them to part conversations.
    """

    name = "blocks"
    title = "blocks of lines"
    examples = (
        Example(
            {"talk.txt": "你好吗\n我很好\n那就好\n\n晚安\n好梦\n"},
            [("你好吗", "我很好"), ("我很好", "那就好"), ("晚安", "好梦")],
        ),
        Example(
            {"talk.txt": "你好吗\n我很好\n\n\n\n晚安\n好梦\n"},
            [("你好吗", "我很好"), ("晚安", "好梦")],
        ),
        Example(
            {"talk.txt": "你好吗\n\n我很好\n\n\n\n晚安\n\n好梦\n"},
            [("你好吗", "我很好"), ("晚安", "好梦")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines in blocks of two and more, unless they look like prose or code."""
        return _weigh(sample).blocks

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The lines between one gap and the next."""
        least, gap = parted(text.sample().lines).least, 0
        turns = Turns(skipped)
        for number, line in text.lines():
            if not line or line.isspace():
                gap += 1
                if gap == least and (one := turns.end()):
                    yield one
                continue
            gap = 0
            turns.add(line, number)
            if turns.full:
                yield turns.piece()
        if one := turns.end():
            yield one


class Parted(NamedTuple):
    """The lines of a sample in blocks, and how many blank lines it takes to part two blocks."""

    blocks: list[list[str]]
    least: int


class _Weighed(NamedTuple):
    alternating: Evidence
    blocks: Evidence


def parted(lines: Sequence[str]) -> Parted:
    """Parts lines at every gap, or only at the longer ones if that leaves most lines alone."""
    gaps = _gaps(lines)
    cut = _cut(lines, 1)
    alone = sum(len(block) == 1 for block in cut)
    if gaps and max(gaps) > min(gaps) and alone > 0.5 * len(cut):
        return Parted(_cut(lines, min(gaps) + 1), min(gaps) + 1)
    return Parted(cut, 1)


def _gaps(lines: Sequence[str]) -> list[int]:
    """The lengths of the runs of blank lines between others."""
    gaps, run, begun = [], 0, False
    for line in lines:
        if line.strip():
            if run and begun:
                gaps.append(run)
            run, begun = 0, True
        else:
            run += 1
    return gaps


def _cut(lines: Sequence[str], least: int) -> list[list[str]]:
    blocks: list[list[str]] = []
    gap = least
    for line in lines:
        if line.strip():
            if gap >= least:
                blocks.append([])
            blocks[-1].append(line)
            gap = 0
        else:
            gap += 1
    return blocks


def _weigh(sample: Sample) -> _Weighed:
    """The evidence for both readers, which depends on each other."""
    lines = filled(sample)
    if len(lines) < 2:
        alone = Evidence(0.3, "one line alone answers nothing")
        return _Weighed(alone, alone)
    doubt = looks_coded(lines) or looks_logged(lines) or looks_mute(lines)
    for mark, least in _BETWEEN.items():
        marked = sum(mark in line for line in lines)
        if marked > least * len(lines):
            doubt = f"{marked:,} of {len(lines):,} lines have {_CALLED.get(mark, mark.strip())}"
    blocks = parted(sample.lines).blocks
    doubt = doubt or looks_wrapped(blocks)
    if doubt:
        unlikely = Evidence(REFUSED - 0.05, doubt)
        return _Weighed(unlikely, unlikely)
    together = sum(len(block) for block in blocks if len(block) > 1)
    if len(blocks) > 1 and together >= 0.5 * len(lines) and looks_spoken(lines):
        what = f"stand in blocks of two or more; blank lines part {len(blocks):,} blocks"
        found = weighed(0.8, together, len(lines), what)
        return _Weighed(Evidence(0.3, "blank lines part the lines"), found)
    lone = f"{len(lines):,} lines in {len(blocks):,} blocks parted by blank lines"
    if len(blocks) == 1:
        lone = f"{len(lines):,} lines and no blank one among them"
    return _Weighed(
        Evidence(UNDECIDED, f"{lone}, read as question, reply, question, reply"),
        Evidence(UNDECIDED, f"{lone}, each read as the reply to the one before"),
    )

"""E/M conversations, plain and cut by slashes.

Comes in: a text with `E` and `M` lines. Goes out: its conversations. Knows nothing of words: where
slashes cut a turn into words or characters, the turn is put together again and cut anew later.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.shape import filled, weighed
from chatbot.corpus.formats.turns import MOST_TURNS, Turns

NOT_CONV = "neither E nor M"

_BETWEEN_WORDS = re.compile("/(?:(?<=[A-Za-z]/)(?=[A-Za-z]{2})|(?<=[A-Za-z]{2}/)(?=[A-Za-z]))")


class Conv(Format):
    """`E` alone opens a conversation, each `M` line is a turn.

    Every turn is the reply to the turn before it in the same conversation, so a conversation of n
    turns gives n - 1 pairs. A line that is neither is skipped and counted as "neither E nor M", and
    nothing is answered across it, nor across a blank line.
    """

    name = "conv"
    title = "E/M conversations"
    examples: ClassVar[Sequence[Example]] = (
        Example(
            {"films.conv": "E\nM 你好吗\nM 我很好\nM 那就好\nE\nM 下雨了\nM 带伞吧\n"},
            [("你好吗", "我很好"), ("我很好", "那就好"), ("下雨了", "带伞吧")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines that are E or begin with M; less if the turns are cut by slashes."""
        return self._weighed(sample, 0.98, 0.85)

    def _weighed(self, sample: Sample, whole: float, cut: float) -> Evidence:
        lines = filled(sample)
        found = [kind for kind in map(_kind, lines) if kind is not None]
        turns = [turn for turn in found if turn != "E"]
        if not turns:
            return NOTHING
        slashed = _cut_turns(turns)
        top = cut if slashed else whole
        what = "are E alone or begin with M"
        if slashed:
            what += f", and {slashed:,} of {len(turns):,} turns are cut by slashes"
        return weighed(top, len(found), len(lines), what) if top else NOTHING

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The turns between one break and the next."""
        gathered = Turns(skipped)
        turns, lines = gathered.turns, gathered.lines
        for number, line in text.lines():
            kind = line if line[:2] == "M " or line == "E" else _kind(line)
            if kind is not None and kind != "E":
                turns.append(kind[1:])
                lines.append(number)
                if len(turns) < MOST_TURNS:
                    continue
                yield gathered.piece()
            else:
                if one := gathered.end():
                    yield one
                if kind is None and line and not line.isspace():
                    skipped[NOT_CONV] += 1
            turns, lines = gathered.turns, gathered.lines
        if one := gathered.end():
            yield one


def _kind(line: str) -> str | None:
    """The line without blanks around it if it is `E`, `M` or begins with M and a blank."""
    line = line.strip()
    return line if line == "E" or line == "M" or line.startswith(("M ", "M\t")) else None


def _cut_turns(turns: Sequence[str]) -> int:
    """How many turns have a slash between every few characters; 0 if it is not most of them."""
    long = [turn for turn in turns if len(turn) > 5]
    cut = sum(turn.count("/") * 5 >= len(turn) for turn in turns)
    cut_long = sum(turn.count("/") * 5 >= len(turn) for turn in long)
    return cut if long and cut_long > 0.8 * len(long) else 0


class SlashedConv(Conv):
    """As E/M conversations, with turns cut into words or characters by slashes.

    The turns are put together again; a slash behind the last word may be there or not. Two slashes
    side by side are one that belongs to the text. Where two words of Latin letters meet, a blank
    takes the place of the slash.
    """

    name = "conv-slashes"
    title = "E/M conversations cut by slashes"
    examples = (
        Example(
            {
                "chat.conv": "E\nM 你/好/，/在/吗/\nM 在/的/，/什么/事/\n"
                "E\nM 一/半/是/1///2/\nM 对/\n"
            },
            [("你好，在吗", "在的，什么事"), ("一半是1/2", "对")],
        ),
        Example({"chat.conv": "E\nM 今天/有/事/吗\nM 没/什么/事\n"}, [("今天有事吗", "没什么事")]),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """As E/M conversations, if most turns have a slash between every few characters."""
        return self._weighed(sample, 0.0, 0.98)

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The conversations with the slashes taken out."""
        for turns, lines, replies in super().read(text, skipped):
            yield Conversation([_unslash(turn) for turn in turns], lines, replies)


def _unslash(turn: str) -> str:
    turn = turn.replace("//", "\0")
    return _BETWEEN_WORDS.sub(" ", turn).replace("/", "").replace("\0", "/")

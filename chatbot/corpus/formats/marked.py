"""Turns that marks begin or end: `Q:` and `A:` lines, and `__eou__`.

Comes in: a text. Goes out: its conversations, without the marks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.shape import filled, weighed
from chatbot.corpus.formats.turns import RepliesBy, Turns

NOT_QA = "neither Q nor A"
NO_EOU = "no __eou__"

_MARK = re.compile(
    r"\s*((?:(q|question|问|問|问题|問題)|a|answer|答|回答|答案)\s*\d*)\s*[:：]\s*", re.IGNORECASE
)
_BREAK = re.compile(r"\s*(?:={3,}|-{3,}|\*{3,}|#{3,})?\s*")


class QaLines(Format):
    """`Q:` and `A:` lines, with `===` or a blank line between conversations.

    The marks may also be `Question:` and `Answer:` or 问：, 問：, 答：, 问题： and 回答：, with
    numbers (`Q1:`) or without. Each turn answers the one before it in its conversation; where
    nothing parts conversations, every question opens a new one. `--replies-by A` makes replies of
    answers only. A line without a mark is skipped and counted as "neither Q nor A", and nothing is
    answered across it.
    """

    name = "qa"
    title = "Q/A lines"
    examples = (
        Example(
            {"talk.txt": "Q: 你好吗\nA: 我很好\nQ: 那就好\n===\nQ: 晚安\nA: 好梦\n"},
            [("你好吗", "我很好"), ("我很好", "那就好"), ("晚安", "好梦")],
        ),
        Example(
            {"talk.txt": "问：你好吗\n答：我很好\n问：晚安\n答：好梦\n"},
            [("你好吗", "我很好"), ("晚安", "好梦")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines that begin with a mark, if there are both marks."""
        lines = [line for line in sample.lines if not _BREAK.fullmatch(line)]
        found = [mark for mark in map(_MARK.match, lines) if mark]
        questions = sum(mark[2] is not None for mark in found)
        if not questions or questions == len(found):
            return NOTHING
        what = f"begin with a mark such as {found[0][0].strip()}"
        return weighed(0.97, len(found), len(lines), what)

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The marked lines between one break and the next."""
        parted = _parted(text.sample().lines)
        by, turns = RepliesBy(self.reading), Turns(skipped)
        for number, line in text.lines():
            mark = _MARK.match(line)
            if mark is None:
                if not _BREAK.fullmatch(line):
                    skipped[NOT_QA] += 1
                if one := turns.end():
                    yield one
                continue
            if mark[2] is not None and not parted and (one := turns.end()):
                yield one
            turns.add(line[mark.end() :], number, by(mark[1], "A" if mark[2] is None else "Q"))
            if turns.full:
                yield turns.piece()
        if one := turns.end():
            yield one
        by.check(text.name)


def _parted(lines: Sequence[str]) -> bool:
    """Whether a break stands between marked lines."""
    places = [place for place, line in enumerate(lines) if _MARK.match(line)]
    inner = lines[places[0] : places[-1]] if places else ()
    return any(_BREAK.fullmatch(line) for line in inner)


class EouLines(Format):
    """One conversation a line, with `__eou__` behind every turn.

    What stands behind a TAB after the last turn (labels of acts or emotions) is left out.
    """

    name = "eou"
    title = "conversations with __eou__"
    mark = "__eou__"
    examples = (
        Example(
            {"talk.txt": "你好 __eou__ 你好呀 __eou__ 早 __eou__\n晚安 __eou__ 好梦 __eou__\n"},
            [("你好", "你好呀"), ("你好呀", "早"), ("晚安", "好梦")],
        ),
        Example({"talk.txt": "你好 __eou__ 你好呀 __eou__\t0 1\n"}, [("你好", "你好呀")]),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines that have the mark."""
        lines = filled(sample)
        fits = sum(self.mark in line for line in lines)
        return weighed(0.98, fits, len(lines), f"have {self.mark}")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The turns of each line."""
        for number, line in text.lines():
            turns = line.split(self.mark)
            if len(turns) == 1:
                if line.strip():
                    skipped[NO_EOU] += 1
                continue
            last = turns.pop().partition("\t")[0]
            if last.strip():
                turns.append(last)
            gathered = Turns(skipped)
            for turn in turns:
                gathered.add(turn, number)
            if one := gathered.end():
                yield one

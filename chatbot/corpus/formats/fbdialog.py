"""Numbered lines of a text and a reply (fbdialog, of ParlAI and bAbI).

Comes in: a text. Goes out: its conversations, with the replies marked as the ones to learn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.shape import filled, weighed
from chatbot.corpus.formats.turns import Turns

PERSONA = "persona line"
NO_NUMBER = "no number in front"

_LINE = re.compile(r"\s*(\d{1,9}) ")
_PERSONA = re.compile(r"(?:your|partner'?s|my|our)? ?persona\s*[:：]", re.IGNORECASE)


class FbDialog(Format):
    """Numbered lines of a text, a TAB and the reply to it; numbers begin anew with a conversation.

    Only the text behind the first TAB is a reply to learn; the turns before it are its context
    (`--context`), and so are numbered lines without a TAB. Columns behind the reply (rewards,
    candidates) are left out, and lines that tell a persona are counted as "persona line".
    """

    name = "fbdialog"
    title = "fbdialog"
    examples = (
        Example(
            {
                "train.txt": "1 your persona: 我养了一只猫\n2 你好\t你好呀\n"
                "3 你养猫吗\t养了一只\t\t是|不\n1 晚安\t好梦\n"
            },
            [("你好", "你好呀"), ("你养猫吗", "养了一只"), ("晚安", "好梦")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines whose number follows on the one before or is 1, if some have TABs."""
        lines = filled(sample)
        fits, before, parted = 0, 0, 0
        for line in lines:
            mark = _LINE.match(line)
            if mark is not None:
                number = int(mark[1])
                fits += number in (before + 1, 1)
                parted += "\t" in line
                before = number
        if parted < 0.2 * fits or not parted:
            return NOTHING
        return weighed(0.97, fits, len(lines), f"are numbered on or from 1, {parted:,} with a TAB")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The lines from one number to the next that is not larger."""
        turns, before = Turns(skipped), 0
        for place, line in text.lines():
            mark = _LINE.match(line)
            if mark is None:
                if line.strip():
                    skipped[NO_NUMBER] += 1
                continue
            number = int(mark[1])
            if number <= before and (one := turns.end()):
                yield one
            before = number
            question, tab, rest = line[mark.end() :].partition("\t")
            if _PERSONA.match(question):
                skipped[PERSONA] += 1
                continue
            turns.add(question, place, reply=False)
            if tab:
                turns.add(rest.partition("\t")[0], place)
            if turns.full:
                yield turns.piece()
        if one := turns.end():
            yield one

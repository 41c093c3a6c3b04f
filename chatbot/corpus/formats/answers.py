"""A question and several answers to it, one answer a column.

Comes in: a text with rows parted by TABs, commas or semicolons. Goes out: a conversation of two
turns for every answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import (
    NO_ANSWER,
    NOTHING,
    WRONG_FIELDS,
    Conversation,
    Evidence,
    Example,
    Format,
)
from chatbot.corpus.formats.headings import MISSING, Roles
from chatbot.corpus.formats.rows import rows
from chatbot.corpus.formats.shape import doubted, filled, weighed
from chatbot.corpus.formats.table import Layout, layouts

_NUMBER = re.compile(r"\s*[(（](\d\d?)[)）]\s*")


class Answers(Format):
    """A question and several answers to it in further columns, as in files from PTT.

    Each answer is a pair with the question. The first row may name the columns: `問題` and then
    `(1)`, `(2)` and so on, or `question,answer1,answer2`. Without one, an answer such as 沒有資料
    or 没有资料, or numbers in front of the answers, show what the columns are; if nothing does, say
    `--format answers`. Such markers are counted as "missing answer", and so is a row without any
    answer; empty columns are not. A row of one field, or one that ends before its question, is
    counted as "wrong number of fields".
    """

    name = "answers"
    title = "a question and several answers on a line"
    examples = (
        Example(
            {
                "ptt.txt": "問題\t(1)\t(2)\t(3)\t(4)\n晚餐吃什麼\t火鍋\t咖哩\t沒有資料\t沒有資料\n"
                "天氣如何\t下雨\t沒有資料\t沒有資料\t沒有資料\n"
            },
            [("晚餐吃什麼", "火鍋"), ("晚餐吃什麼", "咖哩"), ("天氣如何", "下雨")],
        ),
        Example(
            {"ptt.tsv": "晚餐吃什麼\t火鍋\t咖哩\n天氣如何\t下雨\t沒有資料\n"},
            [("晚餐吃什麼", "火鍋"), ("晚餐吃什麼", "咖哩"), ("天氣如何", "下雨")],
        ),
        Example(
            {"ptt.txt": "晚餐吃什麼\t(1)火鍋\t(2)咖哩\n天氣如何\t(1)下雨\n"},
            [("晚餐吃什麼", "火鍋"), ("晚餐吃什麼", "咖哩"), ("天氣如何", "下雨")],
        ),
        Example(
            {"faq.csv": "question,answer1,answer2\n你好,你好呀,早\n"},
            [("你好", "你好呀"), ("你好", "早")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines with several columns, if it shows that they hold answers."""
        if self.reading.columns:
            return NOTHING
        layout = _headed(sample)
        if layout is not None:
            what = f"have {layout.width} fields by {layout.called} under a header of answers"
            return weighed(0.98, layout.fits if layout.of else 1, layout.of or 1, what, "rows")
        lines = filled(sample)
        fields = [line.split("\t") for line in lines]
        several = [one for one in fields if len(one) > 1 and one[0].strip()]
        wide = sum(len(one) > 2 for one in several)
        if not wide:
            return NOTHING
        marked = sum(any(cell.strip() in MISSING for cell in one[1:]) for one in several)
        numbered = sum(_numbered(1, one[1]) for one in several)
        what = "have answers in columns by TAB"
        if (marked and wide >= 0.1 * len(several)) or numbered > 0.5 * len(several):
            what += f", {marked:,} with markers and {numbered:,} with numbers"
            return weighed(0.95, len(several), len(lines), what)
        found = weighed(0.6, wide, len(lines), "have three columns or more by TAB")
        return doubted(found, "whether they hold answers does not show; say --format or --columns")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every answer of a row."""
        layout = _headed(text.sample())
        delimiter, quoted = (layout.delimiter, layout.quoted) if layout else ("\t", False)
        named = layout.roles if layout else None
        needed = max(1, named.question or 0) if named else 1
        table = rows(text.lines(), delimiter, quoted)
        if layout:
            next(table, None)
        for number, fields in table:
            if len(fields) <= needed:
                skipped[WRONG_FIELDS] += 1
                continue
            question, answers = _sides(fields, named)
            given, missing = 0, 0
            for answer in answers:
                if answer.strip() in MISSING:
                    missing += 1
                elif answer.strip():
                    given += 1
                    yield Conversation((question, answer), (number, number))
            if missing or not given:
                skipped[NO_ANSWER] += max(missing, 1)


def _headed(sample: Sample) -> Layout | None:
    """The layout that the first row gives if it names several answers."""
    return next((one for one in layouts(sample) if len(one.roles.answers) > 1), None)


def _sides(fields: Sequence[str], named: Roles | None) -> tuple[str, Sequence[str]]:
    """The question and the answers of a row, without numbers in front of them."""
    if named is None:
        question, answers = fields[0], fields[1:]
    else:
        question = fields[named.question or 0]
        answers = [fields[place] for place in named.answers if place < len(fields)]
    return question, [
        _NUMBER.sub("", answer, count=1) if _numbered(place, answer) else answer
        for place, answer in enumerate(answers, 1)
    ]


def _numbered(place: int, answer: str) -> bool:
    """Whether an answer begins with its own number, such as (2)."""
    found = _NUMBER.match(answer)
    return found is not None and int(found[1]) == place

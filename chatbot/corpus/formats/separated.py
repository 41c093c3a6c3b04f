"""One pair a line: a question, a separator, a reply.

Comes in: a text. Goes out: a conversation of two turns for every line of two fields. Nothing is
quoted here; tables whose fields may be are in `table`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

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
from chatbot.corpus.formats.headings import HEADER, LONGEST_MISSING, MISSING, names_columns, roles
from chatbot.corpus.formats.rows import (
    after_declaration,
    named_columns,
    no_column,
    numbered_columns,
    too_few_columns,
)
from chatbot.corpus.formats.shape import (
    doubted,
    filled,
    looks_coded,
    looks_listed,
    looks_logged,
    weighed,
)


class SeparatedLines(Format):
    """What the four of this family share.

    Attributes:
        separator: what stands between question and reply.
        called: the separator in words.
        top: how sure the reader is if all lines fit; the rarer a separator is in ordinary text, the
            surer.
    """

    separator: ClassVar[str]
    called: ClassVar[str]
    top: ClassVar[float]

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines with one separator between two texts, unless it is no talk."""
        lines = filled(sample)
        if self.reading.columns:
            return self._evidence_of_columns(lines, self.reading.columns)
        pairs = []
        for line in lines:
            sides = line.split(self.separator)
            if len(sides) == 2 and all(side.strip() for side in sides) and self._sound(line):
                pairs.append((sides[0], sides[1]))
        if not pairs:
            return NOTHING
        found = weighed(self.top, len(pairs), len(lines), f"have one {self.called} between texts")
        doubt = looks_logged(lines) or looks_listed(pairs) or self._doubt(lines, pairs)
        return doubted(found, doubt)

    def _sound(self, line: str) -> bool:
        """Whether a line may be of this format; one with a TAB is more likely parted there."""
        return "\t" not in line

    def _doubt(self, lines: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str:
        """In words, why the file may be no talk, although its lines have the separator."""
        others = [line for line in lines if line.count(self.separator) != 1]
        return looks_coded(
            [*others, *(left for left, _ in pairs), *(right.strip() for _, right in pairs)]
        )

    def _evidence_of_columns(self, lines: Sequence[str], columns: str) -> Evidence:
        if not lines:
            return NOTHING
        fields = [line.split(self.separator) for line in lines]
        chosen = numbered_columns(columns) or named_columns(columns, fields[0])
        if chosen is None:
            return NOTHING
        least = max(*chosen, 1) + 1
        fits = sum(len(sides) >= least for sides in fields)
        return weighed(self.top, fits, len(lines), f"have {least} columns or more by {self.called}")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every line of two fields."""
        if self.reading.columns:
            yield from self._read_columns(text, self.reading.columns, skipped)
            return
        separator = self.separator
        for number, line in after_declaration(text.lines()):
            sides = line.split(separator)
            if len(sides) == 2:
                if len(sides[1]) <= LONGEST_MISSING and sides[1].strip() in MISSING:
                    skipped[NO_ANSWER] += 1
                else:
                    yield Conversation(sides, (number, number))
            elif line and not line.isspace():
                skipped[WRONG_FIELDS] += 1

    def _read_columns(
        self, text: Text, columns: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """One pair for every line that has both columns; named ones are those of the first line."""
        chosen, most, given = numbered_columns(columns), 0, False
        sampled = [line.split(self.separator) for line in filled(text.sample())]
        for number, line in after_declaration(text.lines()):
            if not line or line.isspace():
                continue
            fields = line.split(self.separator)
            if not most:
                most = len(fields)
                by_name = chosen is None
                chosen = chosen or named_columns(columns, fields)
                if chosen is None:
                    raise no_column(text.name, columns, fields)
                if by_name or is_header(fields, chosen):
                    given = most > max(chosen)
                    continue
                if names_columns(fields, sampled[1:], chosen):
                    skipped[HEADER] += 1
                    given = most > max(chosen)
                    continue
            most = max(most, len(fields))
            if chosen is None or len(fields) <= max(chosen):
                skipped[WRONG_FIELDS] += 1
                continue
            given = True
            question, reply = fields[chosen[0]], fields[chosen[1]]
            if reply.strip() in MISSING:
                skipped[NO_ANSWER] += 1
            else:
                yield Conversation((question, reply), (number, number))
        if most and not given:
            raise too_few_columns(text.name, columns, most, sampled[0])


def is_header(fields: Sequence[str], chosen: Sequence[int]) -> bool:
    """Whether a first row names the chosen columns instead of filling them."""
    found = roles(fields)
    return found.question in chosen and any(place in chosen for place in found.answers)


class TabLines(SeparatedLines):
    """A question, a TAB, a reply on each line, whatever the file is called.

    A line with more or fewer than two fields is skipped and counted as "wrong number of fields". An
    answer such as 沒有資料 or 没有资料 stands for a missing one and is counted as "missing answer".
    With `--columns 2,3` lines may have more fields, and those two are taken.
    """

    name = "tab"
    title = "TAB-separated lines"
    separator = "\t"
    called = "TAB"
    top = 0.85
    examples = (
        Example(
            {"talk.tsv": "你好吗\t我很好\n1+1=?\t2\n晚安\t好梦\n"},
            [("你好吗", "我很好"), ("1+1=?", "2"), ("晚安", "好梦")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """Less sure of lines all of whose fields are quoted: those are a table's."""
        found = super().evidence(sample)
        lines = filled(sample)
        quoted = sum(line.lstrip()[:1] == '"' and line.rstrip()[-1:] == '"' for line in lines)
        if quoted <= 0.5 * len(lines):
            return found
        return Evidence(found.sureness * 0.8, f"{found.reason}, most of them quoted")

    def _sound(self, line: str) -> bool:
        return True

    def _doubt(self, lines: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str:
        return ""


class PipeLines(SeparatedLines):
    """A question, ` | ` with a blank on both sides, a reply.

    Everything else is as with TABs.
    """

    name = "pipe"
    title = 'lines separated by " | "'
    separator = " | "
    called = '" | "'
    top = 0.8
    examples = (
        Example(
            {"talk.txt": "你好吗 | 我很好\na=b 是什么 | 赋值\n"},
            [("你好吗", "我很好"), ("a=b 是什么", "赋值")],
        ),
    )


class EqualsLines(SeparatedLines):
    """A question, `=`, a reply.

    A file whose questions are nearly all single words in Latin letters, digits and points looks
    like settings or source code and is not taken unless you say `--format equals`.
    """

    name = "equals"
    title = "lines separated by ="
    separator = "="
    called = '"="'
    top = 0.72
    examples = (
        Example(
            {"talk.txt": "你好吗=我很好\n晚安=好梦\n"}, [("你好吗", "我很好"), ("晚安", "好梦")]
        ),
    )
    _SETTING = re.compile(r"[\s#;]*(?:export |set )?[\w.\-\[\]]+\s*(?::.*|[-+*/|])?", re.ASCII)

    def _doubt(self, lines: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str:
        names = sum(self._SETTING.fullmatch(left) is not None for left, _ in pairs)
        if names > 0.8 * len(pairs):
            return f"{names:,} of {len(pairs):,} look like settings"
        return super()._doubt(lines, pairs)


class AtLines(SeparatedLines):
    """A question, `@@`, a reply."""

    name = "at"
    title = "lines separated by @@"
    separator = "@@"
    called = '"@@"'
    top = 0.88
    examples = (
        Example(
            {"talk.txt": "你好吗@@我很好\na = b@@对\n"}, [("你好吗", "我很好"), ("a = b", "对")]
        ),
    )

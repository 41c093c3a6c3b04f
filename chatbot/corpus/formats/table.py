"""Tables: a question and its reply in two columns of a row.

Comes in: a text with rows parted by commas, semicolons or TABs, with or without a first row of
names. Goes out: a conversation of two turns for every row that has both. `layout` tells how a file
is laid out, for this reader and for those of its siblings that also read rows.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
from chatbot.corpus.formats.headings import HEADER, MISSING, Roles, names_columns, roles
from chatbot.corpus.formats.rows import (
    declared_delimiter,
    first_row,
    named_columns,
    no_column,
    numbered_columns,
    rows,
    shown,
    too_few_columns,
)
from chatbot.corpus.formats.separated import is_header
from chatbot.corpus.formats.shape import doubted, looks_listed, looks_logged, weighed
from chatbot.errors import ChatbotError

EVEN = 0.9
"""Share of rows with as many fields as the others from which on a file is evidently a table."""

NEGATIVE = "label 0 (a negative)"

_NAMES = {",": "comma", ";": "semicolon", "\t": "TAB"}
_DECLARED = {**_NAMES, "|": "bar"}
_NO, _YES = ("0", "0.0"), ("1", "1.0")


class Layout(NamedTuple):
    """How the rows of a file are to be taken apart."""

    delimiter: str
    quoted: bool
    width: int
    """fields of most rows, or of the first one if it holds names"""
    roles: Roles
    """what the first row names; nothing if it is a row like the others"""
    fits: int
    """rows of that width in the sample, the first row not counted if it holds names"""
    of: int
    """rows in the sample, likewise"""

    @property
    def called(self) -> str:
        """The delimiter in words."""
        return _DECLARED[self.delimiter]


def layouts(sample: Sample) -> list[Layout]:
    """The ways in which a sample may be a table, the likeliest first."""
    declared = declared_delimiter(sample.lines[0]) if sample.lines else None
    delimiters = tuple(_NAMES) if declared is None else (declared,)
    found = [one for delimiter in delimiters if (one := _layout(sample, delimiter)) is not None]
    return sorted(found, key=lambda one: one.fits / max(1, one.of), reverse=True)


def _layout(sample: Sample, delimiter: str) -> Layout | None:
    if not any(delimiter in line for line in sample.lines):
        return None
    quoted = delimiter != "\t" or _quoted_tabs(sample.lines)
    table = [fields for _, fields in rows(_numbered(sample.lines), delimiter, quoted)]
    if not table:
        return None
    named = roles(table[0])
    header = len(table[0]) > 1 and (bool(named.answers) or named.has_turns)
    width = len(table[0]) if header else Counter(map(len, table)).most_common(1)[0][0]
    body = table[header:]
    fits = sum(len(fields) == width for fields in body)
    return Layout(delimiter, quoted, width, named if header else Roles(), fits, len(body))


def _quoted_tabs(lines: Sequence[str]) -> bool:
    """Whether quotes around fields between TABs are a writer's, and not the text's own."""
    literal, begun = 0, 0
    for line in lines:
        if '"' in line:
            fields = line.rstrip().split("\t")
            marked = [field for field in fields if field.startswith('"')]
            begun += bool(marked)
            whole = all(len(field) > 1 and field.endswith('"') for field in marked)
            literal += bool(marked) and whole and len(marked) < len(fields) and '""' not in line
    return begun > 0 and literal < 0.5 * begun


def _numbered(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    return iter(enumerate(lines, 1))


def table_fault(sample: Sample, where: str, columns: str | None) -> ChatbotError | None:
    """What keeps a file that is evidently a table from being read as one; None of other files.

    Args:
        sample: its beginning.
        where: what messages call it.
        columns: those that `--columns` gives, if it was given.
    """
    named = sample.name.lower().endswith((".csv", ".tsv"))
    for layout in layouts(sample):
        table = list(_body(sample, layout, header=True))
        marked = named or layout.delimiter == "\t" or names_columns(table[0], table[1:], ())
        even = len(table) > 1 and layout.width > 1 and layout.fits >= EVEN * layout.of
        if not even or not marked:
            continue
        if columns is None:
            tabs = layout.delimiter == "\t"
            return _unknown_columns(where, table, tabs=tabs) if layout.width > 2 else None
        chosen = numbered_columns(columns)
        if chosen is None and named_columns(columns, table[0]) is None:
            return no_column(where, columns, table[0])
        if chosen is not None and max(chosen) >= layout.width:
            return too_few_columns(where, columns, layout.width, table[0])
    return None


class Table(Format):
    """A question and its reply in two columns of a row, with commas, semicolons or TABs between.

    The first row names the columns: `question,answer`, `prev,next`, `ask,answer`, `query,response`,
    `title,reply`, `问题,回答` and many more are known, and other columns may stand beside them.
    Fields may be quoted, and quoted ones may go over several lines. `--columns title,body` or
    `--columns 2,3` says which two are meant where the names are not known or there are none; a file
    called `.csv` whose rows all have two fields needs neither. A first row of names over a column
    of numbers or dates is no pair whatever the names are, and is counted as "row of column names";
    a first line such as `sep=;`, by Excel, names the delimiter. A row with more or fewer fields
    than the first is counted as "wrong number of fields"; where a column `label` holds 0 and 1,
    rows with 0 are counted as "label 0 (a negative)".
    """

    name = "csv"
    title = "table of questions and answers (CSV)"
    examples = (
        Example(
            {
                "faq.csv": 'id,question,answer\n1,你好,"你好，""朋友"""\n2,"a, b",c\n'
                '3,晚安,"好\n梦"\n4,早\n'
            },
            [("你好", '你好，"朋友"'), ("a, b", "c"), ("晚安", "好 梦")],
        ),
        Example({"faq.csv": "你好,你也好\n晚安,好梦\n"}, [("你好", "你也好"), ("晚安", "好梦")]),
        Example({"faq.txt": "问题;回答\n你好;你也好\n"}, [("你好", "你也好")]),
        Example({"faq.csv": "ask\tanswer\n你好\t你,也好\n"}, [("你好", "你,也好")]),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of rows as wide as the first, if it is known what its columns are."""
        found = [self._evidence(sample, one) for one in layouts(sample)]
        return max(found, default=NOTHING)

    def _evidence(self, sample: Sample, layout: Layout) -> Evidence:
        if self.reading.columns:
            return self._evidence_of_columns(sample, layout, self.reading.columns)
        what = f"have {layout.width} fields by {layout.called}"
        if layout.roles.answers:
            top = 0.97 if len(layout.roles.answers) == 1 else 0.9
            return weighed(
                top,
                layout.fits if layout.of else 1,
                layout.of or 1,
                f"{what} under a header with {_names_of(sample, layout)}",
                "rows",
            )
        csv = sample.name.lower().endswith(".csv")
        if layout.roles.has_turns or layout.width < 2 or not (csv or _tabs(layout)):
            return NOTHING
        if layout.width > 2:
            found = weighed(0.8, layout.fits, layout.of, what, "rows")
            return doubted(found, "none is known as question or answer; say --columns")
        if layout.delimiter == "\t" and not layout.quoted:
            return NOTHING  # these are lines of another reader
        fits = [f for f in _body(sample, layout) if len(f) == 2 and all(x.strip() for x in f)]
        if not fits:
            return NOTHING
        found = weighed(0.9 if _tabs(layout) else 0.8, len(fits), layout.of, what, "rows")
        pairs = [(fields[0], fields[1]) for fields in fits]
        few = "" if len(fits) > 0.75 * layout.of else "without a header it takes nearly all of them"
        return doubted(found, few or looks_logged(sample.lines) or looks_listed(pairs))

    def _evidence_of_columns(self, sample: Sample, layout: Layout, columns: str) -> Evidence:
        table = list(_body(sample, layout, header=True))
        by_name = numbered_columns(columns) is None
        chosen = numbered_columns(columns) or named_columns(columns, table[0])
        if chosen is None or layout.width <= max(chosen):
            return NOTHING
        what = f"have {layout.width} fields by {layout.called}"
        csv = sample.name.lower().endswith(".csv") or layout.roles.answers
        top = 0.97 if by_name or layout.roles.answers else 0.9 if csv or _tabs(layout) else 0.7
        if not by_name and layout.delimiter == "\t" and not layout.quoted:
            top = 0.7
        return weighed(top, layout.fits, layout.of, what, "rows")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every row as wide as the first that has both columns."""
        sample = text.sample()
        layout, (question, reply), by_name = self._columns(sample, text.name)
        table = rows(text.lines(), layout.delimiter, layout.quoted)
        label = _label(sample, layout)
        top, *body = _body(sample, layout, header=True)
        headed = not by_name and names_columns(top, body, (question, reply))
        needed = max(question, reply, label or 0)
        exact, most = self.reading.columns is None, 0
        for place, (number, fields) in enumerate(table):
            if not place and (by_name or is_header(fields, (question, reply))):
                continue
            if not place and headed:
                skipped[HEADER] += 1
                continue
            most = max(most, len(fields))
            if len(fields) <= needed or (exact and len(fields) != layout.width):
                skipped[WRONG_FIELDS] += 1
            elif label is not None and fields[label].strip() in _NO:
                skipped[NEGATIVE] += 1
            elif fields[reply].strip() in MISSING:
                skipped[NO_ANSWER] += 1
            else:
                yield Conversation((fields[question], fields[reply]), (number, number))
        if self.reading.columns and 0 < most <= max(question, reply):
            raise too_few_columns(text.name, self.reading.columns, most, top)

    def _columns(self, sample: Sample, where: str) -> tuple[Layout, tuple[int, int], bool]:
        """How the rows are laid out, which two columns are meant, and whether by a header.

        Raises:
            ChatbotError: the columns asked for are not there, or it is not known which they are.
        """
        found = layouts(sample)
        columns = self.reading.columns
        headed = [one for one in found if one.roles.answers]
        if not found:
            raise ChatbotError(
                f"{where}: no comma, semicolon or TAB in its first lines, so it is no table. "
                "Leave --format out to have the format recognised."
            )
        if columns is None:
            for one in headed:
                if one.roles.question is not None:
                    return one, (one.roles.question, one.roles.answers[0]), True
            if found[0].width != 2:
                raise _unknown_columns(where, list(_body(sample, found[0], header=True)))
            return found[0], (0, 1), False
        numbers = numbered_columns(columns)
        if numbers is not None:
            return (headed or found)[0], numbers, bool(headed)
        firsts = [next(iter(_body(sample, one, header=True))) for one in found]
        for one, first in zip(found, firsts, strict=True):
            named = named_columns(columns, first)
            if named is not None:
                return one, named, True
        raise no_column(where, columns, firsts[0])


def _tabs(layout: Layout) -> bool:
    """Whether the fields are quoted and parted by TABs, which is shape enough without a name."""
    return layout.delimiter == "\t" and layout.quoted


def _body(sample: Sample, layout: Layout, header: bool = False) -> Iterator[list[str]]:
    table = rows(_numbered(sample.lines), layout.delimiter, layout.quoted)
    named = bool(layout.roles.answers) or layout.roles.has_turns
    for place, (_, fields) in enumerate(table):
        if place or header or not named:
            yield fields


def _names_of(sample: Sample, layout: Layout) -> str:
    header = next(iter(_body(sample, layout, header=True)))
    chosen = (layout.roles.question or 0, *layout.roles.answers)
    return ", ".join(header[place].strip() for place in chosen)


def _label(sample: Sample, layout: Layout) -> int | None:
    """The column of labels, if all that the sample has in it is 0 or 1."""
    place = layout.roles.label
    if place is None:
        return None
    found = {
        fields[place].strip() for fields in _body(sample, layout) if len(fields) == layout.width
    }
    return place if found <= {*_NO, *_YES} else None


def _unknown_columns(
    where: str, table: Sequence[Sequence[str]], *, tabs: bool = False
) -> ChatbotError:
    header, *body = table
    several = ", or if all but the first are replies --format answers" if tabs else ""
    longest = sorted(range(len(header)), key=lambda place: -_letters(body or table, place))
    question, reply = sorted(longest[:2])
    names = [shown(header[place]) for place in (question, reply)]
    example = f"--columns {question + 1},{reply + 1}"
    if names_columns(header, body, (question, reply)):
        example += f" or --columns {shlex.quote(','.join(names))}"
    return ChatbotError(
        f"{where}: a table, but which of its {len(header)} columns are question and reply is not "
        f"known; the first row reads {first_row(header)}. Say it with two numbers or names, e.g. "
        f"{example}{several}."
    )


def _letters(table: Sequence[Sequence[str]], place: int) -> int:
    """How many letters a column has."""
    return sum(sum(map(str.isalpha, row[place])) for row in table if place < len(row))

"""Numbered lines in; rows of fields out."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.formats.rows import MOST_LINES, named_columns, numbered_columns, rows

FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8).filter(
    lambda field: not field.startswith(" ")
) | st.text('",\n;x', max_size=8)


def split(text, delimiter=",", quoted=True):
    lines = enumerate(text.removesuffix("\n").split("\n"), 1)
    return list(rows(iter(lines), delimiter, quoted))


@given(
    st.lists(st.lists(FIELD, min_size=2, max_size=4), max_size=6),
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_csv_module_writes_is_read(table, delimiter, quoting):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows(table)
    expected = [fields for fields in table if any(field.strip() for field in fields)]
    found = [fields for _, fields in split(out.getvalue(), delimiter)]
    assert [fields for fields in found if any(field.strip() for field in fields)] == expected


def test_a_row_stands_where_it_begins():
    text = 'a,b\n\n"c\n\nd",e\nf,g\n'
    assert split(text) == [(1, ["a", "b"]), (3, ["c\n\nd", "e"]), (6, ["f", "g"])]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('"he said",ok', ["he said", "ok"]),
        ('"he" said,ok', ['"he" said', "ok"]),
        ('5" wide,ok', ['5" wide', "ok"]),
        ('"never closed,ok', ['"never closed', "ok"]),
        ('a, "b, c"', ["a", "b, c"]),
        ('"a""b",""', ['a"b', ""]),
        ('"a",b\r', ["a", "b"]),
        ('"a","b"\r', ["a", "b"]),
        ('"a\rc","b"', ["a c", "b"]),
        ("a,b\rc", ["a", "b\rc"]),
    ],
)
def test_a_quote_that_does_not_work_out_is_a_letter_and_spoils_nothing_else(line, fields):
    assert split(f"{line}\nx,y\n") == [(1, fields), (2, ["x", "y"])]


def test_a_long_quoted_field_stays_whole():
    long = "a, b, " * 50_000
    assert split(f'q,"{long}"\nx,y\n') == [(1, ["q", long]), (2, ["x", "y"])]
    half = "c, d\n" * 900
    assert split(f'"{half}","{long}"\n') == [(1, [half, long])]


def test_a_quote_that_does_not_close_within_many_lines_is_a_letter():
    text = '"a,b\n' + "c,d\n" * (2 * MOST_LINES)
    found = split(text)
    assert found[0] == (1, ['"a', "b"])
    assert found[1:] == [(2 + i, ["c", "d"]) for i in range(2 * MOST_LINES)]


def test_quotes_are_letters_where_nothing_is_quoted():
    assert split('"a\tb"\n', "\t", quoted=False) == [(1, ['"a', 'b"'])]


def test_columns_are_numbers_from_one_or_names_in_any_case():
    assert numbered_columns(" 3, 1") == (2, 0)
    assert numbered_columns("3,name") is None
    assert named_columns("Reply, question", ["id", "QUESTION ", '"reply"']) == (2, 1)
    assert named_columns("reply,other", ["reply"]) is None

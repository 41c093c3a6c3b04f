"""Lines with a separator in; pairs and counts out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.corpus.formats.headings import MISSING
from chatbot.errors import ChatbotError

SEPARATORS = {"tab": "\t", "pipe": " | ", "equals": "=", "at": "@@"}
SIDE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="|=@\ufeff"),
    max_size=15,
).filter(lambda side: side.strip() and side.strip() not in MISSING)


@settings(max_examples=40)
@given(st.lists(st.tuples(SIDE, SIDE), max_size=9), st.sampled_from(sorted(SEPARATORS)))
def test_what_is_written_is_read(read, pairs, name):
    text = "".join(f"{question}{SEPARATORS[name]}{reply}\r\n" for question, reply in pairs)
    expected = [(" ".join(q.split()), " ".join(r.split())) for q, r in pairs]
    assert read(name, text or "\n\nx") == (expected, {} if pairs else {"wrong number of fields": 1})


@pytest.mark.parametrize("name", sorted(SEPARATORS))
def test_lines_of_another_number_of_fields_are_counted_and_blank_ones_are_not(read, name):
    lines = [
        "a,b",
        "alone",
        "",
        "  \u3000",
        "a,b,c",
        ",",
        "c,d",
        "x,,y",
        "q,沒有資料 ",
        "q,没有资料",
    ]
    text = "\n".join(lines).replace(",", SEPARATORS[name])
    assert read(name, text) == (
        [("a", "b"), ("", ""), ("c", "d")],
        {"wrong number of fields": 3, "missing answer": 2},
    )


def test_only_the_separator_of_the_format_parts_a_line(read):
    assert read("tab", "1+1=?\ta | b\n") == ([("1+1=?", "a | b")], {})
    assert read("pipe", "a|b=c | d@@e\n") == ([("a|b=c", "d@@e")], {})


def test_a_line_knows_its_place(conversations):
    found = conversations("tab", "\na\tb\n\nc\td")
    assert [one.lines for one in found] == [(2, 2), (4, 4)]


@pytest.mark.parametrize("columns", ["3,2", "text, ANSWER "])
def test_columns_may_be_chosen_by_number_or_name(read, columns):
    text = "id\tanswer\ttext\n1\tb\ta\n2\td\tc\tmore\n3\te\n"
    assert read("tab", text, columns=columns) == (
        [("a", "b"), ("c", "d")],
        {"wrong number of fields": 1},
    )


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (
            "2,4",
            "{}: --columns 2,4: no line has that many columns; the most are 3; the first row "
            "reads q, r, s. Give two numbers from 1 to 3.",
        ),
        (
            "q,x",
            "{}:1: --columns q,x: no column is named 'x'; the first row reads q, r, s. Give two "
            "of these names, or two numbers from 1.",
        ),
        ("0,1", "--columns 0,1: columns are counted from 1. Give two from 1 up."),
    ],
)
def test_a_column_that_is_not_there_is_an_error(text_of, read, columns, line):
    text = "q\tr\ts\na\tb\tc\n"
    with pytest.raises(ChatbotError) as caught:
        read("tab", text, columns=columns)
    said = str(caught.value)
    assert said == line.format(said.partition("talk.txt")[0] + "talk.txt")

"""Rows of a question and several answers in; pairs and counts out."""

from hypothesis import given, settings
from hypothesis import strategies as st

CELL = st.text("你好嗎天氣abc (1)", min_size=1, max_size=6).map(str.strip).filter(bool)
ROWS = st.lists(st.tuples(CELL, st.lists(CELL, min_size=1, max_size=4)), min_size=1, max_size=6)


@settings(max_examples=40)
@given(ROWS)
def test_what_is_written_is_read(read, rows):
    lines = ["問題\t(1)\t(2)\t(3)\t(4)"]
    for question, answers in rows:
        numbered = [f"({place}) {answer}" for place, answer in enumerate(answers, 1)]
        lines.append("\t".join([question, *numbered, *["沒有資料"] * (4 - len(answers))]))
    expected = [
        (" ".join(question.split()), " ".join(answer.split()))
        for question, answers in rows
        for answer in answers
    ]
    gaps = sum(4 - len(answers) for _, answers in rows)
    assert read("answers", "\n".join(lines)) == (expected, {"missing answer": gaps} if gaps else {})


def test_gaps_are_counted_and_empty_columns_behind_are_not(read):
    text = "q\ta\tb\t\nalone\nr\t\t\ns\t沒有資料\t没有资料\nt\tc\t 沒有資料\r\n"
    assert read("answers", text) == (
        [("q", "a"), ("q", "b"), ("t", "c")],
        {"wrong number of fields": 1, "missing answer": 4},
    )


def test_only_an_answers_own_number_is_taken_off(read):
    assert read("answers", "q\t(1)a\t(1) b\t（3）c\n")[0] == [
        ("q", "a"),
        ("q", "(1) b"),
        ("q", "c"),
    ]


def test_a_header_says_which_columns_are_answers(read):
    text = "id,question,answer1,answer2,date\n7,q,a,b,today\n8,r,c\n"
    assert read("answers", text)[0] == [("q", "a"), ("q", "b"), ("r", "c")]


def test_a_row_that_ends_before_its_question_is_counted(read):
    text = "id,answer1,answer2,question\n4,a,b,q\n5,foo\n6,c,,r\n"
    assert read("answers", text) == (
        [("q", "a"), ("q", "b"), ("r", "c")],
        {"wrong number of fields": 1},
    )

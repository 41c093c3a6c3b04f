"""Q/A lines and __eou__ in; pairs and counts out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import ChatbotError

TURN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    max_size=10,
).filter(lambda turn: turn.strip() and "__eou__" not in turn)
TALKS = st.lists(st.lists(TURN, min_size=2, max_size=5), min_size=2, max_size=5)
MARKS = [("Q:", "A:"), ("问：", "答："), ("問題1: ", "回答1: "), (" question: ", "Answer:")]


def neighbours(talks):
    return [
        (" ".join(one.split()), " ".join(after.split()))
        for talk in talks
        for one, after in zip(talk, talk[1:], strict=False)
    ]


@settings(max_examples=40)
@given(TALKS, st.sampled_from(MARKS), st.sampled_from(["===", "", "-----"]))
def test_q_and_a_that_are_written_are_read(read, talks, marks, part):
    blocks = [[marks[place % 2] + turn for place, turn in enumerate(talk)] for talk in talks]
    text = f"\n{part}\n".join("\n".join(block) for block in blocks)
    assert read("qa", text) == (neighbours(talks), {})


@settings(max_examples=40)
@given(TALKS, st.sampled_from(["", "\t1 2 3"]))
def test_eou_that_is_written_is_read(read, talks, labels):
    text = "".join("".join(f"{turn} __eou__" for turn in talk) + labels + "\n" for talk in talks)
    assert read("eou", text) == (neighbours(talks), {})


def test_where_nothing_parts_them_every_question_opens_a_conversation(read):
    assert read("qa", "Q: a\nA: b\nA: c\nQ: d\nA: e\n") == (
        [("a", "b"), ("b", "c"), ("d", "e")],
        {},
    )


def test_replies_may_be_answers_only_by_mark_or_letter(read):
    text = "问：a\n答：b\n问：c\n答：d\n===\n问：e\n答：f\n"
    for name in ("A", "答"):
        assert read("qa", text, replies_by=name)[0] == [("a", "b"), ("c", "d"), ("e", "f")]
    assert read("qa", text, replies_by="q")[0] == [("b", "c")]
    with pytest.raises(ChatbotError, match="no turn is by 'bot'; the speakers are 问, 答"):
        read("qa", text, replies_by="bot")


def test_lines_without_a_mark_are_counted_and_part(read):
    assert read("qa", "Q: a\nmore\nA: b\nQ: c\n===\nQ: d\nA: e\n") == (
        [("b", "c"), ("d", "e")],
        {"neither Q nor A": 1, "conversation of one turn": 1},
    )
    assert read("eou", "a __eou__ b\nnothing\n\nc __eou__\n") == (
        [("a", "b")],
        {"no __eou__": 1, "conversation of one turn": 1},
    )

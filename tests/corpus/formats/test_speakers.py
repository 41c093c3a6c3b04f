"""Tables with one utterance a row in; pairs and counts out."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import ChatbotError

TURN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    max_size=10,
)
TALKS = st.lists(st.lists(TURN, min_size=2, max_size=4), min_size=1, max_size=4)
MELD = (
    "Sr,Utterance,Speaker,Dialogue_ID\n1,a,Joey,0\n2,b,Ross,0\n3,c,Joey,0\n4,d,Ross,1\n5,e,Joey,1\n"
)


@settings(max_examples=40)
@given(TALKS)
def test_what_is_written_is_read(read, talks):
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Dialogue_ID", "Utterance"])
    for number, talk in enumerate(talks):
        writer.writerows((number, turn) for turn in talk)
    expected = [
        (" ".join(one.split()), " ".join(after.split()))
        for talk in talks
        for one, after in zip(talk, talk[1:], strict=False)
    ]
    assert read("csv-turns", out.getvalue()) == (expected, {})


def test_each_row_answers_the_one_before_in_its_conversation(read, conversations):
    assert read("csv-turns", MELD) == ([("a", "b"), ("b", "c"), ("d", "e")], {})
    assert [one.lines for one in conversations("csv-turns", MELD)] == [[2, 3, 4], [5, 6]]


def test_replies_may_be_those_of_one_speaker(read):
    assert read("csv-turns", MELD, replies_by="joey ") == ([("b", "c"), ("d", "e")], {})
    assert read("csv-turns", MELD, replies_by="Ross") == (
        [("a", "b")],
        {"conversation without a reply to learn": 1},
    )


def test_a_speaker_who_never_speaks_is_an_error(read):
    with pytest.raises(ChatbotError) as caught:
        read("csv-turns", MELD, replies_by="Monica")
    assert str(caught.value).endswith(
        "talk.txt: --replies-by Monica: no turn is by 'Monica'; the speakers are Joey, Ross. Name "
        "one of them, or leave the option out."
    )


def test_system_turns_are_left_out_unless_the_system_answers_users(read):
    text = "role,content\nsystem,be kind\nuser,a\nassistant,b\n"
    assert read("csv-turns", text) == ([("a", "b")], {"system turn": 1})
    assert read("csv-turns", "role,content\nuser,a\nSYSTEM,b\n") == ([("a", "b")], {})
    assert read("csv-turns", "role,content\nsystem,a\nsystem,b\n") == ([], {"system turn": 2})


def test_rows_of_another_width_are_counted_and_nothing_is_answered_across_them(read):
    text = "conversation,text\n0,a\n0,b\n0,c,c\n0,d\n0,e\n1,f\n1\n1,g\n"
    assert read("csv-turns", text) == (
        [("a", "b"), ("d", "e")],
        {"wrong number of fields": 2, "conversation of one turn": 2},
    )

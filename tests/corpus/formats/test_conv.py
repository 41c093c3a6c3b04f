"""E/M texts in; pairs and counts out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DIALOGUE = "E\nM 早上好\nM 你也早\nM 吃了吗\nE\nM 下雨了\nM 带伞吧\n"
TURN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    max_size=12,
)
TALKS = st.lists(st.lists(TURN, min_size=2, max_size=5), min_size=1, max_size=5)


def collapsed(text):
    return " ".join(text.split())


def neighbours(talks):
    return [
        (collapsed(one), collapsed(next_one))
        for talk in talks
        for one, next_one in zip(talk, talk[1:], strict=False)
    ]


@settings(max_examples=40)
@given(TALKS)
def test_what_is_written_is_read(read, talks):
    text = "".join("E\n" + "".join(f"M {turn}\n" for turn in talk) for talk in talks)
    assert read("conv", text) == (neighbours(talks), {})


@settings(max_examples=40)
@given(TALKS, st.booleans())
def test_what_was_cut_by_slashes_is_put_together(read, talks, trailing):
    talks = [["".join(c for c in turn if not c.isascii()) for turn in talk] for talk in talks]
    lines = []
    for talk in talks:
        cut = ["/".join(turn) + "/" * (trailing and bool(turn)) for turn in talk]
        lines += ["E", *(f"M {turn}" for turn in cut)]
    assert read("conv-slashes", "\n".join(lines))[0] == neighbours(talks)


def test_every_turn_answers_the_one_before_and_stands_on_its_line(conversations):
    assert [tuple(one) for one in conversations("conv", DIALOGUE)] == [
        ([" 早上好", " 你也早", " 吃了吗"], [2, 3, 4], None),
        ([" 下雨了", " 带伞吧"], [6, 7], None),
    ]


@pytest.mark.parametrize(
    ("between", "reasons"),
    [
        ("E", {}),
        ("", {}),
        (" E \r", {}),
        ("Mx", {"neither E nor M": 1}),
        ("F", {"neither E nor M": 1}),
    ],
)
def test_nothing_is_answered_across_a_break(read, between, reasons):
    pairs, skipped = read("conv", f"E\nM a\n{between}\nM b\nM c\n")
    assert pairs == [("b", "c")]
    assert skipped == {"conversation of one turn": 1} | reasons


def test_empty_turns_and_stray_carriage_returns_are_turns(read):
    assert read("conv", "E\r\nM a\r\nM\r\n  M\tb\rc\r\n") == ([("a", ""), ("", "b c")], {})


def test_slashes_between_words_become_blanks_and_a_doubled_one_is_a_slash(read):
    text = "E\nM 一/半/就/是/1///2/\nM 对/ok/let/us/go\nM //\nM T/恤/\nM H/o/t/\n"
    assert read("conv-slashes", text)[0] == [
        ("一半就是1/2", "对ok let us go"),
        ("对ok let us go", "/"),
        ("/", "T恤"),
        ("T恤", "Hot"),
    ]

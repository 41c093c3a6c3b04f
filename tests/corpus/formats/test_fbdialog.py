"""Numbered lines in; conversations with marked replies out."""

from hypothesis import given, settings
from hypothesis import strategies as st

SIDE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff:："),
    max_size=10,
).filter(str.strip)
TALKS = st.lists(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=40)
@given(TALKS, st.sampled_from(["", "\t\ta|b|c", "\t1.0"]))
def test_what_is_written_is_read(conversations, talks, behind):
    text = "".join(
        f"{number} {question}\t{reply}{behind}\n"
        for talk in talks
        for number, (question, reply) in enumerate(talk, 1)
    )
    found = conversations("fbdialog", text)
    assert [[*one.turns] for one in found] == [[s for pair in talk for s in pair] for talk in talks]
    assert all([*one.replies] == [False, True] * (len(one.turns) // 2) for one in found)


def test_personas_and_lines_without_a_number_are_counted_and_statements_are_context(read):
    text = (
        "1 your persona: i like tea\n2 partner's persona: none\n3 it rains\n4 hi\tyo\n"
        "noise\n\n5 bye\tok\n1 alone\n1 早\t你早\n"
    )
    assert read("fbdialog", text) == (
        [("hi", "yo"), ("bye", "ok"), ("早", "你早")],
        {
            "persona line": 2,
            "no number in front": 1,
            "conversation of one turn": 1,
        },
    )

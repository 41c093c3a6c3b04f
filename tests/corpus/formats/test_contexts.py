"""Labelled turns and turns with <s> in; conversations with one reply out."""

from hypothesis import given, settings
from hypothesis import strategies as st

TURN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff<"),
    max_size=10,
).filter(str.strip)
TALKS = st.lists(st.lists(TURN, min_size=2, max_size=5), min_size=1, max_size=5)


@settings(max_examples=40)
@given(TALKS, st.data())
def test_labelled_turns_that_are_written_are_read(read, conversations, talks, data):
    labels = [data.draw(st.integers(0, 1)) for _ in talks]
    text = "".join("\t".join([str(n), *talk]) + "\n" for n, talk in zip(labels, talks, strict=True))
    kept = [talk for n, talk in zip(labels, talks, strict=True) if n]
    assert [([*turns], [*replies]) for turns, _, replies in conversations("labels", text)] == [
        (talk, [False] * (len(talk) - 1) + [True]) for talk in kept
    ]
    _, skipped = read("labels", text)
    assert skipped.get("label 0 (a negative)", 0) == len(talks) - len(kept)


@settings(max_examples=40)
@given(TALKS)
def test_turns_with_s_that_are_written_are_read(conversations, talks):
    text = "".join("<s>".join(talk[:-1]) + "\t" + talk[-1] + "\n" for talk in talks)
    found = conversations("contexts", text)
    assert [[*one.turns] for one in found] == talks
    assert [[*one.lines] for one in found] == [[n] * len(talk) for n, talk in enumerate(talks, 1)]
    assert all(sum(one.replies) == one.replies[-1] == 1 for one in found)


def test_other_lines_are_counted(read):
    assert read("labels", "1\ta\tb\n1\ta\n2\ta\tb\n\nx\n") == (
        [("a", "b")],
        {"wrong number of fields": 3},
    )
    assert read("contexts", "a<s>b<s>\tc\nd\na\tb\tc\n\n") == (
        [("b", "c")],
        {"wrong number of fields": 2},
    )

"""Plain lines in; pairs and counts out."""

from hypothesis import given, settings
from hypothesis import strategies as st

LINE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff"),
    max_size=10,
).filter(lambda line: line.strip())
TALKS = st.lists(st.lists(LINE, min_size=2, max_size=5), min_size=1, max_size=5)


def tidy(*sides):
    return tuple(" ".join(side.split()) for side in sides)


@settings(max_examples=40)
@given(TALKS, st.sampled_from([1, 3]))
def test_blocks_that_are_written_are_read(read, talks, gap):
    text = ("\n" * (gap + 1)).join("\n".join(talk) for talk in talks)
    expected = [
        tidy(one, after) for talk in talks for one, after in zip(talk, talk[1:], strict=False)
    ]
    assert read("blocks", text) == (expected, {})


@settings(max_examples=40)
@given(TALKS)
def test_blocks_of_spaced_lines_are_read(read, talks):
    text = "\n\n\n\n".join("\n\n".join(talk) for talk in [["a", "b"], ["c", "d"], *talks])
    expected = [
        tidy(one, after) for talk in talks for one, after in zip(talk, talk[1:], strict=False)
    ]
    assert read("blocks", text) == ([("a", "b"), ("c", "d"), *expected], {})


@settings(max_examples=40)
@given(st.lists(st.tuples(LINE, LINE), max_size=6))
def test_alternating_lines_that_are_written_are_read(read, pairs):
    text = "".join(f"{question}\n\n{reply}\n" for question, reply in pairs)
    expected = ([tidy(*pair) for pair in pairs], {"conversation of one turn": 1})
    assert read("alternating", text + "left over\n") == expected


def test_a_block_of_one_line_answers_nothing(read):
    assert read("blocks", "a\nb\n\nalone\n\nc\nd") == (
        [("a", "b"), ("c", "d")],
        {"conversation of one turn": 1},
    )


def test_lines_know_their_places(conversations):
    assert [one.lines for one in conversations("alternating", "\na\n\nb\nc\nd\n")] == [
        (2, 4),
        (5, 6),
    ]
    assert [one.lines for one in conversations("blocks", "\na\nb\n\n\nc\nd\n")] == [[2, 3], [6, 7]]

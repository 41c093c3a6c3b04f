"""A JSON text in pieces in; the values where the cursor stands out."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.formats.json_cursor import FailedError, Failure, JsonCursor


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[i : i + size] for i in range(0, len(text), size))


def failure(text, size=3, limit=1000):
    cursor = JsonCursor(pieces(text, size))
    cursor.peek()
    with pytest.raises(FailedError) as caught:
        cursor.decode(limit)
    assert cursor.peek() == text.lstrip()[:1]
    return caught.value.failure


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(1, 9), st.booleans())
def test_values_are_read_whole_however_the_text_is_cut_into_pieces(values, size, ascii_only):
    text = " \n".join(json.dumps(value, ensure_ascii=ascii_only) for value in values)
    cursor, found, lines = JsonCursor(pieces(text, size)), [], []
    while cursor.peek():
        value, end = cursor.decode()
        found.append(value)
        lines.append(cursor.line)
        cursor.move(end)
    assert found == values
    # JSON itself writes no line feed into a value.
    assert lines == list(range(1, len(values) + 1))


@pytest.mark.parametrize(
    "text", ['["a", "b', '["a", "b"', '{"a": ', '{"a"', '["\\u12', "[tru", "[1, ", '["\\']
)
def test_a_value_that_the_text_ends_in_is_cut_off(text):
    assert failure(text) is Failure.CUT_OFF


@pytest.mark.parametrize(
    "text",
    [
        '["a" "b"]' + " " * 30 + "x",
        '{"a" 1}' + " " * 30 + "x",
        "[nothing but words here]",
        "[" * 100_000 + "]" * 100_000,
        "[" + "1" * 5000 + "]",
    ],
)
def test_a_value_that_no_more_text_could_mend_is_damaged(text):
    assert failure(text, 1 << 20, 1 << 20) is Failure.DAMAGED


def test_a_value_longer_than_the_limit_is_refused_whether_it_ends_or_not():
    for text in ('["' + "a" * 5000 + '"]', '["' + "a" * 5000):
        for size in (7, 10_000):
            assert failure(text, size) is Failure.TOO_LARGE


def test_the_window_stays_as_small_as_the_values_are():
    cursor, largest = JsonCursor(iter(['["abcdefg"] ' * 10] * 500)), 0
    while cursor.peek():
        cursor.move(cursor.decode()[1])
        largest = max(largest, len(cursor._window))
    assert largest < 600


def test_a_line_that_begins_alike_is_found_across_pieces():
    for size in range(1, 12):
        cursor = JsonCursor(pieces('  {"a": 1\n    {"b"\n  hm\n  # x\n  {"c": 2}\n x', size))
        cursor.peek()
        start = cursor.line_start()
        assert start == "\n  {"
        assert cursor.seek(start) == 2
        assert (cursor.line, cursor.decode()[0]) == (5, {"c": 2})
        assert cursor.seek(start) is None
        assert cursor.lines_since(5) == 2


def test_a_value_behind_something_else_in_its_line_begins_no_line():
    cursor = JsonCursor(iter(['x {"a"']))
    cursor.peek()
    cursor.step()
    assert cursor.peek() == "{"
    assert cursor.line_start() is None

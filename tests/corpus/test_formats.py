"""Numbered lines in; pairs and counts of skipped lines out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.formats import FORMATS, Conv, SlashedConv, collapse, recognise
from chatbot.errors import ChatbotError

NAMES = {one.name: one for one in FORMATS}
TABS = NAMES["TAB-separated lines"]
DIALOGUE = ["E", "M 早上好", "M 你也早", "M 吃了吗", "E", "M 下雨了", "M 带伞吧"]


def read(one, lines):
    skipped = Counter()
    found = [tuple(pair) for pair in one.read(iter(enumerate(lines, 1)), skipped)]
    return found, dict(skipped)


def file_of(tmp_path, lines):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@given(st.text())
def test_collapsing_keeps_all_but_whitespace_and_is_done_once(text):
    once = collapse(text)
    assert collapse(once) == once
    assert [c for c in once if c != " "] == [c for c in text if not c.isspace()]
    assert once == once.strip()
    assert "  " not in once


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("E/M conversations", DIALOGUE),
        ("E/M conversations", ["E", "M\ttea?", "M", "M yes/no is fine", "E"]),
        ("E/M conversations cut by slashes", ["E", "M 早/上/好/", "M 你/也/早/", "E"]),
        ("TAB-separated lines", ["你好\t再见", "a = b\tc @@ d", "x\ty"]),
        ("lines separated by @@", ["你好@@再见", "a = b@@c"]),
        ('lines separated by " | "', ["你好 | 再见", "x | y"]),
        ("lines separated by =", ["你好=再见", "x=y"]),
        ("TAB-separated lines", ["a\tb", "no separator"]),
    ],
)
def test_every_format_is_recognised_by_its_lines(tmp_path, name, lines):
    assert recognise(file_of(tmp_path, lines)).name == name


@pytest.mark.parametrize("lines", [["free text", "more of it"], ["a\tb\tc"] * 3, ["a\t", "\tb"]])
def test_what_no_format_explains_is_refused(tmp_path, lines):
    path = file_of(tmp_path, lines)
    with pytest.raises(ChatbotError) as caught:
        recognise(path)
    assert str(caught.value) == (
        f"{path}: format not recognised; the first line reads {lines[0]!r}. Known: E/M "
        "conversations; E/M conversations cut by slashes; TAB-separated lines; lines separated by "
        '@@; lines separated by " | "; lines separated by =; paired files such as train.enc and '
        "train.dec. See docs/formats.md."
    )


def test_a_separated_line_is_a_pair_with_its_whitespace_collapsed():
    lines = [" 你 \u3000好\t再\r见 \r", "", "  ", "a\tb"]
    assert read(TABS, lines) == ([("你 好", "再 见", 1), ("a", "b", 4)], {})


def test_wrong_field_counts_and_foreign_bytes_are_skipped_and_counted():
    lines = ["a\tb", "alone", "a\tb\tc", None, "c\td", None, "x\t\ty"]
    assert read(TABS, lines) == (
        [("a", "b", 1), ("c", "d", 5)],
        {"wrong number of fields": 3, "not UTF-8": 2},
    )


def test_every_turn_of_a_conversation_answers_the_one_before():
    assert read(Conv(), DIALOGUE) == (
        [("早上好", "你也早", 3), ("你也早", "吃了吗", 4), ("下雨了", "带伞吧", 7)],
        {},
    )


@pytest.mark.parametrize("between", ["E", "", " E \r", "Mx", "F", None])
def test_nothing_is_answered_across_a_break(between):
    pairs, skipped = read(Conv(), ["E", "M a", between, "M b", "M c"])
    assert pairs == [("b", "c", 5)]
    reason = {"Mx": "neither E nor M", "F": "neither E nor M", None: "not UTF-8"}.get(between)
    assert skipped == ({reason: 1} if reason else {})


def test_an_empty_turn_makes_empty_sides_for_the_reader_to_count():
    pairs, _ = read(Conv(), ["E", "M a", "M", "M b"])
    assert pairs == [("a", "", 3), ("", "b", 4)]


def test_slashes_are_taken_out_and_a_doubled_one_is_a_slash():
    lines = ["E", "M 一/半/就/是/1///2/", "M 对/ok/", "M //", "M 好/"]
    assert read(SlashedConv(), lines) == (
        [("一半就是1/2", "对ok", 3), ("对ok", "/", 4), ("/", "好", 5)],
        {},
    )


LINES = st.lists(
    st.none() | st.text(max_size=30) | st.text("EM \t@|=/ab好", max_size=12), max_size=20
)


@given(LINES)
def test_no_reader_crashes_and_every_line_is_accounted_for_at_most_once(lines):
    for one in FORMATS:
        pairs, skipped = read(one, lines)
        places = [line for _, _, line in pairs]
        assert places == sorted(set(places))
        assert len(pairs) + sum(skipped.values()) <= len(lines)
        assert all(collapse(side) == side for pair in pairs for side in pair[:2])


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=20))
def test_the_share_that_a_format_explains_is_a_share(sample):
    for one in FORMATS:
        assert 0 <= one.explains(sample) <= (1.01 if one.name.endswith("slashes") else 1)

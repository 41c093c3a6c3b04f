"""YAML files of chatterbot-corpus in; conversations, and what was skipped, out."""

from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats.chatterbot import Chatterbot
from chatbot.errors import ChatbotError


class Lines:
    """A text of given lines, without a file."""

    name = "x.yml"

    def __init__(self, lines):
        self._lines = lines

    def lines(self):
        return enumerate(self._lines, 1)


def opened(path, content):
    path.write_bytes(content.encode())
    (text,) = find_texts([path], ReadingConfig(encoding="utf-8"))
    return text


def read(text):
    skipped = Counter()
    found = [list(one.turns) for one in Chatterbot(ReadingConfig()).read(text, skipped)]
    return found, dict(skipped)


def sureness(text):
    return Chatterbot(ReadingConfig()).evidence(text.sample()).sureness


def test_conversations_are_read_with_their_lines_and_categories_are_not(tmp_path):
    text = opened(
        tmp_path / "x.yml",
        "categories:\n- 问候\n- 早\nconversations:\n# a remark\n- - 早\n  - 你早\n\n  - 'it''s\n\n"
        "    late"
        '\'\n-\n  - "a\\tb"\n  # another\n  - c: no\n- - d\n  - >-\n    e\n    f\nsource: film\n',
    )
    assert sureness(text) > 0.9
    skipped = Counter()
    found = list(Chatterbot(ReadingConfig()).read(text, skipped))
    assert [(list(one.turns), list(one.lines)) for one in found] == [
        (["早", "你早", "it's\nlate"], [6, 7, 9]),
        (["d", "e f"], [16, 17]),
    ]
    assert dict(skipped) == {"not a conversation": 1}


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_the_list_may_be_indented(tmp_path, indent):
    lines = ["- - a", "  - b", "  - c", "- - d", "  - e"]
    content = '"conversations": # all\n' + "".join(f"{indent}{line}\n" for line in lines)
    text = opened(tmp_path / "x.yml", content)
    assert sureness(text) > 0.9
    assert read(text) == ([["a", "b", "c"], ["d", "e"]], {})


def test_what_yaml_takes_for_other_things_than_text_stays_as_written(tmp_path):
    written = [
        "12",
        "3.10",
        "yes",
        "No",
        "2001-01-01",
        "~",
        "null",
        "1e3",
        "0x1F",
        ".5",
        "1:30",
        "=",
    ]
    content = "conversations:\n- - a\n" + "".join(f"  - {one}\n" for one in written)
    assert read(opened(tmp_path / "x.yml", content)) == ([["a", *written]], {})


@pytest.mark.parametrize("bad", ["@b", '"b', "[b", "b: c: d", "`b", "%b", "'b' c", "\tb"])
def test_a_conversation_that_is_no_yaml_costs_only_itself(tmp_path, bad):
    good = [[f"q{i}", f"a{i}"] for i in range(7)]
    items = [f"- - {q}\n  - {a}\n" for q, a in good]
    items[3] = f"- - q\n  - {bad}\n"
    found, skipped = read(opened(tmp_path / "x.yml", "conversations:\n" + "".join(items)))
    assert (found, skipped) == (good[:3] + good[4:], {"not YAML": 1})


def test_items_that_are_no_lists_of_texts_are_counted(tmp_path):
    items = [
        "- - a\n  - b\n",
        "- c\n",
        "- - d\n  - - e\n",
        "- f: g\n",
        "- - j\n  - []\n  - k\n",
        "- - h\n  - *i\n",
        "-\n",
        "- []\n",
        "- - h\n  - i\n",
    ]
    text = opened(tmp_path / "x.yml", "conversations:\n" + "".join(items))
    assert read(text) == ([["a", "b"], ["h", "i"]], {"not a conversation": 7})


def test_line_separators_inside_a_turn_are_blanks_and_control_characters_go(tmp_path):
    content = "conversations:\n- - a\u2028b\x85c\rd\n  - e\x07f\x00g\n"
    assert read(opened(tmp_path / "x.yml", content)) == ([["a b c d", "efg"]], {})


@pytest.mark.parametrize(
    "content",
    ["conversations:\n- a\n- b\n", "a:\n- - b\n  - c\n", "conversations: 3\n", "- - a\n  - b\n"],
)
def test_other_yaml_is_not_recognised(tmp_path, content):
    assert sureness(opened(tmp_path / "x.yml", content)) < 0.5


def test_a_conversation_of_more_than_16_mebibytes_is_refused_with_its_line():
    lines = ["conversations:", "- - a", "  - b", "- - c", *["    " + "d" * 1000] * 17_000]
    with pytest.raises(ChatbotError) as caught:
        read(Lines(lines))
    assert str(caught.value) == (
        "x.yml:4: the conversation that begins here is longer than 16 MiB. Begin each with '- - ' "
        "on a line of its own."
    )


def test_conversations_come_before_the_file_has_been_read_to_its_end():
    def endless():
        yield "conversations:"
        for i in range(1_000_000):
            yield f"- - q{i}"
            yield f"  - a{i}"
        pytest.fail("read to the end")

    found = Chatterbot(ReadingConfig()).read(Lines(endless()), Counter())
    assert [list(next(found).turns) for _ in range(3)][2] == ["q2", "a2"]


def test_a_file_cut_off_anywhere_gives_turns_of_the_whole_one(tmp_path):
    content = "conversations:\n- - 你好\n  - 'it''s'\n  - \"a\\u4e00\"\n- - b c\n  - d\n"
    whole = [["你好", "it's", "a一"], ["b c", "d"]]
    for end in range(1, len(content)):
        found, skipped = read(opened(tmp_path / "x.yml", content[:end]))
        complete = len(found) - 1
        assert found[:complete] == whole[: max(0, complete)]
        if found:
            *turns, last = found[-1]
            assert turns == whole[complete][: len(turns)]
            assert whole[complete][len(turns)].startswith(last)
        assert set(skipped) <= {"not YAML", "not a conversation"}


SIDES = st.text(max_size=8) | st.sampled_from(
    ["", "- a", "- - a", "\n", "a\n- b", "conversations:", "#", "no", "1", "😀\u2028", " \r\n "]
)


@given(
    st.lists(st.lists(SIDES, min_size=2, max_size=4), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([None, "'", '"']),
    st.sampled_from([None, 20]),
)
def test_what_pyyaml_writes_is_read_back(tmp_path_factory, talks, unicode, style, width):
    content = {"categories": ["x"], "conversations": talks}
    written = yaml.safe_dump(content, allow_unicode=unicode, default_style=style, width=width)
    path = tmp_path_factory.getbasetemp() / "back.yml"
    found, skipped = read(opened(path, written))
    assert skipped == {}
    # Blanks of every kind become one blank later on.
    assert [[" ".join(turn.split()) for turn in one] for one in found] == [
        [" ".join(turn.split()) for turn in one] for one in talks
    ]


@given(st.text() | st.text("conversations:- \n'\"#ab[]{}|>&*!%@`", max_size=60))
def test_any_text_is_read_without_a_fault(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yml"
    text = opened(path, f"conversations:\n- - a\n{content}")
    sureness(text)
    read(text)

"""Files of conversations and of their lines in; conversations out."""

import gzip
import tracemalloc
import zipfile
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats.cornell import Cornell, conversations_names, lines_names
from chatbot.errors import ChatbotError

PLUS = " +++$+++ "
LINES = "movie_lines.txt"
CONVERSATIONS = "movie_conversations.txt"


def written(folder, lines, conversations, names=(LINES, CONVERSATIONS)):
    for name, rows in zip(names, (lines, conversations), strict=True):
        content = "".join(PLUS.join(row) + "\n" for row in rows)
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    (text,) = find_texts([folder / names[1]], ReadingConfig(encoding="utf-8"))
    return text


def read(text, **reading):
    skipped = Counter()
    found = list(Cornell(ReadingConfig(**reading)).read(text, skipped))
    return [(list(one.turns), list(one.lines), one.replies) for one in found], dict(skipped)


def line(number, text, who="u0", name="ANNA"):
    return (str(number), who, "m0", name, text)


def talk(ids):
    return ("u0", "u1", "m0", ids)


@pytest.mark.parametrize(
    "ids",
    ["['L2', 'L0', 'L1']", '["L2", "L0", "L1"]', "[L2, L0, L1]", "[L2 L0 L1]", "['L2' 'L0' 'L1']"],
)
def test_lines_are_found_by_their_ids_however_these_are_written(tmp_path, ids):
    lines = [line(f"L{i}", text) for i, text in enumerate("bca")]
    text = written(tmp_path, lines, [talk(ids)])
    assert Cornell(ReadingConfig()).evidence(text.sample()).sureness > 0.95
    assert read(text) == ([(["a", "b", "c"], [3, 1, 2], None)], {})


def test_bare_numbers_are_ids_too(tmp_path):
    text = written(tmp_path, [line(0, "a"), line(1, "b"), line(10, "c")], [talk("[0, 1, 10]")])
    assert read(text)[0] == [(["a", "b", "c"], [1, 2, 3], None)]


@pytest.mark.parametrize(
    ("lines", "conversations"),
    [
        (LINES, CONVERSATIONS),
        ("lines.tsv", "conversations.tsv"),
        ("My_Lines.txt", "My_Conversations.txt"),
        ("line.txt", "conversation.txt"),
    ],
)
def test_each_file_knows_the_name_of_the_other(tmp_path, lines, conversations):
    assert lines in lines_names(conversations)
    assert conversations in conversations_names(lines)
    assert lines in Cornell(ReadingConfig()).companions(conversations)
    text = written(tmp_path, [line(1, "a"), line(2, "b")], [talk("[1, 2]")], (lines, conversations))
    assert read(text)[0] == [(["a", "b"], [1, 2], None)]


def test_both_files_may_stand_at_the_root_of_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.writestr(LINES, "".join(PLUS.join(line(i, "ab"[i])) + "\n" for i in range(2)))
        archive.writestr(CONVERSATIONS, PLUS.join(talk("[0, 1]")) + "\n")
    texts = find_texts([tmp_path / "films.zip"], ReadingConfig(encoding="utf-8"))
    (text,) = (one for one in texts if one.short_name == CONVERSATIONS)
    assert read(text)[0] == [(["a", "b"], [1, 2], None)]


def test_the_conversations_may_be_the_compressed_file(tmp_path):
    written(tmp_path, [line(1, "a"), line(2, "b")], [talk("[1, 2]")])
    packed = tmp_path / f"{CONVERSATIONS}.gz"
    packed.write_bytes(gzip.compress((tmp_path / CONVERSATIONS).read_bytes()))
    (tmp_path / CONVERSATIONS).unlink()
    (text,) = find_texts([packed], ReadingConfig(encoding="utf-8"))
    assert read(text)[0] == [(["a", "b"], [1, 2], None)]


def test_a_missing_line_ends_a_conversation_and_is_counted(tmp_path):
    lines = [line(i, f"t{i}") for i in range(9) if i != 4]
    text = written(tmp_path, lines, [talk("[2, 3, 4, 5, 6]"), talk("[7, 77]"), talk("[]")])
    assert read(text) == (
        [(["t2", "t3"], [3, 4], None), (["t5", "t6"], [5, 6], None)],
        {"line id not found": 2, "conversation of one turn": 1},
    )


def test_odd_lines_are_counted(tmp_path):
    lines = [
        line(1, "a"),
        line(2, ""),
        ("3", "u0"),
        line(2, "again"),
        ("",),
        line(4, "x +++$+++ y"),
    ]
    text = written(tmp_path, lines, [talk("[1, 2, 4]"), ("no", "list"), ("[1, 2]",), ("",)])
    assert read(text) == (
        [(["a", "", "x +++$+++ y"], [1, 2, 6], None)],
        {"wrong number of fields": 3, "line id given twice": 1},
    )


@pytest.mark.parametrize("who", ["u1", "Bert"])
def test_only_the_speaker_asked_for_replies(tmp_path, who):
    lines = [line(1, "a"), line(2, "b", "u1", "BERT"), line(3, "c")]
    text = written(tmp_path, lines, [talk("[1, 2, 3]")])
    assert read(text, replies_by=who)[0] == [(["a", "b", "c"], [1, 2, 3], [False, True, False])]


def test_a_file_of_conversations_alone_is_refused(tmp_path):
    text = written(tmp_path, [], [talk("[1, 2]")])
    (tmp_path / LINES).unlink()
    with pytest.raises(ChatbotError) as caught:
        read(text)
    assert str(caught.value) == (
        f"{tmp_path / CONVERSATIONS}: the lines of its conversations are not beside it "
        "(movie_lines.txt). Put movie_lines.txt there, and call this file movie_conversations.txt."
    )


@pytest.mark.parametrize("content", ["a +++$+++ b", "[1, 2]", "a\tb", "L1 +++$+++ u0 +++$+++ Hi."])
def test_other_files_are_not_recognised(tmp_path, content):
    (tmp_path / "x.txt").write_text(content)
    (text,) = find_texts([tmp_path / "x.txt"], ReadingConfig())
    assert Cornell(ReadingConfig()).evidence(text.sample()).sureness == 0


def test_many_lines_do_not_stay_in_memory(tmp_path):
    count = 60_000
    lines = (line(f"L{i}", "x" * 200) for i in range(count))
    conversations = (talk(f"['L{i}', 'L{count - 1 - i}']") for i in range(0, count, 100))
    text = written(tmp_path, lines, conversations)
    tracemalloc.start()
    found = sum(1 for _ in Cornell(ReadingConfig()).read(text, Counter()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == count // 100
    assert peak < 10 << 20


TURNS = st.text(st.characters(exclude_characters="\n+\ufeff", codec="utf-8"), max_size=9)


@given(st.lists(st.lists(TURNS, min_size=2, max_size=4), min_size=1, max_size=5), st.randoms())
def test_what_is_written_is_read_back(tmp_path_factory, talks, random):
    lines, conversations = [], []
    for turns in talks:
        ids = [f"L{len(lines) + i}" for i in range(len(turns))]
        lines += [line(key, turn) for key, turn in zip(ids, turns, strict=True)]
        conversations.append(talk(str(ids)))
    random.shuffle(lines)
    text = written(tmp_path_factory.getbasetemp(), lines, conversations)
    found, skipped = read(text)
    assert [turns for turns, _, _ in found] == [[turn.strip() for turn in one] for one in talks]
    assert skipped == {}

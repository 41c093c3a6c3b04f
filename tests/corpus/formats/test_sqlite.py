"""SQLite databases in; their questions and replies out."""

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats.sqlite import Sqlite
from chatbot.errors import ChatbotError


def database(path, tables):
    """Writes tables, given by name as (columns, rows)."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as one, one:
        for name, (columns, rows) in tables.items():
            quoted = ", ".join(f'"{column}"' for column in columns)
            table = name.replace('"', '""')
            one.execute(f'CREATE TABLE "{table}" ({quoted})')
            marks = ", ".join("?" * len(columns))
            one.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
    return opened(path)


def opened(path):
    (text,) = find_texts([path], ReadingConfig())
    return text


def read(text, **reading):
    skipped = Counter()
    found = Sqlite(ReadingConfig(**reading)).read(text, skipped)
    return [(*one.turns, *one.lines) for one in found], dict(skipped)


def refusal(text, **reading):
    with pytest.raises(ChatbotError) as caught:
        read(text, **reading)
    return str(caught.value)


@pytest.mark.parametrize(
    "columns",
    [
        ("ask", "answer"),
        ("Question", "Answer"),
        ("prev", "next"),
        ("title", "reply"),
        ("问题", "回答"),
        ("in_response_to", "text"),
    ],
)
def test_columns_are_known_by_their_names(tmp_path, columns):
    rows = [(1, "早", "x", "你早"), (2, "晚安", None, "好梦")]
    text = database(tmp_path / "x.db", {"talk": (("id", columns[0], "note", columns[1]), rows)})
    evidence = Sqlite(ReadingConfig()).evidence(text.sample())
    assert evidence == (1.0, "SQLite says so")
    assert read(text) == ([("早", "你早", 1, 1), ("晚安", "好梦", 2, 2)], {})


def test_null_is_an_empty_side_and_numbers_and_bytes_are_text(tmp_path):
    rows = [(None, "a"), ("b", None), (1, 2.5), (b"\xe6\x97\xa9", "x\0y"), ("c", "沒有資料")]
    text = database(tmp_path / "x.db", {"talk": (("ask", "answer"), rows)})
    found, skipped = read(text)
    assert [one[:2] for one in found] == [("", "a"), ("b", ""), ("1", "2.5"), ("早", "x\0y")]
    assert skipped == {"missing answer": 1}


def test_bytes_in_another_encoding_are_read_in_the_one_given(tmp_path):
    rows = [("早".encode("gb18030"), "你早".encode("gb18030"))]
    text = database(tmp_path / "x.db", {"talk": (("ask", "answer"), rows)})
    assert read(text, encoding="gb18030")[0] == [("早", "你早", 1, 1)]


def test_bytes_that_are_not_text_are_replaced_and_counted_at_every_reading(tmp_path):
    text = database(tmp_path / "x.db", {"talk": (("ask", "answer"), [("a", "b"), ("c", "d")])})
    with closing(sqlite3.connect(tmp_path / "x.db")) as one, one:
        one.execute("UPDATE talk SET answer = CAST(x'78ff79' AS TEXT) WHERE ask = 'c'")
        one.execute("INSERT INTO talk VALUES ('\ufffd', x'fe')")
    text = opened(tmp_path / "x.db")
    for _ in range(2):
        assert read(text)[0][1:] == [("c", "x\ufffdy", 2, 2), ("\ufffd", "\ufffd", 3, 3)]
        said = "2 places are not text (line 2 byte 2, line 3 byte 1)"
        assert text.faults.sentences() == [said]


def test_all_tables_with_both_columns_are_read_in_the_order_of_their_names(tmp_path):
    text = database(
        tmp_path / "x.db",
        {
            "b": (("ask", "answer"), [("c", "d")]),
            'a "quoted" one': (("question", "reply"), [("a", "b")]),
            "c": (("name", "age"), [("x", 1)]),
        },
    )
    assert read(text)[0] == [("a", "b", 1, 1), ("c", "d", 1, 1)]


@pytest.mark.parametrize("columns", ["body,title", "3,2", " Body , TITLE "])
def test_columns_are_those_asked_for(tmp_path, columns):
    rows = [(1, "reply", "post")]
    text = database(tmp_path / "x.db", {"t": (("id", "title", "body"), rows), "u": (("id",), [])})
    assert read(text, columns=columns)[0] == [("post", "reply", 1, 1)]


def test_a_database_without_such_columns_is_refused_with_those_it_has(tmp_path):
    path = tmp_path / "x.db"
    text = database(path, {"t": (("id", "body"), []), "u": (("id",), [])})
    assert refusal(text) == (
        f"{path}: no table has columns for a question and a reply (t(id, body); u(id)). Say which "
        "two with --columns, e.g. --columns title,body."
    )
    assert refusal(text, columns="id,x") == (
        f"{path}: no table has columns for id,x (t(id, body); u(id)). Say which two with "
        "--columns, e.g. --columns title,body."
    )


def test_a_damaged_database_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "x.db"
    database(path, {"t": (("ask", "answer"), [("a" * 99, "b" * 99)] * 999)})
    content = path.read_bytes()
    size = f"{len(content):,}"
    for damaged, reason in (
        (content[:-1], f"{len(content) - 1:,} of {size} bytes are there"),
        (content[:200], f"200 of {size} bytes are there"),
        (content[:60], "60 of 512 bytes are there"),
        (content[:5000] + b"\xff" * (len(content) - 5000), "database disk image is malformed"),
    ):
        path.write_bytes(damaged)
        assert refusal(opened(path)) == (
            f"{path}: the database cannot be read ({reason}). Rescue what is in it: sqlite3 FILE "
            ".recover | sqlite3 mended.db"
        )


def test_a_database_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "x.db"
    text = database(path, {"t": (("ask", "answer"), [(f"q{i}", f"a{i}") for i in range(300)])})
    assert len(read(text)[0]) == 300
    content = path.read_bytes()
    for end in range(16, len(content), 97):
        path.write_bytes(content[:end])
        assert "cannot be read" in refusal(opened(path))


def test_a_database_in_use_whose_changes_are_not_in_it_yet_is_refused(tmp_path):
    path = tmp_path / "x.db"
    text = database(path, {"t": (("ask", "answer"), [("a", "b")])})
    with closing(sqlite3.connect(path)) as one:
        one.execute("PRAGMA journal_mode = WAL")
        one.execute("INSERT INTO t VALUES ('c', 'd')")
        one.commit()
        assert refusal(text) == (
            f"{path}: its latest changes are still in x.db-wal. Close the program that uses the "
            "database, or run: sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)'"
        )
    assert len(read(text)[0]) == 2


def test_a_database_that_a_crash_left_with_a_journal_is_refused(tmp_path):
    path = tmp_path / "x.db"
    text = database(path, {"t": (("ask", "answer"), [("a", "b")])})
    journal = tmp_path / "x.db-journal"
    journal.write_bytes(b"\xd9" * 600)
    assert "its latest changes are still in x.db-journal. " in refusal(text)
    journal.write_bytes(bytes(600))  # of a transaction that was ended
    assert read(text)[0] == [("a", "b", 1, 1)]
    assert journal.is_file()


def test_reading_writes_nothing(tmp_path):
    folder = tmp_path / "a#b? c%41"
    folder.mkdir()
    path = folder / "x.db"
    text = database(path, {"t": (("ask", "answer"), [("a", "b")])})
    before = path.read_bytes()
    path.chmod(0o400)
    folder.chmod(0o500)
    assert read(text)[0] == [("a", "b", 1, 1)]
    assert (path.read_bytes(), list(folder.iterdir())) == (before, [path])
    folder.chmod(0o700)


SIDES = st.text(max_size=9) | st.sampled_from(["", "\n", "'", '"', "😀", "\0"])


@settings(max_examples=40)
@given(st.lists(st.tuples(SIDES, SIDES), max_size=9))
def test_what_is_written_is_read_back(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "back.db"
    found, skipped = read(database(path, {"talk": (("ask", "answer"), pairs)}))
    assert [one[:2] for one in found] == pairs
    assert skipped == {}

"""Records in; the lines of a file, and the records again."""

import json

import pytest

from chatbot.history import Record, append, drop_after, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.jsonl"


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")


def test_a_record_is_a_line_of_what_is_known(path):
    append(path, Record("progress", 10, seconds=3.1, loss=6.25, learning_rate=0.005, memory=7))
    append(path, Record("stop", 12, note="alle Schritte getan, 完"))
    assert lines(path) == [
        '{"kind": "progress", "step": 10, "seconds": 3.1, "loss": 6.25, "learning_rate": 0.005, '
        '"memory": 7}',
        '{"kind": "stop", "step": 12, "note": "alle Schritte getan, 完"}',
        "",
    ]


def test_what_was_appended_is_read_in_order(path):
    records = [Record("start", 0, model={"units": 3}), Record("validation", 5, heldout_loss=0.0)]
    for record in records:
        append(path, record)
    assert read(path) == [record.as_dict() for record in records]
    assert read(path)[1] == {"kind": "validation", "step": 5, "heldout_loss": 0.0}


def test_no_file_is_no_records(path):
    assert read(path) == []


@pytest.mark.parametrize("size", [1, 9, 30])
def test_a_torn_last_line_is_left_out(path, size):
    append(path, Record("progress", 10, loss=2.5))
    append(path, Record("progress", 20, note="好" * 9))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n") + 1 + size])
    assert [one["step"] for one in read(path)] == [10]


def test_a_line_torn_within_a_character_is_left_out(path):
    append(path, Record("progress", 10, loss=2.5))
    append(path, Record("progress", 20, note="好"))
    path.write_bytes(path.read_bytes()[:-4])  # the last byte of 好 is gone
    assert [one["step"] for one in read(path)] == [10]
    drop_after(path, 10)
    assert [one["step"] for one in read(path)] == [10]


def test_dropping_takes_what_came_later_and_how_the_run_ended(path):
    for kind, step in (
        ("start", 0),
        ("progress", 10),
        ("checkpoint", 10),
        ("stop", 10),
        ("start", 10),
        ("progress", 20),
        ("validation", 20),
    ):
        append(path, Record(kind, step))
    drop_after(path, 10)
    kept = [(one["kind"], one["step"]) for one in read(path)]
    assert kept == [("start", 0), ("progress", 10), ("checkpoint", 10), ("start", 10)]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_after_a_torn_line_was_dropped_the_next_record_stands_alone(path):
    append(path, Record("progress", 10))
    with path.open("a") as file:
        file.write('{"kind": "progr')
    drop_after(path, 10)
    append(path, Record("progress", 20))
    assert [json.loads(line)["step"] for line in lines(path)[:-1]] == [10, 20]


def test_dropping_from_no_file_leaves_an_empty_history(path):
    drop_after(path, 0)
    assert read(path) == []

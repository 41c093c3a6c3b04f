"""A disk that fills while training writes: a real, small file system, full at every write."""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers import fill, small_disk, timeless

from chatbot.errors import NoRoomError
from chatbot.folder import ModelFolder
from chatbot.history import read
from chatbot.learn import journal
from chatbot.learn.preparing import prepare
from chatbot.learn.saved import saved

SMALL = {"units": 16, "embedding": 12}
SETTINGS = {
    "steps": 12,
    "batch": 7,
    "validate_every": 3,
    "save_every": "4",
    "precision": "float32",
    "threads": 1,
}


@pytest.fixture
def disk(tmp_path):
    """A file system of 4 MB."""
    with small_disk(tmp_path / "disk", 4) as place:
        yield place


@pytest.fixture
def on_disk(disk, new_folder):
    """A model folder there, and the same elsewhere."""
    elsewhere = new_folder(holdout=9)
    shutil.copytree(elsewhere.path, disk / "model")
    return ModelFolder(disk / "model"), elsewhere


def tensors(checkpoint):
    """The bytes of every weight and moment."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith(("model", "o"))]
    assert len(names) > 9
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}


def test_a_run_waits_for_room_at_every_write_and_loses_nothing(disk, on_disk, monkeypatch):
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.01)
    folder, elsewhere = on_disk
    list(prepare(elsewhere, SMALL, SETTINGS).records())
    run = prepare(folder, SMALL, SETTINGS)
    pauses = []
    for record in run.records():
        if record.kind == "pause":
            pauses.append(record.note)
            (disk / "filler").unlink()
        else:
            fill(disk)
    (disk / "filler").unlink()
    where = {note.split(": ")[0] for note in pauses}
    assert {str(folder.checkpoints), str(folder.best)} <= where
    assert all("No space left on device" in note for note in pauses)
    assert timeless(read(folder.history)) == timeless(read(elsewhere.history))
    for one, other in ((folder.checkpoints, elsewhere.checkpoints), (folder.best, elsewhere.best)):
        assert [path.name for path in saved(one)] == [path.name for path in saved(other)]
        for path in saved(one):
            assert tensors(path) == tensors(other / path.name)
        # Nothing half written is left behind.
        assert len(os.listdir(one)) == len(os.listdir(other))


def test_who_stops_a_run_that_waits_has_the_last_checkpoint(disk, on_disk, monkeypatch):
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.01)
    folder, _ = on_disk
    stopped = []
    run = prepare(folder, SMALL, SETTINGS, stop=lambda: stopped[0] if stopped else None)

    def train():
        for record in run.records():
            if record.kind == "checkpoint" and record.step == 4:
                fill(disk)
            if record.kind == "pause":
                stopped.append("interrupted")

    with pytest.raises(NoRoomError, match=r"Make room .* it resumes from the one before"):
        train()
    assert [path.name for path in saved(folder.checkpoints)] == ["step-4"]
    (disk / "filler").unlink()
    run = prepare(folder, {}, {})
    assert (run.position.step, run.damaged) == (4, [])
    run.close()


def test_a_record_that_finds_no_room_leaves_nothing_behind(disk, on_disk):
    from chatbot.history import Record, append

    folder, _ = on_disk
    long = Record("stop", 1, note="x" * 10_000)
    append(folder.history, long)
    fill(disk)
    before = folder.history.read_bytes()
    with pytest.raises(OSError, match="No space left on device"):
        append(folder.history, long)
    assert folder.history.read_bytes() == before

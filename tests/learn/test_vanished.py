"""A model folder that vanishes, or turns read-only, while training writes to it."""

import shutil
import subprocess

import numpy as np
import pytest
from helpers import small_disk, timeless

from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.history import read
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


def weights(run):
    return [v.numpy() for v in (*run.engine.net.trainable_variables, *run.engine.optimizer.first)]


def lost(folder, take_away, at):
    """A run whose folder is taken away at a step; the error it ends with."""
    run = prepare(folder, SMALL, SETTINGS)

    def train():
        for record in run.records():
            if (record.kind, record.step) == ("progress", at):
                take_away()

    with pytest.raises(ChatbotError) as caught:
        train()
    return str(caught.value)


def assert_goes_on(folder, step, new_folder):
    """The run resumes at a step, and ends as one that nothing happened to."""
    elsewhere = new_folder(holdout=9)
    whole = prepare(elsewhere, SMALL, SETTINGS)
    list(whole.records())
    run = prepare(folder, {}, {})
    assert run.position.step == step
    assert list(run.damaged) == []
    list(run.records())
    for one, other in zip(weights(run), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    without = ("start", "checkpoint")
    assert timeless(read(folder.history), *without) == timeless(read(elsewhere.history), *without)


@pytest.mark.parametrize(("at", "step"), [(5, 4), (8, 8), (10, 8)])
def test_a_folder_that_vanishes_is_told_in_one_line_and_its_return_loses_nothing(
    new_folder, tmp_path, at, step
):
    folder, away = new_folder(holdout=9), tmp_path / "away"
    said = lost(folder, lambda: folder.path.rename(away), at)
    assert not folder.path.exists()  # and is not made anew, without store and vocabulary
    assert said.startswith(str(folder.path))
    assert "\n" not in said
    assert "No such file or directory" in said or "no longer there" in said
    away.rename(folder.path)
    if at == 8:
        step = 4  # it went before the checkpoint of that step
    assert_goes_on(folder, step, new_folder)


def test_a_folder_that_turns_read_only_is_told_and_loses_nothing(new_folder, tmp_path):
    with small_disk(tmp_path / "disk", 9) as disk:
        shutil.copytree(new_folder(holdout=9).path, disk / "model")
        folder = ModelFolder(disk / "model")

        def remount(how):
            subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)

        # The store is open for reading and the lock for writing: what hinders a real remount too.
        try:
            said = lost(folder, lambda: remount("ro"), 6)
        except subprocess.CalledProcessError:
            pytest.skip("a file system with a file open for writing cannot be made read-only here")
        assert "Read-only file system" in said
        assert "\n" not in said
        remount("rw")
        assert_goes_on(folder, saved(folder.checkpoints)[-1].name == "step-4" and 4, new_folder)

"""`chatbot train --tensorboard`, read by the real TensorBoard."""

import json

import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

TINY = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")


def read(folder):
    """What TensorBoard itself holds of a folder, with nothing sampled."""
    return EventAccumulator(str(folder), {"tensors": 0}).Reload()


def points(found, tag):
    return {one.step: make_ndarray(one.tensor_proto)[()] for one in found.Tensors(tag)}


def history(folder):
    lines = (folder / "model" / "history.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def measured(folder, kind, field):
    return {
        one["step"]: pytest.approx(one[field], rel=1e-6)
        for one in history(folder)
        if one["kind"] == kind and field in one
    }


def test_tensorboard_shows_what_the_history_says(built, main):
    more = ("--steps", "20", "--validate-every", "4", "--tensorboard", "events")
    done = main("train", *TINY, *more, cwd=built)
    assert done.code == 0
    assert "TensorBoard" not in done.err
    found = read(built / "events")
    assert sorted(points(found, "loss/train")) == list(range(1, 21))
    for tag, kind, field in (
        ("loss/train", "progress", "loss"),
        ("learning_rate", "progress", "learning_rate"),
        ("speed/tokens_per_second", "progress", "tokens_per_second"),
        ("machine/peak_memory_bytes", "progress", "memory"),
        ("loss/heldout", "validation", "heldout_loss"),
    ):
        recorded, shown = measured(built, kind, field), points(found, tag)
        assert recorded
        assert {step: shown[step] for step in recorded} == recorded
    assert sorted(points(found, "perplexity")) == [0, 4, 8, 12, 16, 20]
    assert {"settings", "stop"} <= set(found.Tags()["tensors"])
    assert b"| network | units | 8 |" in points(found, "settings")[0]
    sampled = {one["step"] for one in history(built) if one.get("samples")}
    tags = found.PluginTagToContent("images") if sampled else ()
    pictured = {one.step for tag in tags for one in found.Tensors(tag)}
    assert pictured == sampled


def test_steps_that_are_lost_are_not_shown_twice(built, main):
    where = ("--tensorboard", "events")
    assert main("train", *TINY, "--steps", "4", *where, cwd=built).code == 0
    before = points(read(built / "events"), "loss/train")
    assert main("train", "--steps", "9", *where, cwd=built).code == 0
    for path in (built / "model" / "checkpoints").glob("step-9.*"):
        path.unlink()
    assert main("train", "--steps", "6", *where, cwd=built).code == 0
    found = read(built / "events")
    assert [one.step for one in found.Tensors("loss/train")] == [1, 2, 3, 4, 5, 6]
    assert {step: points(found, "loss/train")[step] for step in before} == before


def test_a_folder_that_cannot_be_written_to_is_refused_and_nothing_is_given_up(
    trained, main, refused, files_in
):
    (trained / "events").write_bytes(b"mine")
    files = files_in(trained)
    refused(
        main("train", "--restart", "--tensorboard", "events", cwd=trained),
        "--tensorboard events: cannot be written to (File exists). Name another folder.",
        ["starting TensorFlow …"],
    )
    assert files_in(trained) == files

"""The records of a run as lines."""

import dataclasses
from pathlib import Path

import pytest

from chatbot.cli.wording import Wording, legible
from chatbot.folder import ModelFolder
from chatbot.history import Record

FOLDER = ModelFolder(Path("my/model"))
PROGRESS = Record(
    "progress",
    1250,
    seconds=432.1,
    loss=3.4123,
    heldout_loss=3.6,
    learning_rate=0.0149,
    pairs_per_second=930.4,
    tokens_per_second=9321.0,
    memory=631_000_000,
    seconds_left=963.0,
    next_save=182.0,
    disk_left=12_400_000_000,
)


def said(*records, memorising=False, heldout_loss=None):
    wording = Wording(FOLDER, memorising, heldout_loss)
    return [line for record in records for line in wording.event(record)]


def test_progress_is_one_line():
    assert Wording(FOLDER, False, None).progress(PROGRESS) == (
        "step 1,250: loss 3.412, held-out 3.600, rate 0.015, 930 pairs/s, 9,321 tokens/s, "
        "peak 631 MB, 7 min 12 s, 16 min 3 s left"
    )
    assert ", memorising, rate " in Wording(FOLDER, True, None).progress(PROGRESS)


def test_a_roll_back_names_its_step_itself():
    record = Record("rollback", 1200, note="at step 1,230 the loss has risen")
    assert Wording(FOLDER, False, None).event(record) == ["at step 1,230 the loss has risen"]


def test_a_loss_that_is_not_finite_is_said_so():
    record = dataclasses.replace(PROGRESS, loss=None)
    assert Wording(FOLDER, False, None).progress(record).startswith("step 1,250: loss not finite, ")


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (Record("decay", 1200, note="a b: learning rate x 0.4"), "a b: learning rate x 0.4"),
        (
            Record("alarm", 1200, alarm="question ignored", note="Train longer."),
            "alarm: question ignored. Train longer.",
        ),
        (Record("alarm", 1200, alarm="question ignored"), "alarm: question ignored"),
        (
            Record("pause", 1200, note="my/model: no space"),
            "my/model: no space; waiting for room, nothing is lost. Make some, and training goes "
            "on; Ctrl-C ends it with the last checkpoint",
        ),
        (Record("checkpoint", 1200, note="saved step-1200"), "saved step-1200 in {checkpoints}"),
    ],
)
def test_an_event_is_a_line_that_begins_with_its_step(record, line):
    line = line.format(checkpoints=FOLDER.checkpoints)
    assert said(record) == [f"step 1,200: {line}"]


def test_what_is_no_event_is_no_line():
    kinds = ("start", "progress", "validation", "probe", "something new")
    assert said(*(Record(kind, 3, loss=1.0) for kind in kinds)) == []


def test_the_end_is_told_with_the_training_loss_and_the_last_heldout_loss():
    stop = Record("stop", 30, seconds=75, loss=3.25, note="interrupted")
    talk = "now talk to it: chatbot chat --model my/model"
    begin = "stopped at step 30 after 1 min 15 s: interrupted"
    validation = Record("validation", 25, heldout_loss=3.5)
    assert said(validation, stop) == [f"{begin}, loss 3.250, held-out 3.500", talk]
    assert said(stop, heldout_loss=3.75) == [f"{begin}, loss 3.250, held-out 3.750", talk]
    assert said(Record("stop", 30, seconds=75, note="interrupted")) == [begin, talk]


def test_pairs_known_by_heart_are_told_with_the_loss_that_ended_the_run():
    note = "the pairs are known by heart (training loss below 0.02 nats)"
    stop = Record("stop", 50, seconds=5, loss=0.05, note=note)
    judged = Record("validation", 50, loss=0.0189)
    assert said(Record("validation", 25, loss=0.3), judged, stop, memorising=True)[0] == (
        f"stopped at step 50 after 5 s: {note}, loss 0.019 with nothing dropped"
    )
    earlier = Record("validation", 25, loss=0.0189)
    assert said(earlier, stop, memorising=True)[0].endswith(", loss 0.050")


def test_sample_replies_are_a_line_each_whatever_is_in_them():
    probe = Record("probe", 50, samples=[("你好", "[red]好\n吗"), ("a\x1b[2Jb", "")])
    assert Wording(FOLDER, False, None).samples(probe) == [
        "step 50: 你好 → [red]好 吗",
        "step 50: a [2Jb → ",
    ]
    assert Wording(FOLDER, False, None).samples(Record("probe", 50)) == []


def test_a_legible_text_has_no_control_characters():
    assert legible(" a\tb\r\nc\x07\x9b\u202e😀 ") == "a b  c   😀"

"""What `train` shows without a terminal: plain lines, next to nothing, and JSON lines."""

import dataclasses
import io
import json
import math
import re
import signal
import sys

import pytest

from chatbot.cli import display
from chatbot.cli.display import JsonLines, PlainLines, as_json
from chatbot.cli.wording import Wording
from chatbot.folder import ModelFolder
from chatbot.history import Record

TINY = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")
PROGRESS = Record(
    "progress", 1, 1.0, 2.0, learning_rate=0.1, pairs_per_second=3, tokens_per_second=4
)
EVENTS = [
    Record("start", 0),
    Record("validation", 25, heldout_loss=3.0),
    Record("probe", 25, samples=[("q", "r")]),
    Record("decay", 25, note="slower"),
    Record("alarm", 25, alarm="question ignored", note="advice"),
    Record("rollback", 20, note="at step 25 back"),
    Record("pause", 25, note="full"),
    Record("checkpoint", 25, note="saved step-25"),
    Record("stop", 25, seconds=3.0, note="interrupted"),
]


class Clock:
    now = 0.5

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(display, "time", clock)
    return clock


def plain(tmp_path, **wishes):
    return PlainLines(Wording(ModelFolder(tmp_path), False, None), **wishes)


def test_progress_is_told_every_ten_seconds_and_events_at_once(tmp_path, clock, capsys):
    with plain(tmp_path) as shown:
        for step in range(1, 26):
            clock.now = 0.5 + step - 1
            shown.show(dataclasses.replace(PROGRESS, step=step))
        for record in EVENTS:
            shown.show(record)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.partition(":")[0] for line in captured.err.splitlines()] == [
        *("step 1", "step 11", "step 21"),
        *("step 25", "step 25", "at step 25 back", "step 25", "step 25"),
        *("stopped at step 25 after 3 s", "now talk to it"),
    ]


def test_sample_replies_are_told_once_a_minute(tmp_path, clock, capsys):
    with plain(tmp_path) as shown:
        for second in range(1, 150):
            clock.now = 0.5 + second
            shown.show(Record("probe", second, samples=[("你好", f"[b]{second}"), ("吗", "")]))
    assert capsys.readouterr().err.splitlines() == [
        *("step 60: 你好 → [b]60", "step 60: 吗 → "),
        *("step 120: 你好 → [b]120", "step 120: 吗 → "),
    ]


def test_quiet_leaves_what_nobody_should_miss_and_the_last_line(tmp_path, capsys):
    with plain(tmp_path, quiet=True) as shown:
        for record in (PROGRESS, *EVENTS):
            shown.show(record)
    assert capsys.readouterr().err.splitlines() == [
        "step 25: alarm: question ignored. advice",
        "at step 25 back",
        "step 25: full; waiting for room, nothing is lost. Make some, and training goes on; "
        "Ctrl-C ends it with the last checkpoint",
        "stopped at step 25 after 3 s: interrupted, held-out 3.000",
    ]


def test_a_record_is_strict_json_on_one_line():
    record = Record("probe", 3, loss=math.nan, norm=math.inf, samples=[("你\n好", "😀")])
    assert as_json(record) == (
        '{"kind": "probe", "step": 3, "loss": null, "norm": null, "samples": [["你\\n好", "😀"]]}'
    )


class Full(io.StringIO):
    """A file on a disk that is full after two lines."""

    def write(self, text):
        if text and self.getvalue().count("\n") == 2:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_json_lines_that_cannot_be_written_are_given_up_and_nothing_else(
    tmp_path, capsys, monkeypatch
):
    full = Full()
    monkeypatch.setattr(sys, "stdout", full)
    with JsonLines(plain(tmp_path, quiet=True)) as shown:
        for record in EVENTS:
            shown.show(record)
    sys.stdout.close()  # nowhere
    assert [json.loads(line)["kind"] for line in full.getvalue().splitlines()] == [
        "start",
        "validation",
    ]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "stdout: No space left on device; training goes on without JSON lines"
    assert said[-1].startswith("stopped at step 25 ")
    assert len(said) == 5


# The command.


def test_json_lines_are_every_record_of_the_run_and_end_with_its_stop(trained, main):
    done = main("train", "--steps", "9", "--json", cwd=trained)
    assert done.code == 0
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [one["kind"] for one in records][:3] == ["start", "progress", "progress"]
    assert [one["step"] for one in records if one["kind"] == "progress"] == list(range(3, 10))
    assert all(one["disk_left"] > 0 for one in records if one["kind"] == "progress")
    assert (records[-1]["kind"], records[-1]["note"]) == ("stop", "all 9 steps done")
    assert done.err.splitlines()[-1] == "now talk to it: chatbot chat --model model"


def test_quiet_says_how_it_went_and_nothing_else(trained, main):
    done = main("train", "--steps", "3", "-q", cwd=trained)
    assert (done.code, done.out) == (0, "")
    assert re.fullmatch(
        r"stopped at step 3 after \d+ s: all 3 steps done, loss \d\.\d{3}, held-out \d\.\d{3}\n",
        done.err,
    )


def test_quiet_with_json_is_json_and_the_last_line(trained, main):
    done = main("train", "--steps", "3", "--quiet", "--json", cwd=trained)
    assert done.code == 0
    assert json.loads(done.out.splitlines()[-1])["kind"] == "stop"
    assert [line.split(" at ")[0] for line in done.err.splitlines()] == ["stopped"]


def test_quiet_still_names_a_damaged_checkpoint_and_errors(trained, main, refused):
    assert main("train", "--steps", "3", "--quiet", cwd=trained).code == 0
    (trained / "model" / "checkpoints" / "step-3.index").write_bytes(b"no checkpoint")
    said = main("train", "--steps", "4", "--quiet", cwd=trained).err.splitlines()
    assert said[0].startswith("model/checkpoints/step-3: damaged checkpoint (")
    assert [line.split(" at ")[0] for line in said[1:]] == ["stopped"]
    done = main("train", "--units", "9", "--quiet", cwd=trained)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.startswith("Error: --units 9: ")


def test_training_goes_on_when_nobody_reads_its_json(built, start):
    process = start("train", "--steps", "40", "--json", "--quiet", *TINY, cwd=built)
    assert json.loads(process.stdout.readline())["kind"] == "start"
    process.stdout.close()
    said = process.stderr.read().decode().splitlines()
    assert process.wait(60) == 0
    assert said[0] == "stdout: Broken pipe; training goes on without JSON lines"
    assert said[1].startswith("stopped at step 40 ")
    assert len(said) == 2
    assert (built / "model" / "checkpoints" / "step-40.index").exists()


def test_a_program_has_each_record_when_it_happens(built, start):
    process = start("train", "--steps", "1000000", "--json", *TINY, cwd=built)
    for line in process.stdout:
        if json.loads(line)["kind"] == "progress":
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert json.loads(out.splitlines()[-1])["note"] == "interrupted"
    assert process.returncode == 130

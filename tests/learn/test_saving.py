"""When a run is saved next, and how much room there is."""

import json
import shutil

import pytest

from chatbot.learn import saving
from chatbot.learn.saving import DiskLeft, due, seconds_to_save


@pytest.mark.parametrize(
    ("every", "steps", "seconds", "is_due", "left"),
    [
        ("5m", 9, 0.0, False, 300.0),
        ("5m", 9, 299.5, False, 0.5),
        ("5m", 9, 300.0, True, 0.0),
        ("0.5m", 9, 42.0, True, 0.0),
        ("100", 0, 9e9, False, 200.0),
        ("100", 97, 0.0, False, 6.0),
        ("100", 100, 0.0, True, 0.0),
        ("100", 102, 0.0, True, 0.0),
    ],
)
def test_a_checkpoint_is_due_when_nothing_is_left_to_the_next(every, steps, seconds, is_due, left):
    assert due(every, steps, seconds) is is_due
    assert seconds_to_save(every, steps, seconds, 2.0) == pytest.approx(left)


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


def test_the_disk_is_looked_at_every_few_seconds(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(saving, "time", clock)
    disk = DiskLeft()
    assert disk.bytes(tmp_path / "nowhere") is None
    first = disk.bytes(tmp_path)
    assert first == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    clock.now += 4.9
    assert disk.bytes(tmp_path / "nowhere") == first
    (tmp_path / "large").write_bytes(bytes(50_000_000))
    assert disk.bytes(tmp_path) == first
    clock.now += 0.2
    assert disk.bytes(tmp_path) != first


def test_a_shown_record_has_what_the_history_has_not(new_folder, trained):
    folder = new_folder(holdout=9)
    records, _ = trained(folder, steps=10, batch=7, save_every="7")
    shown = [one for one in records if one.kind == "progress"]
    assert all(one.disk_left > 0 and one.next_save >= 0 for one in shown)
    assert [one.next_save == 0 for one in shown] == [step == 7 for step in range(1, 11)]
    lines = folder.history.read_text("utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines if '"progress"' in line] == [10]
    assert not any('"disk_left"' in line or '"next_save"' in line for line in lines)

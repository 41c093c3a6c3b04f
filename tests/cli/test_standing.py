"""Where a run stands, after its records."""

import pytest

from chatbot.cli.standing import Standing
from chatbot.config import TrainingConfig
from chatbot.history import Record
from chatbot.learn.ending import Ending
from chatbot.learn.schedule import Schedule


def after(*records, best=None):
    start = Schedule() if best is None else Schedule(best=best)
    found = Standing(Ending(TrainingConfig(), 100, memorising=False), start)
    for record in records:
        found.see(record, Schedule(cooling=record.step))
    return found


def test_the_training_loss_is_smoothed_over_twenty_steps():
    found = after(*(Record("progress", step, loss=float(step)) for step in range(1, 31)))
    assert found.smoothed == pytest.approx(sum(range(11, 31)) / 20)
    assert found.training.values()[:3] == [1.0, 1.5, 2.0]
    assert (found.step, found.latest.loss, found.schedule.cooling) == (30, 30.0, 30)


def test_the_best_validation_is_kept_with_its_step():
    records = [Record("validation", 25 * i, heldout_loss=v) for i, v in ((1, 3), (2, 2.5), (3, 4))]
    assert after(*records).best == (2.5, 50)
    assert after(*records, best=2.25).best == (2.25, 0)
    assert after(*records).judged.values() == [3, 2.5, 4]
    assert after().best is None


def test_events_are_kept_in_a_few_words_newest_first_and_only_the_last_ones():
    records = [
        Record("decay", 10, note="long"),
        Record("validation", 25, heldout_loss=1.0),
        Record("rollback", 1025, note="long"),
        Record("alarm", 1030, alarm="question ignored", note="long"),
        Record("pause", 1040, note="long"),
        Record("checkpoint", 1050, note="long"),
    ]
    assert list(after(*records).events) == [
        "saved at 1,050",
        "disk full at 1,040",
        "question ignored at 1,030",
        "rolled back to 1,025",
        "rate lowered at 10",
    ]
    assert len(after(*(records * 99)).events) == 6

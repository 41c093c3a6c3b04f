"""When a run ends: tables of positions."""

from math import inf

import pytest

from chatbot.config import TrainingConfig
from chatbot.learn.ending import CAP_EPOCHS, CAP_STEPS, MEMORISED, Ending
from chatbot.learn.schedule import Schedule


def ending(pairs=900, memorising=False, **settings):
    return Ending(TrainingConfig(batch=100, **settings), pairs, memorising)


def test_epochs_count_whole_passes_in_steps():
    assert ending(epochs=2).last_step == 18
    assert ending(pairs=240, epochs=1).last_step == 3  # the shorter last window is a step too
    assert ending(pairs=30, epochs=7).last_step == 7  # fewer pairs than a batch: one step a pass
    assert ending(epochs=1e-3).last_step == 1


def test_the_earlier_of_two_ends_counts():
    assert ending(steps=40, epochs=2).last_step == 18
    assert ending(steps=7, epochs=2).last_step == 7
    assert ending(steps=10, minutes=1).fraction(2, 45) == 0.75
    assert ending(steps=10, minutes=1).fraction(9, 30) == 0.9
    assert ending(steps=10, minutes=1).seconds_left(4, 50, 5) == 10
    assert ending(steps=10, minutes=1).seconds_left(9, 10, 5) == 5


def test_without_an_end_nothing_is_known_of_how_far_it_is():
    assert ending().fraction(10**9, 1e9) == 0
    assert ending().seconds_left(3, 5, 1) is None


@pytest.mark.parametrize(
    ("settings", "step", "seconds", "reason"),
    [
        ({"steps": 1_234}, 1_233, 1e9, None),
        ({"steps": 1_234}, 1_234, 0, "all 1,234 steps done"),
        ({"minutes": 0.5}, 10**9, 29.9, None),
        ({"minutes": 0.5}, 0, 30, "all 0.5 minutes done"),
        ({}, CAP_STEPS - 1, 1e9, None),
        ({}, CAP_STEPS, 0, "stopped at the cap of 4,000 steps"),
    ],
)
def test_a_run_ends_where_it_was_told_to(settings, step, seconds, reason):
    assert ending(**settings).reason(step, seconds, Schedule()) == reason


def test_a_given_end_is_kept_however_the_loss_goes():
    for schedule in (Schedule(exhausted=True), Schedule(best=0.0)):
        assert ending(steps=5, memorising=True).reason(4, 0, schedule) is None


def test_a_large_corpus_may_be_passed_over_as_often_as_a_small_one():
    assert ending(pairs=10**6).cap == CAP_EPOCHS * 10**4
    assert ending(pairs=10).cap == CAP_STEPS


def test_an_exhausted_schedule_and_pairs_known_by_heart_end_a_run():
    done = Schedule(exhausted=True)
    assert ending().reason(1, 1, done) == "the loss falls no further at the smallest learning rate"
    known = Schedule(best=MEMORISED - 1e-6)
    by_heart = "the pairs are known by heart (training loss below 0.02 nats)"
    assert ending(memorising=True).reason(1, 1, known) == by_heart
    assert ending().reason(1, 1, known) is None
    assert ending(memorising=True).reason(1, 1, Schedule(best=inf)) is None

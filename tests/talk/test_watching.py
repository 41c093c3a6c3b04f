"""Probes and alarms of real, small runs: what they say, and that they change nothing."""

import dataclasses

import numpy as np
import pytest
from helpers import timeless

from chatbot.history import read
from chatbot.learn.preparing import prepare
from chatbot.talk import watching
from chatbot.talk.bot import Bot
from chatbot.talk.measures import distinct
from chatbot.talk.watching import ANSWERED, SAMPLES, Watch

SMALL = {"units": 16, "embedding": 12}
SETTINGS = {
    "steps": 24,
    "batch": 30,
    "validate_every": 2,
    "save_every": "9",
    "precision": "float32",
    "threads": 1,
    "learning_rate": 0.02,
    "warmup": 3,
}
MANY = [(f"{n:b}吗", f"{n * n:x}呀") for n in range(300)]


def watched(folder, stop_at=None, **settings):
    """A run to its end, or until a step, with whoever watches it."""
    given = {} if folder.trained else SETTINGS | settings
    run = prepare(
        folder,
        {} if folder.trained else SMALL,
        given,
        stop=lambda: "asked to" if run.position.step == stop_at else None,
    )
    run.watch = Watch(run)
    return run, list(run.records())


def of(records, kind):
    return [record for record in records if record.kind == kind]


@pytest.fixture(scope="module")
def whole(new_folder):
    folder = new_folder(MANY, holdout=60)
    return folder, *watched(folder)


def test_every_validation_has_a_probe_and_every_other_says_how_replies_differ(whole):
    _, _, records = whole
    found = of(records, "probe")
    assert [one.step for one in found] == [one.step for one in of(records, "validation")]
    told = [one.step for one in found if one.commonest_share is not None]
    assert told == [0, 4, 8, 12, 16, 20, 24]
    for one in found:
        assert len(one.samples) == SAMPLES
        assert one.unknown_share == 0
        assert abs(one.question_gain) < 1
    for one in found[::2]:
        assert 1 / ANSWERED <= one.commonest_share <= 1
        assert 0 < one.distinct_1 <= 1


def test_the_samples_are_the_replies_of_the_bot_at_that_step(whole):
    folder, _, records = whole
    bot = Bot.load(folder.path, "newest")
    last = of(records, "probe")[-1]
    for question, reply in last.samples:
        assert reply == bot.reply(question, watching.GREEDY)
    questions = {question for question, _ in last.samples}
    assert len(questions) == SAMPLES
    assert questions <= {question for question, _ in MANY}


def test_a_run_that_is_watched_is_the_one_that_is_not(whole, new_folder):
    _, run, _ = whole
    folder = new_folder(MANY, holdout=60)
    other = prepare(folder, SMALL, SETTINGS)
    list(other.records())
    for one, two in zip(
        run.engine.net.trainable_variables, other.engine.net.trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    assert dataclasses.replace(run.position, seconds=0) == dataclasses.replace(
        other.position, seconds=0
    )


@pytest.mark.parametrize("step", [5, 8, 13])
def test_a_run_that_resumes_records_the_probes_of_the_one_that_was_never_stopped(
    whole, new_folder, step
):
    whole_folder, *_ = whole
    folder = new_folder(MANY, holdout=60)
    watched(folder, stop_at=step)
    watched(folder)
    without = ("start", "checkpoint")
    assert timeless(read(folder.history), *without) == timeless(
        read(whole_folder.history), *without
    )


def test_where_questions_matter_shuffling_them_costs_and_where_not_it_does_not(new_folder):
    """Replies that repeat their questions, and the same replies dealt out to others."""
    generator = np.random.default_rng(2)
    words = [
        "".join("天地人你我他上下"[i] for i in generator.integers(8, size=4)) for _ in range(400)
    ]
    settings = {"steps": 150, "batch": 100, "validate_every": 25, "dropout": 0.0}
    gains = []
    for replies in (words, [*words[7:], *words[:7]]):
        folder = new_folder(list(zip(words, replies, strict=True)), holdout=60)
        _, records = watched(folder, **settings, learning_rate=0.03)
        gains.append(of(records, "probe")[-1].question_gain)
    assert gains[0] > 0.1 > 0.05 > gains[1]


STILL = {"learning_rate": 1e-9, "validate_every": 20, "steps": 130}


def test_an_alarm_is_recorded_once_and_a_run_that_resumes_says_it_no_more(new_folder):
    folder = new_folder(MANY, holdout=60)
    _, records = watched(folder, stop_at=110, **STILL)
    (alarm,) = of(records, "alarm")
    assert (alarm.alarm, alarm.step) == ("nothing is learned", 100)
    assert alarm.note.startswith("The loss is where it began.")
    _, records = watched(folder)
    assert "nothing is learned" not in [one.alarm for one in of(records, "alarm")]
    history = [one for one in read(folder.history) if one["kind"] == "alarm"]
    assert [one["step"] for one in history if one["alarm"] == alarm.alarm] == [100]


def test_a_run_stopped_on_its_way_to_an_alarm_says_it_at_the_same_step(new_folder):
    folder = new_folder(MANY, holdout=60)
    _, records = watched(folder, stop_at=90, **STILL)
    assert of(records, "alarm") == []
    _, records = watched(folder)
    assert ("nothing is learned", 100) in [(one.alarm, one.step) for one in of(records, "alarm")]


def test_distinct_is_the_share_of_different_runs():
    assert distinct([[1, 2, 1], [1, 2]], 1) == 2 / 5
    assert distinct([[1, 2, 1], [1, 2]], 2) == 2 / 3
    assert distinct([[1], []], 2) == 0

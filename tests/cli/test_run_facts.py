"""What a history is taken to say, whatever stands in it."""

import json
from math import exp, inf, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.cli.curve_svg import standalone
from chatbot.cli.curves import curves_of
from chatbot.cli.run_events import number, sound
from chatbot.cli.run_facts import alarmed, facts_of, headline
from chatbot.cli.run_page import page
from chatbot.errors import ChatbotError
from chatbot.history import Record


def read_back(records):
    """The records as they are read from a history."""
    plain = [one.as_dict() if isinstance(one, Record) else one for one in records]
    return json.loads(json.dumps(plain))


def facts(records):
    return facts_of(read_back(records))


def happened(records):
    return [(one.kind, one.step, one.note) for one in facts(records).events]


def as_json(records):
    """The facts after a trip through JSON that knows no NaN."""
    return json.loads(json.dumps(facts(records).as_dict(), allow_nan=False))


def test_the_headline_says_steps_time_loss_reason_and_alarms(a_run):
    assert headline(facts(a_run)) == (
        "600 steps in 5 min 0 s; best held-out loss 3.000 nats per token (perplexity 20.1, 1.500 "
        "bits per character) at step 400. Stopped: all 600 steps done. Alarm: question ignored, "
        "at step 350."
    )


def test_every_event_is_told_in_the_order_of_the_record(a_run):
    best = "held-out loss 3.000 nats per token (perplexity 20.1, 1.500 bits per character)"
    assert happened(a_run) == [
        ("start", 0, "70 are held out"),
        ("rollback", 250, "back to step 200"),
        ("resume", 300, "--learning-rate 0.015 → 0.003"),
        ("alarm", 350, "question ignored: replies do not depend on questions"),
        ("best", 400, best),
        ("decay", 500, "learning rate x 0.4"),
        ("checkpoint", 600, "saved step-600, the last of 6 checkpoints"),
        ("stop", 600, "all 600 steps done"),
    ]
    assert [one.seconds for one in facts(a_run).events] == [0, 125, 150, 175, 200, 250, 300, 300]


def test_the_best_validation_is_the_one_with_the_least_loss(a_run):
    best = facts(a_run).best
    assert (best.step, best.seconds, best.loss, best.bits_per_character) == (400, 200, 3.0, 1.5)
    assert best.perplexity == pytest.approx(exp(3))


def test_without_held_out_pairs_the_training_loss_is_judged():
    judged = [Record("validation", step, step * 1.0, loss=9 / step) for step in (3, 9, 5)]
    found = facts([Record("start", 0, 0.0), *judged])
    assert (found.memorising, found.best.step, found.best.loss) == (True, 9, 1.0)
    assert "best training loss 1.000 nats per token (perplexity 2.7) at step 9" in headline(found)


def test_a_run_that_was_resumed_after_its_end_has_no_end():
    ended = [Record("start", 0, 0.0), Record("stop", 7, 3.0, note="all 7 steps done")]
    assert facts(ended).stopped == "all 7 steps done"
    assert facts([*ended, Record("start", 7, 3.0)]).stopped is None


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [Record("start", 0, 0.0)],
            "0 steps in 0 s; never validated. No end is recorded: it goes on, or it was killed.",
        ),
        (
            [Record("progress", 1, loss=4.5)],
            "1 step; never validated, training loss 4.500. No end is recorded: it goes on, or it "
            "was killed.",
        ),
        (
            [Record("validation", 1_000, 9_000.0, heldout_loss=80.0), Record("stop", 1_000)],
            "1,000 steps in 2 h 30 min; best held-out loss 80.000 nats per token at step 1,000. "
            "Stopped: no reason is recorded.",
        ),
    ],
)
def test_a_short_history_has_a_headline_too(records, said):
    assert headline(facts(records)) == said


def test_losses_that_are_not_finite_are_told_once_a_stretch():
    losses = [3.0, nan, inf, -inf, 2.0, 1.0, nan]
    records = [Record("progress", 10 * i, i * 1.0, loss=one) for i, one in enumerate(losses)]
    assert happened(records) == [
        ("broken", 10, "the loss was not finite, until step 30"),
        ("broken", 60, "the loss was not finite"),
    ]
    assert list(alarmed(facts(records))) == ["The loss was not finite, first at step 10."]
    assert as_json(records)["last"] == {"loss": 1.0}


def test_an_alarm_raised_again_is_counted_not_repeated():
    records = [Record("alarm", step, alarm="replies all alike") for step in (5, 10, 15)]
    assert list(alarmed(facts(records))) == [
        "Alarm: replies all alike, at step 5 and 2 times more."
    ]
    assert as_json(records)["alarms"] == {"replies all alike": [5, 10, 15]}


def test_replies_are_told_as_they_changed(a_run):
    (hello, replies), (hostile, same) = facts(a_run).samples
    assert (hello, hostile) == ("你好", "<b>?")
    told = [(one.first_step, one.last_step, one.text) for one in replies]
    assert told == [(100, 100, "第0"), (200, 300, "第1"), (400, 500, "第2"), (600, 600, "第3")]
    assert [(one.first_step, one.last_step) for one in same] == [(100, 600)]


def test_only_questions_that_are_still_asked_are_told():
    old, new = (
        Record("probe", step, samples=[(question, "好"), ("都", "是")])
        for step, question in ((5, "旧"), (10, "新"))
    )
    assert [question for question, _ in facts([old, new]).samples] == ["新", "都"]


def test_settings_are_told_with_their_defaults(a_run):
    found = {one.name: one for one in facts(a_run).settings}
    assert {name for name, one in found.items() if one.changed} == {
        *("units", "steps", "learning_rate")
    }
    assert (found["units"].value, found["units"].default) == (96, 256)
    assert found["learning_rate"].value == 0.003
    assert found["batch"].help == "pairs per step"


def test_a_setting_of_another_version_is_told_as_such():
    start = Record("start", 0, model={"depths": 2}, training={"batch": nan})
    depths, batch = facts([start]).settings
    assert (depths.known, depths.changed, depths.value) == (False, True, 2)
    assert as_json([start])["settings"][1]["value"] == "nan"
    assert batch.changed


def test_a_kind_of_a_newer_version_is_an_event(a_run):
    assert ("merger", 9, "two became one") in happened(
        [*a_run, {"kind": "merger", "step": 9, "note": "two became one"}]
    )


def test_the_facts_are_json_and_say_what_the_headline_says(a_run):
    found = as_json(a_run)
    assert found["headline"] == headline(facts(a_run))
    assert (found["steps"], found["seconds"], found["stopped"]) == (600, 300, "all 600 steps done")
    assert found["counts"]["progress"] == 60
    assert found["last"]["heldout_loss"] == pytest.approx(3.6)
    assert found["samples"][0]["replies"][0] == {"first_step": 100, "last_step": 100, "text": "第0"}
    assert [one["kind"] for one in found["events"]].count("best") == 1


def test_what_is_no_finite_number_is_not_known():
    for value in (None, "3", True, [3], {}, nan, inf, -inf, 10**400, -(10**400)):
        assert number({"loss": value}, "loss") is None
    assert [number({"loss": value}, "loss") for value in (3, -0.5)] == [3.0, -0.5]


def test_a_history_without_a_sound_record_is_refused():
    odd = [{"kind": 3, "step": 1}, {"kind": "start", "step": "1"}, {"kind": "start", "step": -1}]
    odd += [{"kind": "start", "step": True}, {"kind": "start", "step": 10**400}]
    for records in (odd, []):
        with pytest.raises(ChatbotError, match="m/history.jsonl: holds no record of a run. Train"):
            sound(records, "m/history.jsonl")
    assert sound([*odd, {"kind": "start", "step": 0}], "m") == [{"kind": "start", "step": 0}]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
RECORDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            [
                "start",
                "progress",
                "validation",
                "probe",
                "alarm",
                "decay",
                "stop",
                "checkpoint",
                "x",
            ]
        ),
        "step": st.integers(0, 10**14),
    },
    optional={
        name: st.floats() | st.floats(0, 10) | st.just(5e-324) | ANYTHING
        for name in (
            *("seconds", "loss", "heldout_loss", "learning_rate", "norm", "memory", "note"),
            *("tokens_per_second", "samples", "question_gain", "distinct_1", "alarm", "model"),
        )
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=12))
def test_whatever_a_history_holds_there_is_a_page_of_it(records):
    found = facts(records)
    curves = curves_of(records, found)
    assert page(found, curves, "model").endswith("</html>\n")
    assert all(standalone(one).startswith("<svg") for one in curves)
    as_json(records)

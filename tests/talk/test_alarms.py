"""Records in, alarms out."""

import pytest

from chatbot.history import Record
from chatbot.talk.alarms import (
    ADVICE,
    FALLEN,
    IN_A_ROW,
    LEAST_GAIN,
    OVERFIT,
    REPLIES_FROM,
    SAME_REPLY,
    TOO_GOOD,
    UNKNOWN,
    Alarms,
)


def rung(records):
    """Every alarm with the step it came at."""
    alarms = Alarms()
    return [(name, record.step) for record in records for name in alarms.after(record)]


def validations(*losses, every=25):
    return [Record("validation", every * n, heldout_loss=loss) for n, loss in enumerate(losses)]


def probes(first=REPLIES_FROM, count=5, **known):
    return [Record("probe", first + 25 * n, **known) for n in range(count)]


HEALTHY = {
    "question_gain": 0.05,
    "commonest_share": 0.5,
    "distinct_1": 0.1,
    "distinct_2": 0.2,
    "unknown_share": 0.001,
}


def test_a_healthy_run_sets_off_nothing():
    falling = [5.2 - 0.05 * n for n in range(40)]
    training = [Record("progress", step, loss=6 - step / 500) for step in range(10, 1000, 10)]
    assert rung([*validations(*falling), *probes(0, 40, **HEALTHY), *training]) == []


@pytest.mark.parametrize(
    ("name", "wrong", "well"),
    [
        ("the question is ignored", {"question_gain": LEAST_GAIN - 0.001}, LEAST_GAIN),
        ("replies collapse", {"commonest_share": SAME_REPLY}, SAME_REPLY - 0.01),
        ("many unknown words", {"unknown_share": UNKNOWN + 0.001}, UNKNOWN),
    ],
)
def test_what_probes_show_three_times_is_said_once(name, wrong, well):
    (field,) = wrong
    assert rung(probes(**HEALTHY | wrong)) == [(name, REPLIES_FROM + 25 * (IN_A_ROW - 1))]
    assert rung(probes(**HEALTHY | {field: well})) == []
    mixed = [
        *probes(count=2, **wrong),
        *probes(count=1, **{field: well}),
        *probes(count=2, **wrong),
    ]
    assert rung(mixed) == []
    again = [
        *probes(count=3, **wrong),
        *probes(count=1, **{field: well}),
        *probes(count=3, **wrong),
    ]
    assert [alarm for alarm, _ in rung(again)] == [name, name]


def test_a_probe_without_a_figure_neither_counts_nor_ends_a_row():
    wrong = {"commonest_share": 1.0}
    row = [one for _ in range(3) for one in (*probes(count=1, **wrong), *probes(count=3))]
    assert [name for name, _ in rung(row)] == ["replies collapse"]


def test_replies_are_not_judged_in_the_beginning():
    early = probes(0, REPLIES_FROM // 25, commonest_share=1.0, question_gain=0.0)
    assert early[-1].step < REPLIES_FROM
    assert rung(early) == []


def test_a_loss_that_stays_where_it_began_is_said():
    assert rung(validations(5.0, 5.0, 5.0, 4.99, 5.01)) == [("nothing is learned", 100)]
    assert rung(validations(5.0, *[5.0 - FALLEN] * 9)) == []
    by_heart = [Record("validation", 25 * n, loss=6.0) for n in range(5)]
    assert rung(by_heart) == [("nothing is learned", 100)]


def test_a_held_out_loss_no_dialogue_has_is_said_and_one_by_heart_may_have_it():
    assert rung(validations(5.0, 3.0, *[TOO_GOOD - 0.01] * 4)) == [("too good to be true", 100)]
    by_heart = [Record("validation", 25 * n, loss=loss) for n, loss in enumerate((5, 1, 0.1, 0.1))]
    assert rung(by_heart) == []


def overfit(training):
    """The held-out loss rises from step 100 on, the training loss goes as said."""
    records = []
    for n in range(20):
        step = 25 * n
        loss = 5 - 0.01 * step if step < 100 else 4 + 0.001 * (step - 100)
        records += [Record("progress", step + 10 * i, loss=training(step)) for i in range(1, 3)]
        records.append(Record("validation", step, heldout_loss=loss))
    return records


def test_a_held_out_loss_that_rises_while_the_training_loss_falls_is_said():
    (found,) = rung(overfit(lambda step: 6 - 0.005 * step))
    assert found[0] == "the model overfits"
    assert found[1] >= 100 + OVERFIT / 0.001
    assert rung(overfit(lambda step: 4.0 + 0.001 * step)) == []


def test_every_alarm_has_its_advice():
    names = {"nothing is learned", "too good to be true", "the model overfits"}
    names |= {"the question is ignored", "replies collapse", "many unknown words"}
    names.add("memory nears the cap")
    assert set(ADVICE) == names
    assert all(len(text) < 200 and text.endswith(".") for text in ADVICE.values())


def test_other_records_say_nothing():
    kinds = ("start", "decay", "checkpoint", "stop", "rollback", "alarm", "pause")
    assert rung([Record(kind, 9, note="x") for kind in kinds]) == []
    assert rung([Record("validation", 9), Record("probe", 999), Record("progress", 10)]) == []


@pytest.mark.parametrize(("peaks", "said"), [((970, 975, 979, 979, 979), 0), ((981,) * 5, 1)])
def test_a_peak_near_the_cap_is_said_once_after_every_start(peaks, said):
    start = Record("start", 0, training={"memory": "1GB"})
    steps = [
        Record("progress", 10 * n, memory=peak * 10**6) for n, peak in enumerate(peaks, start=1)
    ]
    name = "memory nears the cap"
    assert rung([start, *steps]) == [(name, 10 * IN_A_ROW)] * said
    assert rung([start, *steps[:2], start, *steps]) == [(name, 10 * IN_A_ROW)] * said
    assert rung([Record("start", 0, training={"memory": None}), *steps]) == []


def test_after_an_extension_other_pairs_are_judged():
    before = validations(5.0, 4.0, 3.0)
    after = [Record("validation", 50 + 25 * n, heldout_loss=4.5 - n / 9) for n in range(6)]
    training = [Record("progress", 10 * n, loss=6 - n / 9) for n in range(1, 20)]
    records = sorted([*before, *training, *after], key=lambda one: one.step)
    assert rung(records) != []
    assert rung([*before, Record("extend", 50), *training[5:], *after]) == []

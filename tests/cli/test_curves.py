"""Which curves a run has, and that no peak is lost where points are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.cli.curves import MOST_MARKS, MOST_POINTS, curves_of, thinned
from chatbot.cli.run_facts import facts_of

POINTS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(-9, 9)), max_size=200)


def curves(records):
    plain = [one if isinstance(one, dict) else one.as_dict() for one in records]
    return {one.name: one for one in curves_of(plain, facts_of(plain))}


def progress(step, **known):
    return {"kind": "progress", "step": step, **known}


@given(POINTS, st.integers(4, 50))
def test_thinned_points_keep_ends_extremes_and_order(points, most):
    kept = thinned(points, most)
    assert len(kept) <= most
    rest = iter(points)
    assert all(point in rest for point in kept)
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
        ys = [y for _, y in points]
        assert {min(ys), max(ys)} <= {y for _, y in kept}
    if len(points) <= most:
        assert kept == tuple(points)


@pytest.mark.parametrize("place", [1, 4_999, 70_000, 99_998])
def test_one_peak_among_many_points_is_kept(place):
    points = [(i, 1.0) for i in range(100_000)]
    points[place] = (place, 50.0)
    kept = thinned(points)
    assert (place, 50.0) in kept
    assert len(kept) <= MOST_POINTS


def test_a_whole_run_has_every_curve(a_run):
    found = curves(a_run)
    assert {name: one.title for name, one in found.items()} == {
        "loss": "training and held-out loss, nats per token",
        "loss-by-time": "training and held-out loss, nats per token",
        "learning-rate": "learning rate",
        "gradient-norm": "norm of the gradient",
        "tokens-per-second": "tokens a second",
        "peak-memory": "peak memory, GB",
        "bits-per-character": "bits per character",
        "question-gain": "gain of the question, nats",
        "variety": "variety of replies",
    }
    lines = {line.name: line.points for one in found.values() for line in one.series}
    assert [len(one) for one in (lines["training"], lines["held-out"], lines["bits"])] == [60, 6, 6]
    assert lines["memory"][0] == (10, 1.20000001)
    assert lines["gain"][-1] == (600, 0.3)
    assert lines["norm"][0] == (10, 0.71)
    assert lines["commonest reply"][0] == (100, 0.5)


def test_the_loss_is_drawn_against_steps_and_against_time(a_run):
    by_step, by_time = (curves(a_run)[name] for name in ("loss", "loss-by-time"))
    assert (by_step.across, by_time.across) == ("steps", "minutes")
    assert by_step.series[0].points[1] == (20, 5.9)
    assert by_time.series[0].points[1] == (pytest.approx(10 / 60), 5.9)
    assert by_step.best == (400, 3.0)
    assert by_time.best == (pytest.approx(200 / 60), 3.0)


def test_what_happened_is_marked_where_it_happened(a_run):
    marks = [(mark.kind, mark.x, mark.note) for mark in curves(a_run)["loss"].marks]
    assert marks == [
        ("decay", 500, "decay at step 500"),
        ("rollback", 250, "roll-back at step 250"),
        ("alarm", 350, "alarm at step 350"),
        ("resume", 300, "resumed at step 300"),
    ]
    by_time = [mark.x * 60 for mark in curves(a_run)["loss-by-time"].marks]
    assert by_time == pytest.approx([250, 125, 175, 150])


@pytest.mark.parametrize(
    ("seconds", "across", "last"),
    [(299, "seconds", 299), (300, "minutes", 5), (10_800, "hours", 3)],
)
def test_time_is_counted_in_a_unit_that_suits_the_run(seconds, across, last):
    found = curves([progress(10, seconds=1, loss=3), progress(20, seconds=seconds, loss=2)])
    assert found["loss-by-time"].across == across
    assert found["loss-by-time"].series[0].points[-1][0] == last


def test_what_was_not_recorded_is_not_drawn():
    assert curves([{"kind": "start", "step": 0}]) == {}
    assert set(curves([progress(10, loss=3.0)])) == {"loss"}
    assert set(curves([progress(10, norm=1.0, memory=5_000_000)])) == {
        *("gradient-norm", "peak-memory")
    }
    assert curves([progress(10, memory=5_000_000)])["peak-memory"].title == "peak memory, MB"


def test_losses_that_are_no_numbers_leave_no_points():
    found = curves([progress(i, loss=one) for i, one in enumerate((3.0, float("nan"), 2.0))])
    assert found["loss"].series[0].points == ((0, 3.0), (2, 2.0))
    assert [(mark.kind, mark.x) for mark in found["loss"].marks] == [("broken", 1)]


def test_a_rate_of_nothing_has_no_place_on_a_logarithmic_axis():
    records = [progress(i, learning_rate=rate) for i, rate in enumerate((0.0, 0.1, -1.0, 0.2))]
    (found,) = curves(records).values()
    assert found.log
    assert found.series[0].points == ((1, 0.1), (3, 0.2))


def test_a_run_without_held_out_pairs_draws_what_was_judged():
    records = [progress(10, loss=3.0), {"kind": "validation", "step": 10, "loss": 2.0}]
    found = curves(records)["loss"]
    assert found.title == "training loss, nats per token"
    assert [(line.name, line.points) for line in found.series] == [
        ("training", ((10, 3.0),)),
        ("judged, nothing dropped", ((10, 2.0),)),
    ]
    assert "by heart" in found.explained


def test_marks_are_few_however_often_something_happened():
    records = [progress(1, loss=1.0)]
    records += [{"kind": "decay", "step": i} for i in range(12_345)]
    marks = curves(records)["loss"].marks
    assert MOST_MARKS // 2 < len(marks) <= MOST_MARKS
    assert max(mark.x for mark in marks) > 12_000

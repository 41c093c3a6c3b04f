"""docs/scaling.md is what its script makes of the records, and its model adds up."""

import pytest

from tests.test_performance_page import DOCS, loaded

maker = loaded("make_scaling")

MODEL = maker.Model(
    fixed=0.1,
    slope=0.001,
    hop=0.01,
    dense=8e6,
    tails=2e7,
    row=1000.0,
    touched={"1": 5.0, "100": 200.0, "1000": 1500.0},
)


def test_the_page_is_up_to_date():
    page = (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert page == maker.page(), "run: python docs/make_scaling.py"


def ring_sum(workers, size):
    """What one worker of a ring sends: its array in as many chunks as workers, around twice."""
    sent = 0.0
    for _ in range(2):
        for _ in range(workers - 1):
            sent += size / workers
    return sent


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 256])
def test_a_worker_sends_what_rings_send(workers):
    rows = sum(MODEL.rows(100) * MODEL.row for _ in range(workers - 1))  # its own, and others' on
    assert MODEL.sent(workers, 100) == pytest.approx(ring_sum(workers, 8e6) + rows)
    assert MODEL.sent(workers, 100, dense=True) == pytest.approx(ring_sum(workers, 2.8e7))


def test_entries_lie_between_those_that_were_counted():
    assert [MODEL.rows(n) for n in (1, 100, 550, 1000)] == [5, 200, 850, 1500]


def test_one_worker_has_nobody_to_talk_to():
    assert MODEL.seconds(1, 1000, 1e9) == pytest.approx(1.1)
    assert MODEL.talking(1) == MODEL.sent(1, 1000) == 0


def test_the_last_number_up_to_which_something_holds_is_found():
    assert maker.last(lambda n: n <= 11) == 11
    assert maker.last(lambda n: False) == 1


def test_the_model_is_what_was_measured():
    def way(seconds):
        return {"seconds": {"median": seconds}}

    network = {"entries": 20_000, "shared_entries": 4_000, "width": 256, "dense_bytes": 9e6}
    ways = {"all processors, 1000 pairs": way(0.4), "all processors, 250 pairs": way(0.175)}
    found = {
        "cost": {"ways": ways, "network": {**network, "touched": {"1000": 3.0}}},
        "talking": {"ways": {"workers 1": way(0.02), "workers 2": way(0.06)}},
    }
    model = maker.Model.of(found)
    assert model.slope == pytest.approx(0.0003)
    assert model.fixed == pytest.approx(0.1)
    assert model.hop == pytest.approx(0.04)
    assert (model.dense, model.tails, model.row) == (9e6, 16_000 * 1024, 1028)

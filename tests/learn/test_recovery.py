"""Losses in; whether a run is well, by walks."""

import numpy as np
import pytest

from chatbot.learn.recovery import (
    FAR,
    MARGIN,
    WORSE,
    Recovery,
    Step,
    after_step,
    after_validation,
    fault,
    fault_of_validation,
    rolled_back,
    width,
)

INF, NAN = float("inf"), float("nan")


def walk(losses, batch=1000, state=None):
    """The state after steps of these losses, and the first step that something was wrong at."""
    state, first = state or Recovery(), None
    for number, loss in enumerate(losses):
        state = after_step(state, Step(1.0, loss, 2.0), batch)
        if first is None and fault(state, batch):
            first = number
    return state, first


def test_a_falling_loss_and_one_that_wavers_below_the_margin_are_well():
    generator = np.random.default_rng(0)
    falling = 4 + 2.5 * np.exp(-np.arange(3_000) / 300) + generator.normal(0, 0.2, 3_000)
    assert walk(falling.tolist())[1] is None
    assert walk([4.0] * 9 + [4.9] * 50)[1] is None


@pytest.mark.parametrize("batch", [1, 4, 30, 100, 1000])
def test_the_noise_of_small_batches_is_no_divergence(batch):
    generator = np.random.default_rng(batch)
    noise = generator.gamma(9, 0.5, 20_000) if batch == 1 else None
    drawn = generator.normal(4.5, 1.5 / batch**0.5, 20_000) if noise is None else noise
    assert walk(drawn.tolist(), batch)[1] is None


def test_a_jump_that_stays_is_found_when_most_of_five_steps_have_it():
    _, found = walk([5.0, 4.5, 4.0, 4.0, 4.0, 4.0, 5.2, 5.2, 5.2, 5.2])
    assert found == 8
    assert walk([4.0] * 5 + [9.0, 4.0, 9.0, 4.0, 4.0, 9.0])[1] is None  # it comes back


def test_a_far_jump_is_found_in_five_steps_even_in_small_batches():
    start = after_validation(Recovery(), 3.0, gained=True)
    assert walk([3.0] * 150 + [3.0 + FAR + 0.1] * 9, 7, start)[1] == 152
    assert walk([3.0] * 150 + [3.0 + MARGIN + 0.1] * 99, 7, start)[1] == 150 + width(7) // 2


def test_the_drawn_network_is_what_the_first_steps_are_measured_by():
    start = after_validation(Recovery(), 6.3, gained=True)
    assert walk([7.5] * 5, 1000, start)[1] == 4
    assert walk([7.2] * 5, 1000, start)[1] is None


@pytest.mark.parametrize(("loss", "norm"), [(NAN, 1.0), (INF, 1.0), (4.0, NAN), (4.0, INF)])
def test_what_is_not_finite_is_wrong_at_once_and_is_counted(loss, norm):
    state, _ = walk([4.0] * 5)
    for times in (1, 2):
        state = after_step(state, Step(loss, loss, norm), 1000)
        assert fault(state, 1000) == "the loss or its gradient is not finite"
        assert state.refused == times
    assert state.recent == (4.0,) * 5
    state = after_step(state, Step(4.0, 4.0, 1.0), 1000)
    assert (state.refused, fault(state, 1000)) == (0, None)


def test_a_validation_is_wrong_where_the_training_loss_has_risen_too():
    state, _ = walk([5.0] * 5, state=after_validation(Recovery(), 6.4, gained=True))
    state = after_validation(state, 4.0, gained=True)
    assert fault_of_validation(state, 9.0) is None  # the training loss is at its least
    state, _ = walk([5.0 + MARGIN / 2 + 0.1] * 5, state=state)
    assert fault_of_validation(state, 4.0 + MARGIN + 0.1).startswith("the loss of a validation")
    assert fault_of_validation(state, 4.0 + MARGIN - 0.1) is None
    overfit, _ = walk([2.0] * 5, state=state)
    assert fault_of_validation(overfit, 9.0) is None
    assert fault_of_validation(overfit, NAN) == "the loss of a validation is not finite"


def test_a_network_worse_than_it_was_drawn_is_spoiled():
    drawn = after_validation(Recovery(), 6.4, gained=True)
    state, _ = walk([6.6] * 5, state=drawn)
    assert fault_of_validation(state, 6.4 + WORSE + 0.001) == (
        "the network is worse than it was drawn (6.411 against 6.400)"
    )
    assert fault_of_validation(state, 6.4 + WORSE - 0.001) is None
    learning, _ = walk([6.2] * 5, state=drawn)
    assert fault_of_validation(learning, 6.9) is None
    assert fault_of_validation(Recovery(), 6.4) is None  # the first of all


def test_a_gain_counts_the_attempts_anew_and_a_roll_back_counts_one_more():
    good = after_validation(walk([5.0] * 5)[0], 4.9, gained=True)
    bad, _ = walk([9.0] * 5, state=good)
    back = rolled_back(bad, good)
    assert (back.tries, back.refused, back.recent) == (1, 0, ())
    assert (back.least, back.judged, back.start) == (4.9, 4.9, 4.9)
    again = rolled_back(walk([9.0] * 5, state=back)[0], good)
    assert again.tries == 2
    assert after_validation(again, 5.0, gained=False).tries == 2
    assert after_validation(again, 4.8, gained=True).tries == 0


def test_a_median_is_taken_of_more_steps_where_batches_are_small():
    assert [width(batch) for batch in (1, 20, 50, 100, 200, 1000, 9999)] == [
        400,
        50,
        20,
        10,
        5,
        5,
        5,
    ]


def test_a_run_that_was_extended_is_judged_by_its_first_validation():
    state = after_validation(Recovery(start=7.0), 3.0, gained=True)
    assert (state.start, state.least, state.judged) == (7.0, 3.0, 3.0)
    _, first = walk([3.0 + MARGIN + 0.5] * 5, state=state)
    assert first == 4
    assert after_validation(state, 2.5, gained=True).least == 3.0  # later ones leave that to steps

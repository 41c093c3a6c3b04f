"""Losses in; the state of the learning rate out, by tables and long walks."""

import dataclasses
import itertools

import numpy as np
import pytest

from chatbot.config import TrainingConfig
from chatbot.learn.schedule import Schedule, after_step, after_validation, dropping, rate


def config(**given):
    known = {"patience": 3, "cooldown": 1, "floor": 0.1, "learning_rate": 0.02, "warmup": 0}
    return TrainingConfig(**(known | given))


def walk(losses, settings, state=None, after=after_validation):
    states = [state or Schedule()]
    for loss in losses:
        states.append(after(states[-1], loss, settings))
    return states[1:]


def scales(states):
    return [round(state.scale, 6) for state in states]


TABLE = [
    # losses, patience, cooldown, scales after each
    ([5, 4, 3, 2], 1, 0, [1, 1, 1, 1]),
    ([5, 5, 5, 5], 3, 0, [1, 1, 1, 0.4]),
    ([5, 5, 5, 4, 4, 4], 3, 0, [1, 1, 1, 1, 1, 1]),
    ([5, 6, 7, 5, 6], 2, 0, [1, 1, 0.4, 0.4, 0.16]),
    ([5, 6, 7, 5, 6, 7], 2, 1, [1, 1, 0.4, 0.4, 0.4, 0.16]),
    ([5, 6, 5, 5, 5, 5], 1, 2, [1, 0.4, 0.4, 0.4, 0.16, 0.16]),
    ([5, 4.9985, 4.9985, 4.9985], 3, 0, [1, 1, 1, 0.4]),  # a gain below 0.002 is none
    ([5, 4.9975, 4.9975, 4.9975], 3, 0, [1, 1, 1, 1]),
    ([5, 6, 4, 5, 5], 2, 5, [1, 1, 1, 1, 0.4]),
]


@pytest.mark.parametrize(("losses", "patience", "cooldown", "expected"), TABLE)
def test_the_scale_after_each_validation(losses, patience, cooldown, expected):
    states = walk(losses, config(patience=patience, cooldown=cooldown))
    assert scales(states) == expected


def test_small_gains_add_up_against_the_best():
    states = walk([5 - 0.0015 * n for n in range(50)], config(patience=2))
    assert set(scales(states)) == {1}


def test_a_steady_descent_never_decays():
    losses = (9 - 0.0008 * n + 0.0004 * (n % 2) for n in range(10_000))
    assert set(scales(walk(losses, config(patience=6)))) == {1}


@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("cooldown", [0, 1, 4])
def test_a_flat_loss_decays_after_exactly_the_patience_then_the_cooldown(patience, cooldown):
    states = walk([3.0] * 60, config(patience=patience, cooldown=cooldown, floor=1e-9))
    falls = [n for n, (a, b) in enumerate(itertools.pairwise(states), 1) if b.scale < a.scale]
    assert falls[:3] == [patience + k * (patience + cooldown) for k in range(3)]
    assert states[falls[0]].scale == pytest.approx(0.4)
    assert states[falls[2]].scale == pytest.approx(0.4**3)


def test_the_scale_stops_at_the_floor_and_only_then_is_the_schedule_exhausted():
    states = walk([3.0] * 30, config(patience=2, cooldown=0, floor=0.1))
    assert list(dict.fromkeys(scales(states))) == [1, 0.4, 0.16, 0.1]
    at_floor = next(n for n, state in enumerate(states) if state.scale == 0.1)
    assert [state.exhausted for state in states].index(True) == at_floor + 2


def test_a_gain_at_the_floor_goes_on():
    settings = config(patience=1, cooldown=0, floor=1)
    states = walk([3.0, 2.0, 1.0, 1.0], settings)
    assert [state.exhausted for state in states] == [False, False, False, True]


def test_a_loss_that_is_not_a_number_is_no_gain():
    states = walk([3.0, float("nan"), float("nan")], config(patience=2, cooldown=0))
    assert scales(states) == [1, 1, 0.4]
    assert states[-1].best == 3.0


def test_the_ancestors_rule_multiplies_by_099_exactly_above_the_largest_of_the_last_five():
    losses = [1, 2, 3, 4, 5, 5, 5.1, 5.1, 4, 4, 4, 4, 5.2, 4.5, 6, 1]
    expected, scale = [], 1.0
    for n, loss in enumerate(losses):
        if n >= 5 and loss > max(losses[n - 5 : n]):
            scale *= 0.99
        expected.append(scale)
    states = walk(losses, config(decay_on="train", floor=1e-9), after=after_step)
    assert [state.scale for state in states] == pytest.approx(expected)
    assert sum(a.scale != b.scale for a, b in itertools.pairwise(states)) == 3
    assert states[-1].recent == tuple(losses[-5:])


def test_under_the_ancestors_rule_flat_noise_alone_takes_the_rate_below_one_percent():
    settings = config(decay_on="train", floor=1e-9)
    noise = np.random.default_rng(0).normal(4, 0.1, 3_500)
    states = walk(noise.tolist(), settings, after=after_step)
    below = next(n for n, state in enumerate(states) if state.scale < 0.01)
    assert 2_400 < below < 3_100  # one step in six: 6 ln(0.01) / ln(0.99) = 2,749


def test_under_the_ancestors_rule_validations_decay_nothing_and_the_floor_ends():
    settings = config(decay_on="train", floor=0.97)
    assert set(scales(walk([3.0] * 40, settings))) == {1}
    states = walk([float(n) for n in range(12)], settings, after=after_step)
    assert states[-1].scale == 0.97
    assert [state.exhausted for state in states].index(True) == 8


def test_under_the_other_rule_training_losses_change_nothing():
    state = Schedule(scale=0.4, best=2.0, waited=1)
    assert walk([1, 9, 9, 9, 9, 9, 99], config(), state, after_step)[-1] is state


def test_warm_up_rises_in_equal_steps_to_the_full_rate():
    settings = config(warmup=4)
    found = [rate(step, Schedule(), 0.0, settings) for step in range(6)]
    assert found == pytest.approx([0.005, 0.01, 0.015, 0.02, 0.02, 0.02])
    assert rate(0, Schedule(), 0.0, config(warmup=0)) == pytest.approx(0.02)


def test_annealing_falls_in_a_line_to_a_hundredth():
    found = [rate(9, Schedule(), fraction, config()) for fraction in (0, 0.25, 0.5, 0.99, 1.0)]
    assert found == pytest.approx([0.02, 0.015, 0.01, 0.0002, 0.0002])


def test_dropout_rises_in_a_line_to_all_of_it_in_three_passes():
    found = [dropping(step, 100, 1000) for step in (0, 10, 20, 30, 31, 500)]
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert dropping(0, 1000, 3) == 0.25


def test_the_rate_is_the_product_of_its_factors():
    found = rate(2, Schedule(scale=0.16), 0.75, config(warmup=10))
    assert found == pytest.approx(0.02 * 0.3 * 0.16 * 0.25)


def test_states_are_never_changed_and_equal_arguments_give_equal_states():
    for after, settings in (
        (after_validation, config(patience=1)),
        (after_step, config(decay_on="train")),
    ):
        before = Schedule(best=1.0, recent=(1.0,) * 5)
        kept = dataclasses.replace(before)
        assert after(before, 2.0, settings) == after(before, 2.0, settings) != before
        assert before == kept

"""Losses in; the state of the learning rate out, by tables and long walks."""

import dataclasses
import itertools

import numpy as np
import pytest

from chatbot.config import TrainingConfig
from chatbot.learn.comparison import Block, Judged
from chatbot.learn.schedule import (
    Schedule,
    after_step,
    after_validation,
    at_full_rate,
    dropping,
    halved,
    rate,
)

PAIRS = 7


def config(**given):
    known = {"patience": 3, "cooldown": 1, "floor": 0.1, "learning_rate": 0.02, "warmup": 0}
    return TrainingConfig(**(known | given))


def judged(loss, noise=0.0):
    """A validation of this loss, of pairs of three tokens; alike in all pairs, but for noise."""
    nats = 3 * (loss + np.broadcast_to(noise, PAIRS if np.ndim(noise) == 0 else len(noise)))
    return Judged(nats.astype(np.float32), 3 * len(nats), 0.0)


def walk(losses, settings, state=None):
    """The states after validations of these losses."""
    states = [state or Schedule()]
    for loss in losses:
        found = loss if isinstance(loss, Judged) else judged(loss)
        states.append(after_validation(states[-1], found, settings))
    return states[1:]


def steps(losses, settings, state=None):
    """The states after training steps of these losses."""
    states = [state or Schedule()]
    for loss in losses:
        states.append(after_step(states[-1], loss, settings))
    return states[1:]


def scales(states):
    return [round(state.scale, 6) for state in states]


TABLE = [
    # losses, patience, cooldown, scales after each
    ([5, 4, 3, 2], 1, 0, [1, 1, 1, 1]),
    ([5, 5, 4, 5], 1, 0, [1, 0.4, 0.4, 0.16]),  # against the one before, whatever was before that
    ([5, 5, 5, 5, 5, 5], 3, 0, [1, 1, 1, 1, 1, 0.4]),
    ([5, 5, 5, 4, 4, 4, 4, 4, 4], 3, 0, [1, 1, 1, 1, 1, 1, 1, 1, 0.4]),
    ([5, 6, 6, 5, 5, 6], 2, 0, [1, 1, 1, 0.4, 0.4, 0.16]),
    ([5, 5, 5, 5, 5, 5], 1, 1, [1, 0.4, 0.4, 0.16, 0.16, 0.1]),
    ([5, 5, 5, 1, 1, 5, 5], 1, 2, [1, 0.4, 0.4, 0.4, 0.4, 0.16, 0.16]),
    ([5, 4.9985, 4.997], 1, 0, [1, 1, 1]),  # sure, as all pairs agree
]


@pytest.mark.parametrize(("losses", "patience", "cooldown", "expected"), TABLE)
def test_the_scale_after_each_validation(losses, patience, cooldown, expected):
    states = walk(losses, config(patience=patience, cooldown=cooldown))
    assert scales(states) == expected


def noisy(loss, generator, pairs=2_000):
    """A validation of a real size: what a pair's loss does from state to state is mostly chance.

    The spread is that of runs on film subtitles, whose differences between validations 25 steps
    apart have a standard error of 0.004 nats over 2,000 pairs.
    """
    return judged(loss, generator.normal(0, 0.126, pairs))


WANDER = 0.01
"""How far a validation lies from the next at a constant rate, on the same runs."""


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_descent_of_10000_steps_never_decays(seed):
    """400 validations; the loss falls by 0.15 nats in 1,000 steps."""
    generator = np.random.default_rng(seed)
    falling = 7 - 0.15 / 40 * np.arange(400) + generator.normal(0, WANDER, 400)
    losses = (noisy(loss, generator) for loss in falling)
    assert set(scales(walk(losses, TrainingConfig()))) == {1}


def test_a_true_plateau_is_found_within_three_times_the_patience():
    """95 of 100 times, as is the confidence; the others a block later."""
    settings, found = TrainingConfig(), []
    for seed in range(100):
        generator = np.random.default_rng(seed)
        descent = [noisy(5 - 0.05 * n, generator, 200) for n in range(27)]
        flat = 3.7 + generator.normal(0, WANDER, 5 * settings.patience)
        states = walk(descent + [noisy(loss, generator, 200) for loss in flat], settings)
        assert set(scales(states[: len(descent)])) == {1}
        found.append(next(n for n, state in enumerate(states) if state.scale < 1) - 26)
    assert sum(one <= 3 * settings.patience for one in found) >= 90
    assert max(found) <= 5 * settings.patience


def test_a_loss_that_rises_decays_as_one_that_stays():
    generator = np.random.default_rng(4)
    states = walk([noisy(4 + 0.02 * n, generator) for n in range(21)], config(patience=10))
    assert states[-1].scale == 0.4


def test_the_best_loss_is_the_least_sure_or_not():
    noise = np.array([1.0, -1.0, 0.5, -0.5, 0.0])
    states = walk([judged(5, 0 * noise), judged(4.9, noise), judged(4.95, 0 * noise)], config())
    assert [state.best for state in states] == pytest.approx([5, 4.9, 4.9])


@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("cooldown", [0, 1, 4])
def test_a_flat_loss_decays_after_exactly_two_blocks_then_a_cooldown_and_one(patience, cooldown):
    states = walk([3.0] * 60, config(patience=patience, cooldown=cooldown, floor=1e-9))
    falls = [n for n, (a, b) in enumerate(itertools.pairwise(states), 2) if b.scale < a.scale]
    assert falls[:3] == [2 * patience + k * (patience + cooldown) for k in range(3)]
    assert states[falls[0] - 1].scale == pytest.approx(0.4)
    assert states[falls[2] - 1].scale == pytest.approx(0.4**3)


def test_the_scale_stops_at_the_floor_and_only_then_is_the_schedule_exhausted():
    states = walk([3.0] * 30, config(patience=2, cooldown=0, floor=0.1))
    assert list(dict.fromkeys(scales(states))) == [1, 0.4, 0.16, 0.1]
    at_floor = next(n for n, state in enumerate(states) if state.scale == 0.1)
    assert [state.exhausted for state in states].index(True) == at_floor + 2


def test_a_gain_at_the_floor_goes_on():
    settings = config(patience=1, cooldown=0, floor=1)
    states = walk([3.0, 2.0, 1.0, 1.0], settings)
    assert [state.exhausted for state in states] == [False, False, False, True]


def test_the_ancestors_rule_multiplies_by_099_exactly_above_the_largest_of_the_last_five():
    losses = [1, 2, 3, 4, 5, 5, 5.1, 5.1, 4, 4, 4, 4, 5.2, 4.5, 6, 1]
    expected, scale = [], 1.0
    for n, loss in enumerate(losses):
        if n >= 5 and loss > max(losses[n - 5 : n]):
            scale *= 0.99
        expected.append(scale)
    states = steps(losses, config(decay_on="train", floor=1e-9))
    assert [state.scale for state in states] == pytest.approx(expected)
    assert sum(a.scale != b.scale for a, b in itertools.pairwise(states)) == 3
    assert states[-1].recent == tuple(losses[-5:])


def test_under_the_ancestors_rule_flat_noise_alone_takes_the_rate_below_one_percent():
    settings = config(decay_on="train", floor=1e-9)
    noise = np.random.default_rng(0).normal(4, 0.1, 3_500)
    states = steps(noise.tolist(), settings)
    below = next(n for n, state in enumerate(states) if state.scale < 0.01)
    assert 2_400 < below < 3_100  # one step in six: 6 ln(0.01) / ln(0.99) = 2,749


def test_under_the_ancestors_rule_validations_decay_nothing_and_the_floor_ends():
    settings = config(decay_on="train", floor=0.97)
    assert set(scales(walk([3.0] * 40, settings))) == {1}
    states = steps([float(n) for n in range(12)], settings)
    assert states[-1].scale == 0.97
    assert [state.exhausted for state in states].index(True) == 8


def test_under_the_other_rule_training_losses_change_nothing():
    state = Schedule(scale=0.4, best=2.0, cooling=1)
    assert steps([1, 9, 9, 9, 9, 9, 99], config(), state)[-1] is state


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


def test_every_roll_back_halves_the_rate_and_warms_up_anew():
    settings = config(warmup=4)
    state = dataclasses.replace(halved(halved(Schedule(scale=0.4))), warm_from=100)
    found = [rate(step, state, 0.5, settings) for step in (100, 101, 103, 104)]
    whole = 0.02 * 0.4 * 0.5 / 4
    assert found == pytest.approx([whole / 4, whole / 2, whole, whole])


def test_at_a_new_rate_nothing_counts_but_the_best():
    block = Block(b"abcd", (1.0,))
    state = Schedule(0.4, 2.0, block, block, 1, (1.0,), True, 2, 30)
    assert at_full_rate(state) == Schedule(best=2.0)


def test_states_are_never_changed_and_equal_arguments_give_equal_states():
    before = Schedule(best=1.0, recent=(1.0,) * 5, before=Block().plus(judged(1.0)))
    kept = dataclasses.replace(before)
    found = [after_validation(before, judged(2.0), config(patience=1)) for _ in range(2)]
    found += [after_step(before, 2.0, config(decay_on="train")) for _ in range(2)]
    assert found[0] == found[1] != before
    assert found[2] == found[3] != before
    assert before == kept

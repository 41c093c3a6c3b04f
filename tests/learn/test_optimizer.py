"""Adam against the published algorithm in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from chatbot.learn.optimizer import SLOW, Adam

SHAPES = ((7, 3), (4, 5), (6,))


class Twin:
    """Kingma and Ba 2015, algorithm 1, in float64; moments of untouched rows stand still."""

    def __init__(self, weights):
        self.weights = [np.array(one, np.float64) for one in weights]
        self.first = [np.zeros_like(one) for one in self.weights]
        self.second = [np.zeros_like(one) for one in self.weights]
        self.steps = 0

    def apply(self, touched, gradients, rate, clip):
        norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients))
        self.steps += 1
        scale = min(1.0, clip / norm)
        step_size = rate * np.sqrt(1 - 0.99**self.steps) / (1 - 0.9**self.steps)
        for at, gradient in enumerate(gradients):
            rows = touched if at == 0 else slice(None)
            g = gradient.astype(np.float64) * scale
            self.first[at][rows] = 0.9 * self.first[at][rows] + 0.1 * g
            self.second[at][rows] = 0.99 * self.second[at][rows] + 0.01 * g * g
            change = self.first[at][rows] / (np.sqrt(self.second[at][rows]) + 1e-8)
            self.weights[at][rows] -= step_size * change
        return norm


@pytest.fixture
def weights():
    generator = np.random.default_rng(2)
    return [tf.Variable(generator.normal(size=shape).astype(np.float32)) for shape in SHAPES]


@pytest.fixture
def adam(weights):
    return Adam(weights[0], weights[1:])


def gradients_of(step, touched, size=1.0):
    generator = np.random.default_rng(100 + step)
    shapes = ((len(touched), SHAPES[0][1]), *SHAPES[1:])
    return [(generator.normal(size=shape) * size).astype(np.float32) for shape in shapes]


def apply(adam, touched, gradients, rate, clip):
    touched = tf.constant(touched, tf.int32)
    first, *others = map(tf.constant, gradients)
    return float(adam.apply(touched, first, others, tf.constant(rate, tf.float32), clip))


TOUCHED = ([0, 2, 5], [2], [1, 2, 3, 6], [0, 5])


@pytest.mark.parametrize("clip", [0.5, 1000.0])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_several_steps_are_those_of_the_algorithm(weights, adam, steps, clip):
    twin = Twin([one.numpy() for one in weights])
    for step in range(steps):
        touched = TOUCHED[step % len(TOUCHED)]
        gradients = gradients_of(step, touched)
        norm = apply(adam, touched, gradients, 0.03 + 0.01 * step, clip)
        assert norm == pytest.approx(
            twin.apply(touched, gradients, 0.03 + 0.01 * step, clip), rel=1e-6
        )
    for found, expected in (
        (weights, twin.weights),
        (adam.first, twin.first),
        (adam.second, twin.second),
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)
    assert int(adam.steps) == steps


def test_clipping_keeps_the_direction_and_caps_the_norm_of_all_gradients_together(weights, adam):
    gradients = gradients_of(3, [1, 4], size=20)
    apply(adam, [1, 4], gradients, 0.01, 2.0)
    clipped = [np.asarray(one) / 0.1 for one in adam.first]  # the first moment is 0.1 g
    assert np.sqrt(sum((one**2).sum() for one in clipped)) == pytest.approx(2.0, rel=1e-5)
    ratio = clipped[1] / gradients[1]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_rows_that_are_not_touched_stand_still_with_their_moments(weights, adam):
    apply(adam, [0, 3], gradients_of(0, [0, 3]), 0.1, 1.0)
    before = [one.numpy().copy() for one in (weights[0], adam.first[0], adam.second[0])]
    apply(adam, [1, 3], gradients_of(1, [1, 3]), 0.1, 1.0)
    for one, other in zip((weights[0], adam.first[0], adam.second[0]), before, strict=True):
        changed = np.flatnonzero((one.numpy() != other).any(1))
        assert changed.tolist() == [1, 3]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_gradient_that_is_not_finite_changes_nothing(weights, adam, bad, where):
    apply(adam, [2, 6], gradients_of(0, [2, 6]), 0.1, 1.0)
    everything = [*weights, *adam.first, *adam.second, adam.steps]
    before = [one.numpy().copy() for one in everything]
    gradients = gradients_of(1, [2, 6])
    gradients[where].flat[1] = bad
    assert not np.isfinite(apply(adam, [2, 6], gradients, 0.1, 1.0))
    for one, other in zip(everything, before, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)


def test_a_gradient_of_zero_changes_nothing_and_is_finite(weights, adam):
    before = [one.numpy().copy() for one in weights]
    zeros = [0 * one for one in gradients_of(0, [1])]
    assert apply(adam, [1], zeros, 0.1, 1.0) == 0
    for one, other in zip(weights, before, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)


MARKED = [False, True, False, True, False, True, True]
TOUCHED = ([0, 1, 3, 4], [1, 2], [3, 5])


def copied(weights):
    """Weights that begin alike, and an optimizer of theirs that marks no rows."""
    others = [tf.Variable(one) for one in weights]
    return others, Adam(others[0], others[1:])


def test_frozen_rows_stand_still_with_their_moments_and_take_no_part_in_the_norm(weights):
    adam = Adam(weights[0], weights[1:], freezing=True)
    adam.frozen.assign(MARKED)
    others, twin = copied(weights)
    before = weights[0].numpy()
    for step, touched in enumerate(TOUCHED):
        gradients = gradients_of(step, touched)
        free = [at for at, id in enumerate(touched) if id in (0, 2, 4)]
        norm = apply(adam, touched, gradients, 0.05, 1.0)
        only = [gradients[0][free], *gradients[1:]]
        assert norm == apply(twin, [touched[at] for at in free], only, 0.05, 1.0)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert np.flatnonzero((weights[0].numpy() != before).any(1)).tolist() == [0, 2, 4]
    for moment in (adam.first[0].numpy(), adam.second[0].numpy()):
        assert np.flatnonzero(moment.any(1)).tolist() == [0, 2, 4]


def test_a_frozen_row_of_negative_zeros_keeps_its_signs_whatever_its_gradient(weights):
    adam = Adam(weights[0], weights[1:], freezing=True)
    adam.frozen.assign(np.arange(7) == 2)
    weights[0].assign(np.full(SHAPES[0], -0.0, np.float32))
    gradients = gradients_of(0, [1, 2])
    gradients[0][1] = [np.nan, np.inf, -1e30]
    assert np.isfinite(apply(adam, [1, 2], gradients, 0.1, 1.0))
    assert np.signbit(weights[0].numpy()[2]).all()
    assert (weights[0].numpy()[1] != 0).all()


def test_slow_rows_change_by_their_share_and_nothing_else_does(weights):
    adam = Adam(weights[0], weights[1:], slowing=True)
    adam.slow.assign(MARKED)
    others, twin = copied(weights)
    first = weights[0].numpy()
    for step, touched in enumerate(TOUCHED):
        gradients = gradients_of(step, touched)
        norm = apply(adam, touched, gradients, 0.05, 1.0)
        assert norm == apply(twin, touched, gradients, 0.05, 1.0)
    share = np.where(adam.slow.numpy(), SLOW, 1)[:, None]
    changes = [one[0].numpy() - first for one in (weights, others)]
    np.testing.assert_allclose(changes[0], changes[1] * share, rtol=1e-4, atol=1e-7)
    assert np.flatnonzero(changes[0].any(1)).tolist() == [0, 1, 2, 3, 4, 5]
    for one, other in zip(weights[1:], others[1:], strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(adam.first + adam.second, twin.first + twin.second, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    adam.forget()
    assert adam.slow.numpy().sum() == 4

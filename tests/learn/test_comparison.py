"""Losses of the same pairs under two states; whether the difference is more than chance."""

import numpy as np
import pytest

from chatbot.learn.comparison import Block, Difference, Judged, difference, paired


def judged(nats, tokens):
    return Judged(np.asarray(nats, np.float32), tokens, 0.0)


def block(*validations, tokens):
    found = Block()
    for nats in validations:
        found = found.plus(judged(nats, tokens))
    return found


def test_the_loss_is_that_of_a_token():
    assert judged([3, 5, 4], 6).loss == 2.0


def test_the_difference_is_that_of_the_pairs_with_the_error_of_their_mean():
    before, after = [4.0, 6.0, 9.0, 1.0], [3.0, 6.5, 7.0, 1.0]
    changes = [-1.0, 0.5, -2.0, 0.0]
    mean = sum(changes) / 4
    variance = sum((one - mean) ** 2 for one in changes) / 3
    found = difference(block(before, tokens=10), block(after, tokens=10), 10)
    assert found.mean == pytest.approx(sum(changes) / 10)
    assert found.error == pytest.approx((variance / 4) ** 0.5 * 4 / 10)


def test_a_block_is_the_mean_of_its_validations_pair_by_pair():
    found = block([1.0, 5.0], [2.0, 3.0], [6.0, 1.0], tokens=4)
    assert found.means == (1.5, 1.25, 1.75)
    np.testing.assert_allclose(found.of_pairs(), [3, 3])
    assert found.loss == 1.5
    other = block([3.0, 3.0], tokens=4)
    assert difference(found, other, 4).mean == 0.0


def test_what_validations_do_about_their_line_is_in_the_error():
    """Four tokens and one pair, so that pairs add nothing; the squares are reckoned by hand."""
    before = block([16.0], [12.0], [16.0], [12.0], tokens=4)  # means 4 3 4 3, slope -0.2
    after = block([8.0], [4.0], [0.0], tokens=4)  # on a line
    squares = 0.2**2 + 0.6**2 + 0.6**2 + 0.2**2  # from 3.8, 3.6, 3.4 and 3.2
    assert before.about_line() == (pytest.approx(squares), 2)
    assert after.about_line() == (pytest.approx(0), 1)
    found = difference(before, after, 4)
    assert found.mean == pytest.approx(1 - 3.5)
    assert found.error == pytest.approx((squares / 3 * (1 / 4 + 1 / 3)) ** 0.5)


def test_two_validations_are_always_on_a_line():
    assert block([1.0], [9.0], tokens=1).about_line() == (0.0, 0)


def test_pair_by_pair_a_gain_is_sure_that_two_means_would_not_show():
    generator = np.random.default_rng(3)
    before = generator.gamma(2.0, 9.0, 500)
    after = before - 0.2 + generator.normal(0, 0.3, 500)
    found = difference(block(before, tokens=3_500), block(after, tokens=3_500), 3_500)
    assert found.lower
    assert 1.645 * before.std() / 500**0.5 > 4 * 0.2  # either mean is off by more than that


@pytest.mark.parametrize(
    ("mean", "error", "lower", "higher"),
    [
        (-0.0165, 0.01, True, False),
        (-0.0164, 0.01, False, False),
        (0.0165, 0.01, False, True),
        (0.0164, 0.01, False, False),
        (0.0, 0.0, False, False),
        (-1e-9, 0.0, True, False),
        (float("nan"), float("nan"), False, False),
    ],
)
def test_a_difference_is_sure_from_1645_errors_on(mean, error, lower, higher):
    found = Difference(mean, error)
    assert (found.lower, found.higher) == (lower, higher)


def test_without_a_change_one_in_twenty_is_taken_for_a_gain():
    generator = np.random.default_rng(8)
    trials = [paired(generator.normal(0, 2, 300), 2_000).lower for _ in range(4_000)]
    assert 0.04 < np.mean(trials) < 0.06


def test_one_pair_has_no_error():
    found = difference(block([2.0], tokens=4), block([1.0], tokens=4), 4)
    assert found == Difference(-0.25, 0.0)


def test_losses_are_kept_as_these_bytes():
    assert block([1.0, -2.5], [0.0, -1.0], tokens=2).sums == bytes.fromhex("0000803f000060c0")


def test_a_difference_reads_with_what_it_may_be_off_by():
    assert str(Difference(-0.00123, 0.001)) == "-0.0012 ± 0.0016"

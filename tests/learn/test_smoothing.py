"""Counts of n-grams by orders, and what they lose."""

import numpy as np
import pytest

from chatbot.learn.smoothing import descend, distinct, taken

SIZE = 300


def zipf(rows, seed=0):
    """Bigrams as text has them: a few are frequent, most were seen once or twice."""
    random = np.random.default_rng(seed)
    first, last = np.minimum(random.zipf(1.3, (2, rows)), SIZE) - 1
    return distinct(first * SIZE + last)


def levels():
    keys, counts = zipf(4000)
    return list(descend(keys, counts, 2, SIZE))


def test_what_counts_lose_is_the_formula():
    two, _ = levels()
    n = [int((two.counts == k).sum()) for k in range(5)]
    y = n[1] / (n[1] + 2 * n[2])
    expected = [0, y, 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
    assert two.discounts == pytest.approx(expected)
    assert expected == sorted(expected)  # nothing here was too few for it


def test_counts_above_three_lose_as_three_does():
    discounts = np.asarray([0, 0.5, 1.0, 1.25])
    assert taken(np.asarray([0, 1, 2, 3, 4, 9000]), discounts).tolist() == [
        *(0, 0.5, 1.0, 1.25, 1.25, 1.25)
    ]


@pytest.mark.parametrize(
    "counts",
    [[], [1], [2, 2, 2], [5, 6], [1, 1, 1, 2, 3, 3, 3, 3, 3, 4], [1, 1, 2, 3, *[4] * 50]],
    ids=str,
)
def test_few_ngrams_lose_more_than_nothing_and_less_than_they_have(counts):
    (level,) = descend(np.arange(len(counts)), np.asarray(counts, np.int64), 1, SIZE)
    none, *lost = level.discounts
    assert none == 0
    assert lost == sorted(lost)
    assert all(0 < one < k for k, one in enumerate(lost, 1))


def test_a_context_has_the_sums_of_what_follows_it():
    two, one = levels()
    for i, context in enumerate(two.contexts[:20]):
        here = two.counts[two.keys // SIZE == context]
        assert two.totals[i] == here.sum()
        assert two.kinds[:, i].tolist() == [(here == 1).sum(), (here == 2).sum(), (here > 2).sum()]
    assert len(two.contexts) == len(set(two.keys // SIZE))
    assert one.totals.tolist() == [len(two.keys)]  # a lower order counts contexts
    assert one.kinds.sum() == len(one.keys) == len(set(two.keys % SIZE))

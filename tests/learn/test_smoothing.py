"""Counts of n-grams by orders, and what they lose."""

import numpy as np
import pytest

from chatbot.learn.smoothing import descend, distinct

SIZE = 300


def levels(share=1.0):
    """Bigrams as text has them: a few are frequent, most were seen once or twice."""
    random = np.random.default_rng(0)
    first, last = np.minimum(random.zipf(1.3, (2, 4000)), SIZE) - 1
    return list(descend(*distinct(first * SIZE + last), 2, SIZE, share))


def test_what_counts_lose_is_the_formula_or_a_share_of_it():
    for level, part in zip(levels(), levels(0.8), strict=True):
        once, twice = ((level.counts == k).sum() for k in (1, 2))
        assert level.discount == pytest.approx(once / (once + 2 * twice))
        assert part.discount == pytest.approx(0.8 * level.discount)


@pytest.mark.parametrize("counts", [[], [1], [2, 2, 2], [5, 6], [1, 1, 1]], ids=str)
def test_few_ngrams_lose_more_than_nothing_and_less_than_one(counts):
    counts = np.asarray(counts, np.int64)
    (level,) = descend(np.arange(len(counts)), counts, 1, SIZE, 1.0)
    assert 0 < level.discount < 1


def test_a_context_has_the_sums_of_what_follows_it():
    two, one = levels()
    for i, context in enumerate(two.contexts[:20]):
        here = two.counts[two.keys // SIZE == context]
        assert (two.totals[i], two.kinds[i]) == (here.sum(), len(here))
    assert len(two.contexts) == len(set(two.keys // SIZE))
    assert one.totals.tolist() == [len(two.keys)]  # a lower order counts contexts
    assert one.kinds.tolist() == [len(one.keys)]
    assert len(one.keys) == len(set(two.keys % SIZE))

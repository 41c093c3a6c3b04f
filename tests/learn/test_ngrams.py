"""Probabilities by counts against the formula of smoothing written out over dictionaries."""

from collections import Counter

import numpy as np
import pytest

from chatbot.learn import ngrams
from chatbot.learn.ngrams import Ngrams

SIZE = 9
PAIRS = [
    ([4, 5], [4, 5, 6]),
    ([6], [4, 5, 6, 7]),
    ([7, 7, 7], [5, 6, 4, 5, 8]),
    ([3], [4]),
    ([8], [4, 5]),
    ([8], [6, 6, 6, 6]),
    ([4], []),
]


def sequences(order):
    """Every n-gram of the replies, as often as it occurs."""
    found = []
    for _, reply in PAIRS:
        tokens = [1] * (order - 1) + reply + [2]
        found += [tuple(tokens[i : i + order]) for i in range(len(reply) + 1)]
    return found


class Twin:
    """The formula in words: a dictionary of counts for every order."""

    def __init__(self, order, grams, discounts=None):
        self.counts = {order: Counter(grams)}
        for n in range(order - 1, 0, -1):
            self.counts[n] = Counter(gram[1:] for gram in self.counts[n + 1])
        self.discounts = discounts or {n: self.discount(n) for n in self.counts}

    def discount(self, n):
        """What counts of 1, 2, and 3 or more lose."""
        seen = Counter(self.counts[n].values())
        y = seen[1] / (seen[1] + 2 * seen[2]) if seen[1] else 0.5
        lost = {0: 0.0, 1: min(y, 0.99)}
        for k in (2, 3):
            lost[k] = k - (k + 1) * y * seen[k + 1] / seen[k] if seen[k] else 0
            lost[k] = min(max(lost[k], lost[k - 1]), k - 0.01)
        return lost

    def p(self, gram):
        if not gram:
            return 1 / SIZE
        follows = {g: c for g, c in self.counts[len(gram)].items() if g[:-1] == gram[:-1]}
        lower = self.p(gram[1:])
        if not follows:
            return lower
        lost, total = self.discounts[len(gram)], sum(follows.values())
        left = sum(lost[min(c, 3)] for c in follows.values())
        count = follows.get(gram, 0)
        return (count - lost[min(count, 3)] + left * lower) / total


def counted(encoded, order):
    return Ngrams.count([encoded(PAIRS[:3]), encoded(PAIRS[3:])], order, SIZE)


def contexts_of(order):
    """All contexts that occur, and some that do not."""
    seen = sorted({gram[:-1] for gram in sequences(order)})
    strange = [(7,) * (order - 1), (4,) * (order - 1), (8, 4, 5)[4 - order :]]
    return [*seen, *strange]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_are_those_of_the_formula_and_sum_to_one(encoded, order):
    counts, twin = counted(encoded, order), Twin(order, sequences(order))
    contexts = contexts_of(order)
    array = np.asarray(contexts, np.int32).reshape(len(contexts), order - 1)
    found = counts.probabilities(array)
    expected = [[twin.p((*context, entry)) for entry in range(SIZE)] for context in contexts]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    for entry in range(SIZE):
        entries = np.full(len(contexts), entry, np.int32)
        again = counts.log_probabilities(array, entries)
        np.testing.assert_allclose(again, np.log(found[:, entry]), rtol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_what_is_left_out_is_judged_by_the_other_counts(encoded, order):
    counts, grams = counted(encoded, order), sequences(order)
    whole = Twin(order, grams)
    array = np.asarray(grams, np.int32)
    found = counts.log_probabilities(array[:, :-1], array[:, -1], leave_out=True)
    for i, gram in enumerate(grams):
        rest = Twin(order, grams[:i] + grams[i + 1 :], whole.discounts)
        assert found[i] == pytest.approx(np.log(rest.p(gram)), rel=1e-5)


def test_what_was_never_counted_has_nothing_to_leave_out(encoded):
    counts = counted(encoded, 3)
    contexts, entries = np.asarray([[8, 8], [4, 5]], np.int32), np.asarray([8, 4], np.int32)
    plain = counts.log_probabilities(contexts, entries)
    assert (counts.log_probabilities(contexts, entries, leave_out=True) == plain).all()


def test_counting_ends_at_a_bound_of_tokens(encoded, monkeypatch):
    monkeypatch.setattr(ngrams, "MOST_TOKENS", 10)
    parts = [encoded([pair]) for pair in PAIRS]
    bounded = Ngrams.count(iter(parts), 2, SIZE)
    assert bounded.pairs == 3  # 4, 5 and 6 tokens
    whole = Ngrams.count(parts[:3], 2, SIZE)
    assert (bounded.probabilities(ALL) == whole.probabilities(ALL)).all()


ALL = np.arange(SIZE, dtype=np.int32)[:, None]


def test_bytes_give_the_counts_back(encoded):
    counts = counted(encoded, 2)
    back = Ngrams.from_bytes(counts.to_bytes())
    assert (back.order, back.size, back.pairs) == (2, SIZE, len(PAIRS))
    assert (back.probabilities(ALL) == counts.probabilities(ALL)).all()
    assert back.to_bytes() == counts.to_bytes()


def test_a_real_amount_of_words_is_normalised_too(encoded):
    generator = np.random.default_rng(5)
    size = 20_000
    replies = [np.minimum(generator.zipf(1.3, 8) + 3, size - 1).tolist() for _ in range(3_000)]
    counts = Ngrams.count([encoded([([4], reply) for reply in replies])], 3, size)
    contexts = np.asarray([[1, 1], [4, 4], [5, 4], [19_999, 17]], np.int32)
    found = counts.probabilities(contexts)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-4)
    for context, p in zip(contexts, found, strict=True):
        again = counts.log_probabilities(np.tile(context, (size, 1)), np.arange(size))
        np.testing.assert_allclose(again, np.log(p), rtol=1e-4)

"""Probabilities by counts against Kneser and Ney's formula written out over dictionaries."""

import io
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

    def __init__(self, order, grams, discounts=None, share=1.0):
        self.counts = {order: Counter(grams)}
        for n in range(order - 1, 0, -1):
            self.counts[n] = Counter(gram[1:] for gram in self.counts[n + 1])
        self.discounts = discounts or {n: share * self.discount(n) for n in self.counts}

    def discount(self, n):
        once, twice = (sum(c == k for c in self.counts[n].values()) for k in (1, 2))
        return min(once / (once + 2 * twice), 0.99) if once else 0.5

    def p(self, gram):
        if not gram:
            return 1 / SIZE
        follows = {g: c for g, c in self.counts[len(gram)].items() if g[:-1] == gram[:-1]}
        lower = self.p(gram[1:])
        if not follows:
            return lower
        d, total = self.discounts[len(gram)], sum(follows.values())
        return (max(follows.get(gram, 0) - d, 0) + d * len(follows) * lower) / total


def counted(encoded, order, share=1.0):
    return Ngrams.count([encoded(PAIRS[:3]), encoded(PAIRS[3:])], order, SIZE, share)


def contexts_of(order):
    """All contexts that occur, and some that do not."""
    seen = sorted({gram[:-1] for gram in sequences(order)})
    strange = [(7,) * (order - 1), (4,) * (order - 1), (8, 4, 5)[4 - order :]]
    return [*seen, *strange]


@pytest.mark.parametrize("share", [1.0, 0.7])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_are_kneser_and_neys_and_sum_to_one(encoded, order, share):
    counts = counted(encoded, order, share)
    twin = Twin(order, sequences(order), share=share)
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


@pytest.mark.parametrize(("order", "share"), [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (4, 0.7)])
def test_what_is_left_out_is_judged_by_the_other_counts(encoded, order, share):
    counts, grams = counted(encoded, order, share), sequences(order)
    whole = Twin(order, grams, share=share)
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
    counts = counted(encoded, 2, 0.7)
    back = Ngrams.from_bytes(counts.to_bytes())
    assert (back.order, back.size, back.pairs, back.share) == (2, SIZE, len(PAIRS), 0.7)
    assert (back.probabilities(ALL) == counts.probabilities(ALL)).all()
    assert back.to_bytes() == counts.to_bytes()


def test_counts_from_before_there_was_a_share_go_on_without(encoded):
    whole = counted(encoded, 2)
    with np.load(io.BytesIO(whole.to_bytes())) as file:
        rest = {name: file[name] for name in file.files if name != "share"}
    old = io.BytesIO()
    np.savez(old, **rest)
    back = Ngrams.from_bytes(old.getvalue())
    assert back.share == 1
    assert (back.probabilities(ALL) == whole.probabilities(ALL)).all()


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

"""Hashes in; the hash below which pairs are held out."""

import numpy as np
import pytest

from chatbot.corpus.holdout import Holdout


def hashes(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64, endpoint=False)


def held(holdout, words, parts=7):
    chooser = Holdout(holdout)
    for part in np.array_split(words, parts):
        chooser.add(part)
    limit = chooser.limit(len(words))
    return [word for word in words.tolist() if word < limit]


@pytest.mark.parametrize("n", [0, 1, 4999])
def test_by_default_nothing_is_held_out_of_a_small_corpus(n):
    assert held(None, hashes(n)) == []


def test_by_default_one_in_a_hundred_is_held_out():
    words = hashes(100_000)
    assert held(None, words) == [word for word in words.tolist() if word < 2**64 // 100]
    assert 800 < len(held(None, words)) < 1200


@pytest.mark.parametrize("parts", [1, 7, 100])
def test_by_default_no_more_than_two_thousand_are_held_out(parts):
    words = hashes(300_000)
    assert sorted(held(None, words, parts)) == sorted(words.tolist())[:2000]


@pytest.mark.parametrize("number", [1, 2, 500, 9999])
@pytest.mark.parametrize("parts", [1, 40])
def test_a_number_holds_out_the_pairs_of_that_many_smallest_hashes(number, parts):
    words = hashes(30_000, seed=number)
    assert sorted(held(number, words, parts)) == sorted(words.tolist())[:number]


def test_a_number_as_large_as_the_corpus_holds_out_all():
    words = hashes(40)
    assert len(held(40, words)) == len(held(2000, words)) == 40


def test_a_share_holds_out_every_hash_below_that_share_of_the_range():
    words = hashes(10_000)
    for share in (0, 0.02, 0.5, 0.999):
        assert held(share, words) == [word for word in words.tolist() if word < share * 2**64]


def test_equal_hashes_are_held_out_together_or_not_at_all():
    words = np.repeat(hashes(300), 3)
    found = held(100, words)
    assert len(found) == 99
    assert all(found.count(word) == 3 for word in set(found))

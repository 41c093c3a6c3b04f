"""Hashes of pairs in; which of them are held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus import holdout as module
from chatbot.corpus.holdout import STRETCH, HeldOut, Holdout, stretches
from chatbot.corpus.sampler import scramble


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


@pytest.mark.parametrize("share", [None, 0.01, 0.3])
def test_of_few_long_conversations_half_of_the_share_is_held_out_at_least(share):
    for seed in range(20):
        firsts = hashes(6400 // STRETCH, seed) & np.uint64(2**64 - STRETCH)
        keys = (firsts[:, None] | np.arange(STRETCH, dtype=np.uint64)).ravel()
        asked = (share or 0.01) * len(keys)
        assert asked / 2 <= len(held(share, keys)) < asked / 2 + 0.3 * len(keys)


# Stretches.


def stretches_by_definition(words, goes_on):
    """The key of every pair, by loops."""
    runs = []
    for word, more in zip(words.tolist(), goes_on, strict=True):
        if not (more and runs) or len(runs[-1]) == STRETCH:
            runs.append([])
        runs[-1].append(word)
    found = []
    for run in runs:
        key = 0
        for place, word in enumerate(run):
            key ^= int(scramble(np.array([word ^ place], np.uint64))[0])
        found += [key - key % STRETCH + place for place in range(len(run))]
    return found


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 80)), max_size=9), st.integers(0, 99))
def test_a_stretch_begins_with_a_conversation_and_after_so_many_pairs(runs, seed):
    goes_on = [more for more, times in runs for _ in range(times)]
    words = hashes(len(goes_on), seed)
    found = stretches(words, np.array(goes_on, np.bool_))
    assert found.dtype == np.uint64
    assert found.tolist() == stretches_by_definition(words, goes_on)


def test_conversations_that_begin_alike_are_held_out_apart():
    words = hashes(400)
    words[::4] = words[0]
    found = stretches(words, np.arange(400) % 4 > 0)
    assert len(set((found // STRETCH).tolist())) == 100


# Pairs on both sides.


def held_by_definition(below, keys, words):
    shown = {word for key, word in zip(keys, words, strict=True) if key >= below}
    return [key < below and word not in shown for key, word in zip(keys, words, strict=True)]


@pytest.mark.parametrize("at_once", [1 << 20, 20])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 1])
def test_a_pair_that_training_shows_is_not_held_out(monkeypatch, share, at_once):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    below = int(share * 2**64)
    keys, words = hashes(600, seed=1), hashes(400, seed=2)[np.arange(600) % 400]
    parts = np.array_split(np.arange(600), 5)
    found = HeldOut.of(below, 600, lambda: ((keys[part], words[part]) for part in parts))
    among = [found.among(keys[part], words[part]) for part in parts]
    expected = held_by_definition(below, keys.tolist(), words.tolist())
    assert np.concatenate(among).tolist() == expected
    assert found.elsewhere.tolist() == sorted(set(found.elsewhere.tolist()))
    assert found.distinct == len({w for w, h in zip(words.tolist(), expected, strict=True) if h})

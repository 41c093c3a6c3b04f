"""Vectors by co-occurrence against the formula over loops and a full decomposition."""

import math
from collections import Counter

import numpy as np
import pytest

from chatbot.errors import ChatbotError
from chatbot.learn import cooccurrence
from chatbot.learn.cooccurrence import vectors_of_first, word_vectors

SIZE = 12
RANDOM = np.random.default_rng(4)
PAIRS = [
    (RANDOM.integers(4, 11, RANDOM.integers(1, 12)).tolist(), RANDOM.integers(4, 11, n).tolist())
    for n in RANDOM.integers(0, 12, 30)
]


def contexts(pairs):
    """The five kinds of context: how often each word has each."""
    before, after, away, question, reply = (Counter() for _ in range(5))
    for sides in pairs:
        for side in sides:
            whole = [1, *side, 2]
            for i, word in enumerate(whole):
                for j, other in enumerate(whole):
                    before[word, other] += j == i - 1
                    after[word, other] += j == i + 1
                    away[word, other] += abs(i - j) in (2, 3)
        for word in sides[1][:8]:
            for other in sides[0][:8]:
                question[word, other] += 1
                reply[other, word] += 1
    return before, after, away, question, reply


def formula(counts):
    """M of one kind of context, dense."""
    total = sum(counts.values())
    words, others = Counter(), Counter()
    for (word, other), count in counts.items():
        words[word] += count
        others[other] += count
    smooth = sum(n**0.75 for n in others.values() if n)
    found = np.zeros((SIZE, SIZE))
    for (word, other), n in counts.items():
        if n:
            chance = words[word] * others[other] ** 0.75 * total / smooth
            found[word, other] = n / (n + 1) * max(0, math.log(n * total / chance))
    return found


def normalised(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 1e-9, lengths, 1)


def twin(pairs, width):
    """Cosines of all entries by the full decomposition."""
    whole = np.concatenate([formula(counts) for counts in contexts(pairs)], 1)
    u, s, _ = np.linalg.svd(whole, full_matrices=False)
    rows = normalised((u * s**0.8)[:, :width])
    return rows @ rows.T


@pytest.mark.parametrize("width", [3, 7, SIZE, 20])
@pytest.mark.parametrize("threads", [1, 2, 9])
def test_vectors_have_the_cosines_of_the_full_decomposition(encoded, width, threads):
    ids, rows = word_vectors(encoded(PAIRS), SIZE, width, threads=threads)
    assert ids.tolist() == [1, 2, *range(4, 11)]  # PAD, UNK and 11 are in no pair
    assert rows.shape == (len(ids), width)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    expected = twin(PAIRS, width)[np.ix_(ids, ids)]
    np.testing.assert_allclose(rows @ rows.T, expected, atol=2e-4)


def test_words_of_a_topic_are_near_and_those_of_others_are_not(encoded):
    random = np.random.default_rng(1)
    topics = random.integers(0, 6, 4_000)
    size, width = 400, 6

    def words(topic):
        return (4 + topic * 60 + random.zipf(1.5, 5) % 60).tolist()

    pairs = [(words(topic), words(topic)) for topic in topics]
    ids, rows = word_vectors(encoded(pairs), size, width)
    own, other = [], []
    for first in range(6):
        mine = rows[(ids >= 4 + 60 * first) & (ids < 64 + 60 * first)]
        rest = rows[(ids >= 64 + 60 * first) & (ids < 364)]
        own.append((mine @ mine.T).mean())
        other += [(mine @ rest.T).mean()] if len(rest) else []
    assert min(own) > 0.6
    assert max(other) < 0.3


def test_words_that_stand_in_the_same_places_are_near(encoded):
    pairs = [([4, 5, one], [6, 7, 8]) for one in (9, 10)] * 20 + [([8, 11, 6], [4, 4])] * 20
    ids, rows = word_vectors(encoded(pairs), SIZE, 4)
    of = dict(zip(ids.tolist(), rows, strict=True))
    assert of[9] @ of[10] > 0.95
    assert abs(of[9] @ of[11]) < 0.6


def test_the_number_of_threads_changes_no_bit(encoded):
    one, *others = (word_vectors(encoded(PAIRS), SIZE, 5, threads=n)[1] for n in (1, 2, 5))
    for other in others:
        np.testing.assert_array_equal(one, other)


def test_runs_make_no_difference_and_a_seed_gives_one_result(encoded, monkeypatch):
    _, whole = word_vectors(encoded(PAIRS), SIZE, 5, seed=3)
    monkeypatch.setattr(cooccurrence, "_RUN", 7)
    _, apart = word_vectors(encoded(PAIRS), SIZE, 5, seed=3)
    np.testing.assert_allclose(apart, whole, atol=1e-5)
    np.testing.assert_array_equal(word_vectors(encoded(PAIRS), SIZE, 5, seed=3)[1], apart)
    assert not np.allclose(word_vectors(encoded(PAIRS), SIZE, 5, seed=4)[1], apart, atol=1e-3)


@pytest.mark.parametrize("few", [0, 100_000], ids=["another process", "this process"])
def test_both_processes_give_the_same_of_the_first_pairs(encoded, monkeypatch, few):
    parts = [encoded(PAIRS[:11]), encoded(PAIRS[11:12]), encoded(PAIRS[12:])]
    monkeypatch.setattr(cooccurrence, "_FEW_TOKENS", few)
    monkeypatch.setattr(cooccurrence, "MOST_TOKENS", len(parts[0].tokens) + 1)
    there = vectors_of_first(iter(parts), SIZE, 5, seed=3, threads=2)
    here = word_vectors(encoded(PAIRS[:12]), SIZE, 5, seed=3, threads=2)
    for one, other in zip(there, here, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_process_that_ends_early_is_told(encoded, monkeypatch):
    monkeypatch.setattr(cooccurrence, "_FEW_TOKENS", 0)
    monkeypatch.setattr(cooccurrence, "__name__", "chatbot.nothing_of_this_name")
    with pytest.raises(ChatbotError, match="ended with 1 .*nothing_of_.*vectors random"):
        vectors_of_first([encoded(PAIRS)], SIZE, 5)


def test_rare_entries_beyond_the_bound_are_left_out(encoded, monkeypatch):
    monkeypatch.setattr(cooccurrence, "MOST_ENTRIES", 8)
    ids, rows = word_vectors(encoded(PAIRS), SIZE, 5)
    assert ids.tolist() == [1, 2, 4, 5, 6, 7]
    assert rows.shape == (6, 5)


def test_wide_vectors_have_the_first_directions_only(encoded, monkeypatch):
    monkeypatch.setattr(cooccurrence, "_MOST_DIRECTIONS", 3)
    ids, rows = word_vectors(encoded(PAIRS), SIZE, 20)
    assert rows.shape[1] == 20
    assert (np.abs(rows).max(0) > 0.01).all()
    np.testing.assert_allclose(rows @ rows.T, twin(PAIRS, 3)[np.ix_(ids, ids)], atol=2e-4)


@pytest.mark.parametrize("pairs", [[], [([], [])], [([4], [])]])
def test_corpora_that_tell_next_to_nothing(encoded, pairs):
    ids, rows = word_vectors(encoded(pairs), SIZE, 5)
    assert rows.shape == (len(ids), 5)
    assert np.isfinite(rows).all()

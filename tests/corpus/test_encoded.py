"""Flat pairs against lists of lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.encoded import EncodedPairs, bounds_of, indices_of_runs

SIDE = st.lists(st.integers(4, 70_000), max_size=5)
PAIRS = st.lists(st.tuples(SIDE, SIDE), max_size=7)


def flat(pairs, first=0):
    """The pairs as `EncodedPairs`, each with sources of its own, by nested loops."""
    tokens, bounds, sources = [], [0], []
    for number, pair in enumerate(pairs, first):
        for side in pair:
            tokens.extend(side)
            bounds.append(len(tokens))
        sources.append([number, 2 * number, 3 * number, 4 * number])
    return EncodedPairs(
        np.array(tokens, np.int32),
        np.array(bounds, np.int64),
        np.array(sources, np.int64).reshape(-1, 4),
    )


def same(one, other):
    for name in ("tokens", "bounds", "sources"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(PAIRS)
def test_lengths_are_those_of_the_sides(pairs):
    encoded = flat(pairs)
    assert len(encoded) == len(pairs)
    assert encoded.question_lengths.tolist() == [len(question) for question, _ in pairs]
    assert encoded.reply_lengths.tolist() == [len(reply) for _, reply in pairs]


@given(PAIRS, st.data())
def test_taking_pairs_takes_their_tokens_and_sources_in_that_order(pairs, data):
    places = st.integers(0, max(len(pairs) - 1, 0))
    chosen = data.draw(st.lists(places, max_size=9)) if pairs else []
    taken = flat(pairs).take(np.array(chosen, np.int64))
    expected = flat([pairs[i] for i in chosen])
    sources = [[i, 2 * i, 3 * i, 4 * i] for i in chosen]
    same(
        taken,
        EncodedPairs(expected.tokens, expected.bounds, np.array(sources, np.int64).reshape(-1, 4)),
    )


@given(st.lists(PAIRS, min_size=1, max_size=4))
def test_parts_put_together_are_the_whole(parts):
    first, encoded = 0, []
    for part in parts:
        encoded.append(flat(part, first))
        first += len(part)
    same(EncodedPairs.concatenate(encoded), flat([pair for part in parts for pair in part]))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=8))
def test_indices_of_runs_are_the_runs_one_after_the_other(runs):
    starts = np.array([start for start, _ in runs], np.int64)
    lengths = np.array([length for _, length in runs], np.int64)
    expected = [start + i for start, length in runs for i in range(length)]
    assert indices_of_runs(starts, lengths).tolist() == expected
    assert bounds_of(lengths)[-1] == len(expected)

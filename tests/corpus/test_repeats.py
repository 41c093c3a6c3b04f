"""Hashes in; which repeat out, against a dictionary."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from chatbot.corpus import repeats as module
from chatbot.corpus.repeats import Hashes, Marks, find_repeats

ROWS = [7, 0, 400]


def places_of(n, rng):
    """`n` distinct places in parts of `ROWS` pairs."""
    every = [part << 32 | row for part, rows in enumerate(ROWS) for row in range(rows)]
    return rng.permutation(np.array(every, np.uint64))[:n]


@pytest.fixture(params=[(400, 1), (400, 60), (300, 10**6)])
def added(request, tmp_path, monkeypatch):
    """Hashes of which some are equal, added in several goes and read in small blocks."""
    n, kinds = request.param
    monkeypatch.setattr(module, "_BLOCK", 16)
    monkeypatch.setattr(module, "_FLUSH", 50)
    rng = np.random.default_rng(kinds)
    hashes = rng.integers(0, 2**64, kinds, np.uint64)[rng.integers(0, kinds, n)]
    places = places_of(n, rng)
    found = Hashes(tmp_path / "hashes")
    for part in np.array_split(np.arange(n), 13):
        found.add(hashes[part], places[part])
    yield found, list(zip(hashes.tolist(), places.tolist(), strict=True))
    found.remove()


def test_distinct_hashes_are_counted(added):
    hashes, pairs = added
    assert find_repeats(hashes).distinct == len({one for one, _ in pairs})


def test_the_most_frequent_come_with_their_first_place(added):
    hashes, pairs = added
    counts = Counter(one for one, _ in pairs)
    first = dict(reversed(pairs))
    expected = sorted(((n, first[one]) for one, n in counts.items()), key=lambda p: (-p[0], p[1]))
    assert find_repeats(hashes, top=7).most == expected[:7]


@pytest.mark.parametrize("allowed", [1, 3])
def test_the_first_so_many_of_equal_ones_stay(added, allowed):
    hashes, pairs = added
    marks = Marks.none(ROWS)
    found = find_repeats(hashes, marks=marks, allowed=allowed)
    seen = defaultdict(int)
    expected = set()
    for one, place in pairs:
        seen[one] += 1
        if seen[one] > allowed:
            expected.add(place)
    out = marks.at(np.array([place for _, place in pairs], np.uint64))
    assert {place for (_, place), gone in zip(pairs, out, strict=True) if gone} == expected
    assert found.marked == marks.count == len(expected)


def test_what_is_left_out_already_counts_for_nothing(added):
    hashes, pairs = added
    marks = Marks.none(ROWS)
    gone = {place for _, place in pairs[::2]}
    marks.mark(np.array(sorted(gone), np.uint64))
    found = find_repeats(hashes, top=3, marks=marks, allowed=2)
    left = [(one, place) for one, place in pairs if place not in gone]
    assert found.distinct == len({one for one, _ in left})
    counts = Counter(one for one, _ in left)
    assert [n for n, _ in found.most] == sorted(counts.values(), reverse=True)[:3]
    assert found.marked == sum(max(0, n - 2) for n in counts.values())


def test_ten_million_equal_hashes_need_no_more_memory_than_one(tmp_path):
    import tracemalloc

    hashes = Hashes(tmp_path / "hashes")
    block = np.full(1 << 18, 99, np.uint64)
    for start in range(0, 10_000_000, 1 << 18):
        hashes.add(block, np.arange(start, start + len(block), dtype=np.uint64))
    tracemalloc.start()
    found = find_repeats(hashes, top=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.distinct == 1
    assert found.most == [(39 << 18, 0)]
    assert peak < 60e6
    hashes.remove()
    assert list(tmp_path.iterdir()) == []

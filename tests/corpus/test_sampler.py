"""Laws of the samplers, over grids of sizes."""

from collections import Counter

import numpy as np
import pytest

from chatbot.corpus.sampler import draw, random_word, ranges, scramble
from chatbot.errors import ChatbotError

SAMPLERS = ("window", "epoch", "blocks", "cyclic")
SIZES = [(1, 1), (1, 7), (3, 7), (4, 8), (5, 11), (7, 8), (8, 8), (13, 8), (16, 100), (9, 1000)]
"""(batch, pairs)"""


def chosen(*args, **more):
    return [i for first, last in ranges(*args, **more) for i in range(first, last)]


def chi_square(counts):
    expected = sum(counts) / len(counts)
    return sum((n - expected) ** 2 / expected for n in counts)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("batch", "pairs"), SIZES)
def test_a_step_is_at_most_two_runs_of_distinct_pairs_that_exist(sampler, batch, pairs):
    for step in range(60):
        runs = ranges(sampler, 3, step, batch, pairs)
        found = [i for first, last in runs for i in range(first, last)]
        assert len(runs) <= 2
        assert all(0 <= first < last <= pairs for first, last in runs)
        assert len(set(found)) == len(found) <= min(batch, pairs)
        if sampler in ("window", "cyclic"):
            assert len(found) == min(batch, pairs)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_all_pairs_are_taken_when_there_are_no_more_than_a_batch(sampler):
    for batch, pairs in ((6, 6), (9, 5), (2, 1)):
        for step in range(5):
            assert ranges(sampler, 1, step, batch, pairs) == [(0, pairs)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_step_is_a_pure_function_of_seed_and_step(sampler):
    def ask(seed, step):
        return ranges(sampler, seed, step, 7, 45)

    forwards = {(seed, step): ask(seed, step) for seed in range(4) for step in range(40)}
    for key in sorted(forwards, key=lambda key: random_word(9, *key)):
        assert ask(*key) == forwards[key]


@pytest.mark.parametrize("sampler", ["window", "epoch", "blocks"])
def test_another_seed_gives_another_order(sampler):
    orders = {
        tuple(tuple(ranges(sampler, seed, step, 7, 450)) for step in range(64))
        for seed in range(20)
    }
    assert len(orders) == 20


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("workers", [1, 2, 3, 5, 12])
def test_the_workers_slices_partition_the_window_evenly(sampler, workers):
    for batch, pairs in SIZES:
        for step in range(25):
            whole = chosen(sampler, 5, step, batch, pairs)
            slices = [
                chosen(sampler, 5, step, batch, pairs, worker, workers) for worker in range(workers)
            ]
            assert [i for part in slices for i in part] == whole
            sizes = [len(part) for part in slices]
            assert max(sizes) - min(sizes) <= 1


def test_a_window_wraps_around_the_end():
    wrapped = [runs for step in range(99) if len(runs := ranges("window", 0, step, 4, 9)) == 2]
    assert wrapped
    for (first, end), (begin, last) in wrapped:
        assert (end, begin) == (9, 0)
        assert 9 - first + last == 4


def test_windows_begin_at_every_place_equally_often():
    pairs, steps = 40, 20_000
    starts = Counter(ranges("window", 11, step, 6, pairs)[0][0] for step in range(steps))
    # 39 degrees of freedom: 72.1 is passed by chance once in a thousand
    assert chi_square([starts[i] for i in range(pairs)]) < 72.1


@pytest.mark.parametrize("sampler", ["window", "epoch", "blocks", "cyclic"])
@pytest.mark.parametrize(("batch", "pairs"), [(6, 40), (7, 23), (4, 10)])
def test_every_pair_is_equally_likely_the_first_and_the_last_too(sampler, batch, pairs):
    steps = 6000
    counts = Counter(i for step in range(steps) for i in chosen(sampler, 2, step, batch, pairs))
    total = sum(counts.values())
    expected = total / pairs
    spread = 5 * (expected * batch) ** 0.5  # generous: windows hold neighbours together
    for pair in range(pairs):
        assert abs(counts[pair] - expected) < spread, pair


@pytest.mark.parametrize(("batch", "pairs"), SIZES + [(10, 30), (10, 31), (10, 39), (1000, 4321)])
def test_an_epoch_takes_every_pair_exactly_once(batch, pairs):
    windows = -(-pairs // batch)
    for seed in (0, 7):
        for epoch in range(4):
            steps = range(epoch * windows, (epoch + 1) * windows)
            found = [i for step in steps for i in chosen("epoch", seed, step, batch, pairs)]
            assert sorted(found) == list(range(pairs))


def test_epochs_cut_the_pairs_at_different_places_and_place_the_tail_anywhere():
    batch, pairs, windows = 10, 95, 10
    cuts, tails = set(), set()
    for epoch in range(60):
        for place in range(windows):
            step = epoch * windows + place
            runs = ranges("epoch", 4, step, batch, pairs)
            cuts.add(runs[0][0])
            if sum(last - first for first, last in runs) == 5:
                tails.add(place)
    assert cuts == set(range(pairs))
    assert tails == set(range(windows))


def test_blocks_are_aligned_and_all_of_them_occur():
    runs = {tuple(ranges("blocks", 6, step, 8, 43)) for step in range(200)}
    assert runs == {((first, min(first + 8, 43)),) for first in range(0, 43, 8)}


def test_cyclic_windows_follow_each_other_around():
    places = [i for step in range(9) for i in chosen("cyclic", 0, step, 4, 9)]
    assert places == [i % 9 for i in range(36)]


def test_far_steps_cost_nothing_and_large_numbers_do_not_overflow():
    for sampler in SAMPLERS:
        found = ranges(sampler, 2**63 - 1, 2**40 + 5, 1000, 2**31)
        assert sum(last - first for first, last in found) in (1000, 2**31 % 1000)


def test_a_sampler_that_does_not_exist_is_refused():
    with pytest.raises(ChatbotError) as caught:
        ranges("shuffle", 0, 0, 2, 3)
    assert str(caught.value) == ("shuffle: no such sampler. Use window, epoch, blocks or cyclic.")


def test_the_mixing_function_is_splitmix64():
    # The first outputs for the seed 1234567, as on Rosetta Code under "Splitmix64".
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    golden, word = 0x9E3779B97F4A7C15, (1 << 64) - 1
    states = np.array([1234567 + i * golden & word for i in range(3)], np.uint64)
    assert scramble(states).tolist() == published


def test_scrambling_keeps_distinct_words_distinct():
    words = np.arange(100_000, dtype=np.uint64)
    assert len(np.unique(scramble(words))) == len(words)


def test_a_random_word_mixes_seed_stream_and_index_in_turn():
    def twin(seed, stream, index):
        word = 0
        for part in (seed, stream, index):
            word = int(scramble(np.array([word ^ part], np.uint64))[0])
        return word

    keys = [(0, 0, 0), (1, 2, 3), (2**63 - 1, 3, 2**40)]
    assert [random_word(*key) for key in keys] == [twin(*key) for key in keys]


def test_streams_of_a_seed_do_not_follow_each_other():
    words = {random_word(s, t, i) for s in range(20) for t in range(5) for i in range(50)}
    assert len(words) == 20 * 5 * 50


@pytest.mark.parametrize("below", [1, 2, 3, 10, 97])
def test_draws_are_uniform(below):
    counts = Counter(draw(below, 8, 0, index) for index in range(200 * below))
    assert set(counts) == set(range(below))
    # mean below - 1, standard deviation sqrt(2 (below - 1)); four of them and a margin for few
    assert chi_square(list(counts.values())) < below - 1 + 4 * (2 * below) ** 0.5 + 4


@pytest.mark.parametrize(("batch", "worker", "workers"), [(0, 0, 1), (5, 2, 2), (5, -1, 2)])
def test_numbers_out_of_range_are_refused(batch, worker, workers):
    with pytest.raises(ChatbotError, match=f"batch {batch}, worker {worker} of {workers}"):
        ranges("window", 0, 0, batch, 30, worker, workers)

"""The benchmark of peers: the twins read what chatbot trains on, and work is counted right."""

import argparse
import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import TrainingConfig
from chatbot.corpus.batches import make_batch
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def loaded(path):
    """A module of benchmarks/, with those beside it in reach."""
    if path.stem in sys.modules:
        return sys.modules[path.stem]
    sys.path.insert(0, str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(BENCHMARKS))
    return module


twin = loaded(BENCHMARKS / "peers" / "twin.py")
useful_work = loaded(BENCHMARKS / "useful_work.py")
contenders = loaded(BENCHMARKS / "contenders.py")


@pytest.fixture(scope="module")
def folder(new_folder):
    """More pairs than a batch has, some longer than what is read of them."""
    turns = ["".join(chr(0x4E00 + n * k % 97) for k in range(1 + n % 59)) for n in range(1_301)]
    return new_folder(list(itertools.pairwise(turns)), holdout=70)


def test_a_twin_reads_the_batches_that_chatbot_trains_on(folder):
    arrays = contenders.dumped(folder)
    pairs, training = twin.Pairs(arrays), TrainingConfig()
    with TokenStore(folder.store) as store:
        for step in (0, 1, 7):
            wanted = ranges("window", training.seed, step, contenders.BATCH, store.header.train)
            ours = make_batch(store.read(wanted), training.max_length)
            theirs = pairs.batch(twin.pairs_of(arrays, step) % len(pairs))
            np.testing.assert_array_equal(theirs.source, ours.encoder_input)
            np.testing.assert_array_equal(theirs.source_lengths, ours.encoder_lengths)
            np.testing.assert_array_equal(theirs.targets, ours.targets)
            np.testing.assert_array_equal(theirs.read, ours.decoder_input * (ours.targets > 0))
            assert theirs.tokens == ours.weights.sum()


def test_a_twin_is_judged_on_the_held_out_pairs(folder):
    held_out = twin.Pairs(contenders.dumped(folder), "heldout_")
    with TokenStore(folder.store) as store:
        header = store.header
        ours = make_batch(store.read([(header.train, header.pairs)]), 40)
    assert len(held_out) == 70
    np.testing.assert_array_equal(held_out.batch(np.arange(70)).targets, ours.targets)


def test_the_clock_of_a_twin_decides_when_it_ends_and_falls():
    asked = argparse.Namespace(steps=None, seconds=100.0, fewest=8, rate=0.5, fall=True)
    assert twin.rate_of(asked, 0, 0.0) == pytest.approx(0.5 / twin.WARMUP)
    assert twin.rate_of(asked, 99, 25.0) == pytest.approx(0.375)
    assert twin.rate_of(asked, 99, 100.0) == pytest.approx(0.5 * twin.LEAST)
    assert not twin.ended(asked, 8, 99.9)
    assert not twin.ended(asked, 7, 101.0)
    assert twin.ended(asked, 8, 100.0)


def counted(questions, replies, targets, widths):
    """Multiply-adds of a step, token by token, forward and backward."""
    e, u = widths.embedding, widths.units
    total = 0
    for length in questions:
        for place in range(length):
            total += 3 * e * 4 * u + (3 * u * 4 * u if place else 0) + 3 * u * u
    for question, length in zip(questions, replies, strict=True):
        for _ in range(length):
            total += 3 * (e + u) * 4 * u + 3 * 2 * question * u + 3 * 2 * u * u
    ends = [*widths.cutoffs]
    for target in targets:
        total += 3 * u * (ends[0] + len(ends) - 1)
        for first, end, width in zip(ends, ends[1:], widths.tails, strict=False):
            if first <= target < end:
                total += 3 * (u * width + width * (end - first))
        if widths.mixture:
            total += 3 * 2 * u
    return total


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=1, max_size=4),
    st.sampled_from([((19,), ()), ((7, 19), (3,)), ((5, 11, 19), (3, 2))]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_useful_work_is_that_of_every_token(lengths, clusters, mixture, random):
    questions, replies = (np.array(side) for side in zip(*lengths, strict=True))
    targets = np.array([random.randrange(19) for _ in range(replies.sum())])
    widths = useful_work.Widths(13, 4, *clusters, mixture=mixture)
    found = useful_work.products(questions, replies, targets, widths)
    work = sum(one.operations for one in found)
    assert work == 2 * counted(questions, replies, targets, widths)

"""What each stage between the token store and the network takes, step by step.

Comes in: token stores, n-grams. Goes out: milliseconds of every stage of every step. One thread on
one core throughout.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatbot.corpus.batches import make_batch
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.learn.experts import of_question
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.packing import pack

BATCH = 1000
LENGTH = 40
STAGES = ("sampler", "read", "batch", "pack", "n-grams, question")


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this process on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def step_times(
    store: TokenStore, ngrams: Ngrams, cutoffs: tuple[int, ...], step: int
) -> dict[str, float]:
    """Milliseconds of every stage of a step."""
    times = [time.perf_counter()]
    runs = ranges("window", 0, step, BATCH, store.header.train)
    times.append(time.perf_counter())
    pairs = store.read(runs)
    times.append(time.perf_counter())
    batch = make_batch(pairs, LENGTH)
    times.append(time.perf_counter())
    packed = pack(batch, cutoffs, ngrams.order - 1)
    times.append(time.perf_counter())
    ngrams.log_probabilities(packed.contexts, packed.labels, leave_out=True)
    of_question(packed.asked, packed.pairs, packed.labels)
    times.append(time.perf_counter())
    return {
        stage: 1000 * (end - begin)
        for stage, (begin, end) in zip(STAGES, itertools.pairwise(times), strict=True)
    }


def rate(store: TokenStore, sampler: str, steps: int) -> float:
    """Pairs a second of sampler, read and batch."""
    began, pairs = time.perf_counter(), 0
    for step in range(steps):
        runs = ranges(sampler, 0, step, BATCH, store.header.train)
        pairs += len(make_batch(store.read(runs), LENGTH))
    return pairs / (time.perf_counter() - began)


def medians(steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median milliseconds of every stage, of the first three together, and of all."""
    three = STAGES[:3]
    found = {stage: [one[stage] for one in steps] for stage in STAGES}
    found["sampler, read, batch"] = [sum(one[stage] for stage in three) for one in steps]
    found["all"] = [sum(one.values()) for one in steps]
    return {name: round(statistics.median(times), 4) for name, times in found.items()}


def forget_pages(path: Path) -> None:
    """Asks the system to drop a file from its page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

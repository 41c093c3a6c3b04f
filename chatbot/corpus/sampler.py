"""(seed, step) -> which pairs a training step uses; pure functions.

Comes in: a seed, a step counted from 0, and the sizes. Goes out: runs of consecutive pairs of the
store, which is in random order, so a run is a random sample. Knows nothing of files or of what a
pair is. Resuming at a step is calling with that step: nothing is replayed.

With several workers every worker asks with the same seed and step and gets its own slice of the
same window.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


def ranges(
    sampler: str,
    seed: int,
    step: int,
    batch: int,
    pairs: int,
    worker: int = 0,
    workers: int = 1,
) -> list[tuple[int, int]]:
    """The pairs of a step as runs, each from its first pair to one past its last.

    Args:
        sampler: how the window of `batch` pairs is chosen:
            `window`, consecutive from a uniformly random place, wrapping around the end, so every
            pair is equally likely; `epoch`, every pair once per epoch, windows in random order, the
            shorter last one included, cut anew at a random place each epoch; `blocks`, one of the
            aligned blocks at random, the last may be shorter; `cyclic`, one window after the other,
            wrapping around the end.
        seed: seed of the run.
        step: number of the step, from 0.
        batch: pairs a step, of all workers together.
        pairs: pairs to choose from; when there are no more than `batch`, all are taken.
        worker: this worker, from 0.
        workers: how many there are.

    Raises:
        ChatbotError: a sampler of that name does not exist, or a number is out of range.
    """
    if sampler not in ("window", "epoch", "blocks", "cyclic"):
        raise ChatbotError(f"{sampler}: no such sampler. Use window, epoch, blocks or cyclic.")
    if batch < 1 or not 0 <= worker < workers:
        raise ChatbotError(
            f"batch {batch}, worker {worker} of {workers}: a batch has at least one pair, and "
            "workers are counted from 0."
        )
    start, size = _window(sampler, seed, step, batch, pairs)
    first = start + size * worker // workers
    last = start + size * (worker + 1) // workers
    return _wrapped(first, last, pairs)


def _window(sampler: str, seed: int, step: int, batch: int, pairs: int) -> tuple[int, int]:
    """The first pair and the size of the window of all workers; it may wrap around the end."""
    size = min(batch, pairs)
    if size == pairs:
        return 0, size
    if sampler == "window":
        return draw(pairs, seed, 0, step), size
    if sampler == "epoch":
        return _epoch_window(seed, step, batch, pairs)
    if sampler == "blocks":
        start = batch * draw(-(-pairs // batch), seed, 1, step)
        return start, min(batch, pairs - start)
    return step * batch % pairs, size


def _wrapped(first: int, last: int, pairs: int) -> list[tuple[int, int]]:
    if first >= pairs:
        first, last = first - pairs, last - pairs
    if last <= pairs:
        return [(first, last)] if first < last else []
    return [(first, pairs), (0, last - pairs)]


def _epoch_window(seed: int, step: int, batch: int, pairs: int) -> tuple[int, int]:
    windows = -(-pairs // batch)
    epoch, place = divmod(step, windows)
    window = int(_window_order(seed, epoch, windows)[place])
    turn = draw(pairs, seed, 2, epoch)
    size = min(batch, pairs - window * batch)
    return (turn + window * batch) % pairs, size


@lru_cache(maxsize=2)
def _window_order(seed: int, epoch: int, windows: int) -> NDArray[np.int64]:
    keys = scramble(np.arange(windows, dtype=np.uint64) ^ np.uint64(random_word(seed, 3, epoch)))
    return np.argsort(keys, kind="stable")


def draw(below: int, seed: int, stream: int, index: int) -> int:
    """A uniform integer in [0, below): number `index` of an independent stream of a seed."""
    return random_word(seed, stream, index) * below >> 64


def random_word(seed: int, stream: int, index: int) -> int:
    """64 random bits: number `index` of a stream of a seed, the same on every machine.

    SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", fig. 15),
    its mixing function applied to seed, stream and index in turn.
    """
    word = 0
    for part in (seed, stream, index):
        word = _mix((word ^ part) + _GOLDEN & _WORD)
    return word


def _mix(word: int) -> int:
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & _WORD
    return word ^ word >> 31


def scramble(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64 on every element: distinct words stay distinct."""
    words = words + np.uint64(_GOLDEN)
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)

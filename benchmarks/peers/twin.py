"""What both twins share: the batches, the clock, the held-out pairs, the lines printed.

Comes in: one .npz file (drawn below), options, and the two functions of a network. Goes out: JSON
lines on stdout. NumPy only; knows nothing of the network, and none of it knows chatbot.

    entry              shape            what
    size, go, batch    ()               entries of the vocabulary, the id GO, pairs of a step
    embedding, units   ()               widths of the embedding and of the recurrent layers
    clip               ()               largest global norm of the gradient
    starts             [steps]          first pair of every step; after the last begins anew
    questions          [tokens]         the questions to train on, end to end
    question_bounds    [pairs + 1]      where each begins and the last ends
    replies            [tokens]         the replies, each with its end
    reply_bounds       [pairs + 1]
    heldout_...                         the same four of the held-out pairs

A step takes `batch` consecutive pairs, wrapping around the end. The id 0 is padding.

    {"kind": "validation", "step": 40, "seconds": 20.1, "heldout_loss": 5.6}
    {"kind": "end", "step": 60, "seconds": 30.2, "tokens_per_second": 4060.0, "peak_bytes": ...}

Seconds are those of training only: the clock stands still while held-out pairs are judged, and runs
while batches are padded and graphs compiled. Target tokens a second are a median over the steps
after the first `WARM`, of real tokens, each reply's end counted. Losses are in nats a real token.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WARM = 5
"""Steps that the pace is not taken from."""

WARMUP = 5
"""Steps over which the learning rate rises."""

LEAST = 0.01
"""Share of the learning rate that is left at the end of a run whose rate falls."""

JUDGED = 500
"""Held-out pairs judged at once."""


@dataclass(frozen=True)
class Batch:
    """B pairs, padded with 0 at the end; int64.

    Attributes:
        source: the questions, [B, S].
        source_lengths: tokens of each, [B].
        read: GO, then the reply, [B, T].
        targets: the reply with its end, [B, T].
        target_lengths: tokens of each, [B].
    """

    source: Ints
    source_lengths: Ints
    read: Ints
    targets: Ints
    target_lengths: Ints

    @property
    def tokens(self) -> int:
        """Real target tokens."""
        return int(self.target_lengths.sum())


@dataclass(frozen=True)
class Shape:
    """What a network is told of itself.

    Attributes:
        size: entries of the vocabulary.
        embedding: width of the embedding.
        units: width of the recurrent layers.
        clip: largest global norm of the gradient.
    """

    size: int
    embedding: int
    units: int
    clip: float


class Twin(Protocol):
    """A network with its optimizer."""

    def step(self, batch: Batch, rate: float) -> float:
        """One step of training; gives the mean loss of the batch before it, nats a token."""

    def judge(self, batch: Batch) -> float:
        """The summed loss of a batch, in nats."""


class Pairs:
    """Questions and replies laid end to end, of a file's training or held-out part."""

    def __init__(self, arrays: dict[str, NDArray[Any]], part: str = "") -> None:
        """Takes the four arrays of a part, whose names begin with `part`."""
        names = ("questions", "question_bounds", "replies", "reply_bounds")
        self.questions, self.starts, self.replies, self.reply_starts = (
            arrays[part + name].astype(np.int64) for name in names
        )
        self.go = int(arrays["go"])

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.starts) - 1

    def batch(self, rows: Ints) -> Batch:
        """Some pairs, padded to the longest among them."""
        source, source_lengths = _padded(self.questions, self.starts, rows)
        targets, target_lengths = _padded(self.replies, self.reply_starts, rows)
        read = np.roll(targets, 1, 1)
        read[:, 0] = self.go
        read[targets == 0] = 0
        return Batch(source, source_lengths, read, targets, target_lengths)


def _padded(tokens: Ints, bounds: Ints, rows: Ints) -> tuple[Ints, Ints]:
    lengths = bounds[rows + 1] - bounds[rows]
    columns = np.arange(int(lengths.max()))
    inside = columns < lengths[:, None]
    padded = np.zeros(inside.shape, np.int64)
    padded[inside] = tokens[(bounds[rows][:, None] + columns)[inside]]
    return padded, lengths


def options(description: str) -> argparse.ArgumentParser:
    """The options of every twin."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, help="steps of the run")
    parser.add_argument("--seconds", type=float, help="seconds of training of the run")
    parser.add_argument("--fewest", type=int, default=1, help="steps of a run by seconds, at least")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--fall", action="store_true", help="the rate falls to the end of seconds")
    parser.add_argument("--judge-at", type=float, nargs="*", default=[], help="in seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights")
    return parser


def main(asked: argparse.Namespace, make: Callable[[Shape], Twin]) -> None:
    """Trains the twin that is made for a shape, and prints what came of it."""
    if asked.steps is None and asked.seconds is None:
        sys.exit("Say when to end: --steps or --seconds.")
    with np.load(asked.data) as file:
        arrays = dict(file)
    pairs, held_out = Pairs(arrays), Pairs(arrays, "heldout_")
    size, embedding, units = (int(arrays[name]) for name in ("size", "embedding", "units"))
    twin = make(Shape(size, embedding, units, float(arrays["clip"])))
    waiting = sorted(asked.judge_at)
    seconds, step, paces = 0.0, 0, list[float]()
    while not ended(asked, step, seconds):
        began = time.perf_counter()
        batch = pairs.batch(pairs_of(arrays, step) % len(pairs))
        twin.step(batch, rate_of(asked, step, seconds))
        took = time.perf_counter() - began
        seconds, step = seconds + took, step + 1
        paces.append(batch.tokens / took)
        if waiting and (seconds >= waiting[0] or ended(asked, step, seconds)):
            waiting = [one for one in waiting if one > seconds]
            loss = round(_judged(twin, held_out), 4)
            _tell("validation", step, seconds, heldout_loss=loss)
    pace = round(statistics.median(paces[WARM:] or paces), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _tell("end", step, seconds, tokens_per_second=pace, peak_bytes=peak)


def pairs_of(arrays: dict[str, NDArray[Any]], step: int) -> Ints:
    """The pairs of a step; those past the last are meant to wrap around."""
    starts = arrays["starts"]
    first = int(starts[step % len(starts)])
    return np.arange(first, first + int(arrays["batch"]))


def ended(asked: argparse.Namespace, step: int, seconds: float) -> bool:
    """Whether a run has as many steps or seconds as were asked for."""
    return (asked.steps is not None and step >= asked.steps) or (
        asked.seconds is not None and seconds >= asked.seconds and step >= asked.fewest
    )


def rate_of(asked: argparse.Namespace, step: int, seconds: float) -> float:
    """Rises over the first steps; falls linearly to the end where that is asked for."""
    left = max(LEAST, 1 - seconds / asked.seconds) if asked.fall else 1.0
    return float(asked.rate * min(1, (step + 1) / WARMUP) * left)


def _judged(twin: Twin, pairs: Pairs) -> float:
    """The loss of all pairs, nats a token."""
    total, tokens = 0.0, 0
    for first in range(0, len(pairs), JUDGED):
        batch = pairs.batch(np.arange(first, min(first + JUDGED, len(pairs))))
        total += twin.judge(batch)
        tokens += batch.tokens
    return total / tokens


def _tell(kind: str, step: int, seconds: float, **known: float) -> None:
    line = {"kind": kind, "step": step, "seconds": round(seconds, 3), **known}
    print(json.dumps(line), flush=True)

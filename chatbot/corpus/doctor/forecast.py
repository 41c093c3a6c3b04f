"""How much memory and how much time training will take, before it is begun.

Comes in: how long questions and replies are, a vocabulary size, the settings of network and
training. Goes out: bytes and seconds. Knows nothing of TensorFlow: it counts what the network in
`learn` does with a batch, and constants fitted to runs of it say what each count costs.

The constants come from `python benchmarks/forecast.py`, which trains on film subtitles, long
conversations and the bundled sample, by words and by characters, in batches of 64 to 4,000 pairs,
with 128 to 512 units and 3,300 to 56,000 entries, and fits them by least squares of the relative
error. Runs and machine: benchmarks/results/forecast.json.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chatbot.config import SMALL_CORPUS, ModelConfig, TrainingConfig
from chatbot.corpus.doctor import shape
from chatbot.machine import cores, gflops_a_core, has_bfloat16

REFERENCE_GFLOPS = 108.0
"""What `machine.gflops_a_core` gives on the machine of the runs; seconds are in proportion."""

REFERENCE_CORES = 2
"""The cores of that machine."""

CORES_HELP = 0.75
"""Seconds fall with this power of the number of cores. An assumption: only two were measured."""

MEMORY = (550e6, 27.9, 38.7, 9.46)
"""Bytes: of Python, TensorFlow and its compiled steps; for a weight of the network, with moments,
gradient, and what the optimizer's step and a checkpoint need; for a unit of a token that is worked
on at a time, with gates, states and gradients; for a unit of a place in the padded arrays that
attention works on at a time."""

NGRAMS = (15.5, 1_750_000)
"""Bytes that n-grams take for a token of the replies, and how many tokens are counted, as
`learn.ngrams.MOST_TOKENS`, which cannot be imported here."""

TIME = (3.63e-12, 6.90e-12, 5.33e-9, 1.87e-9, 23.5e-9, 43.6e-3)
"""Seconds: for an operation of a matrix product in bfloat16, or in float32 on processors without
it; for a unit of a token; for a unit of a place in the padded arrays; for a weight outside the
embedding, which the optimizer changes; for a part."""

HEAD, MIDDLE, WHOLE = 500, 4_000, 4_000
"""The clusters of the output layer, as in `learn.output`, which cannot be imported here."""

TAIL_SHARES = (0.18, 0.08)
"""Share of the tokens of a reply that are in its first and in its second tail. Of words; with
characters a little less, which costs little."""

GROUPS = (0.05, 0.2, 0.75)
"""Shares of a batch, the longest pairs first, that attention pads alike, as in `learn.groups`."""

LEAST_PART = 64
"""Pairs of a part below which a batch is not dealt out to more processors."""

BY_HEART = (50, 0.04)
"""Steps in which a corpus under `SMALL_CORPUS` pairs is known by heart: at the least, and for a
pair. 1,000 pairs took 50 steps, the 1,910 of the bundled sample 75 (benchmarks/recall.py). Networks
without layer norm take longer, and so do corpora with several replies to a question."""


@dataclass(frozen=True)
class Forecast:
    """What a training run will take, about.

    Attributes:
        memory_bytes: the most memory the process will take.
        seconds: how long it will train, starting and saving not included.
        steps: how many steps that is.
        batch: pairs of a step.
        epochs: how often every pair is seen.
        vocabulary: entries of the vocabulary.
        parameters: weights of the network.
        by_heart: whether it ends when the pairs are known by heart.
    """

    memory_bytes: int
    seconds: float
    steps: int
    batch: int
    epochs: float
    vocabulary: int
    parameters: int
    by_heart: bool


@dataclass(frozen=True)
class Work:
    """What one step of training does, on average.

    Attributes:
        questions: histogram of questions by tokens.
        replies: histogram of replies by tokens, their ends included.
        pairs: pairs of the corpus.
        size: entries of the vocabulary.
        model: the widths.
        training: its batch and greatest length are used, and whether n-grams are counted.
        parts: parts that a step computes one after the other, as far as there are processors for
            two or more at a time; 0 for as many parts as processors.
    """

    questions: NDArray[np.int64]
    replies: NDArray[np.int64]
    pairs: int
    size: int
    model: ModelConfig
    training: TrainingConfig
    parts: int = 0

    @cached_property
    def batch(self) -> int:
        """Pairs of a step; a smaller corpus is taken whole."""
        return min(self.training.batch, self.pairs)

    @cached_property
    def rows(self) -> tuple[float, float]:
        """Tokens of the questions and of the replies of a batch."""
        means = (_mean(_cut(c, self.training.max_length)) for c in (self.questions, self.replies))
        question, reply = means
        return self.batch * question, self.batch * reply

    @cached_property
    def positions(self) -> tuple[float, float]:
        """Tokens of the longest question and of the longest reply of a batch."""
        cut = (_cut(c, self.training.max_length) for c in (self.questions, self.replies))
        question, reply = (_longest(counts, self.batch) for counts in cut)
        return question, reply

    @cached_property
    def clusters(self) -> list[tuple[int, int, float]]:
        """The output layer: classes, width, and the share of a reply's tokens that come there."""
        units = self.model.units
        if self.size <= WHOLE:
            return [(self.size, units, 1.0)]
        if self.size <= MIDDLE + HEAD:
            tails = [(self.size - HEAD, units // 4, sum(TAIL_SHARES))]
        else:
            sizes = (MIDDLE - HEAD, self.size - MIDDLE)
            widths = (units // 4, units // 8)
            tails = list(zip(sizes, widths, TAIL_SHARES, strict=True))
        return [(HEAD + len(tails), units, 1.0), *tails]

    @cached_property
    def parameters(self) -> int:
        """Weights of the network."""
        e, u, model = self.model.embedding, self.model.units, self.model
        output = sum(n * (w + 1) + (0 if w == u else u * w) for n, w, _ in self.clusters)
        if len(self.clusters) > 1 or model.tied:
            output += sum(e * w for _, w, _ in self.clusters[:2])  # the views of embeddings
        if model.tied:  # what the first two clusters have of their own otherwise, but for slots
            n, w, _ = self.clusters[0]
            output -= (n - len(self.clusters) + 1) * w
            output -= sum(n * w for n, w, _ in self.clusters[1:2])
        return self.size * e + output + shape.weights(self.model)

    @cached_property
    def groups(self) -> list[tuple[float, float, float]]:
        """Pairs, positions of questions and of replies of what attention pads alike."""
        sides = (_cut(c, self.training.max_length) for c in (self.questions, self.replies))
        questions, replies = (np.cumsum(side) for side in sides)
        common = max(len(questions), len(replies))
        # The share of pairs of which neither side is longer.
        within = _filled(questions, common) * _filled(replies, common)
        found, most = [], self.positions
        for share, rest in zip(GROUPS, np.cumsum(GROUPS), strict=True):
            found.append((share * self.batch, *most))
            below = float(np.searchsorted(within, 1 - rest))
            most = (min(most[0], below), min(most[1], below))
        return found

    @property
    def padded(self) -> float:
        """Places of the padded arrays."""
        return sum(pairs * (question + reply) for pairs, question, reply in self.groups)

    @property
    def _scores(self) -> float:
        """Pairs of a place of a question and one of its reply."""
        return sum(math.prod(group) for group in self.groups)

    @property
    def _padded(self) -> float:
        """The places of padded arrays, by how many times they are held."""
        return shape.padded_units(self.model, self.padded, self._scores)

    @property
    def at_once(self) -> float:
        """The share of a batch that is worked on at a time."""
        workers = workers_of(self.training)
        return workers / max(self.parts, workers)

    @property
    def counted(self) -> int:
        """Tokens whose n-grams are counted."""
        if self.pairs < SMALL_CORPUS or self.model.ngrams == 0:
            return 0
        return min(NGRAMS[1], round(self.pairs * self.rows[1] / self.batch))

    @property
    def counts_of_memory(self) -> tuple[float, ...]:
        """What the constants of `MEMORY` are for."""
        units = self.model.units * self.at_once
        rows = units * sum(self.rows) * shape.layers(self.model)
        return 1.0, self.parameters, rows, units * self._padded

    def counts_of_time(self, bfloat16: bool) -> tuple[float, ...]:
        """What the constants of `TIME` are for."""
        units = self.model.units
        return (
            self.flops * bfloat16,
            self.flops * (not bfloat16),
            units * sum(self.rows) * shape.layers(self.model),
            units * self._padded,
            self.parameters - self.size * self.model.embedding,
            max(self.parts, workers_of(self.training)),
        )

    @property
    def bytes(self) -> float:
        """The most memory of a run."""
        return _sum(MEMORY, self.counts_of_memory) + NGRAMS[0] * self.counted

    def seconds(self, bfloat16: bool) -> float:
        """The time of a step on the machine of the runs."""
        return _sum(TIME, self.counts_of_time(bfloat16))

    @property
    def flops(self) -> float:
        """Operations of the matrix products of a step, forward and backward."""
        u = self.model.units
        source, target = self.rows
        encoder, decoder, score = shape.operations(self.model)
        output = sum(s * 2 * w * (n + (0 if w == u else u)) for n, w, s in self.clusters)
        return 3 * (source * encoder + target * (decoder + output) + score * self._scores)


def workers_of(training: TrainingConfig) -> int:
    """How many parts of a batch are computed at a time: one on each processor, if there is enough.

    A product of few rows does not use a second processor well, and what comes between products
    hardly; two halves of a batch, each on a processor of its own, keep both busy. docs/performance
    has its worth.
    """
    return max(1, min(training.threads or cores(), training.batch // LEAST_PART))


def forecast(work: Work, speed: float | None = None, bfloat16: bool | None = None) -> Forecast:
    """What a run will take.

    Args:
        work: its steps.
        speed: what `machine.gflops_a_core` gives; default: measured now, in 0.05 s.
        bfloat16: whether the processor multiplies bfloat16; default: looked up.
    """
    speed = gflops_a_core() if speed is None else speed
    if bfloat16 is None:
        bfloat16 = work.training.precision != "float32" and has_bfloat16()
    steps = _steps(work)
    threads = min(work.training.threads or cores(), cores())
    faster = speed / REFERENCE_GFLOPS * (threads / REFERENCE_CORES) ** CORES_HELP
    seconds = steps * work.seconds(bfloat16) / faster
    return Forecast(
        memory_bytes=round(work.bytes),
        seconds=seconds,
        steps=steps,
        batch=work.batch,
        epochs=steps * work.batch / work.pairs,
        vocabulary=work.size,
        parameters=work.parameters,
        by_heart=work.pairs < SMALL_CORPUS,
    )


def _steps(work: Work) -> int:
    """Steps of a run; without an end as if until the pairs are known by heart."""
    if work.training.epochs is not None:
        return math.ceil(work.training.epochs * math.ceil(work.pairs / work.batch))
    least, for_a_pair = BY_HEART
    return max(least, math.ceil(for_a_pair * work.pairs))


def _cut(counts: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    """A histogram with all that is longer than `most` counted there, as shares."""
    cut = np.append(counts[:most], counts[most:].sum()).astype(float)
    return cut / max(1.0, float(cut.sum()))


def _filled(shares: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Shares up to every length, as far as another side goes."""
    return np.append(shares, np.ones(count - len(shares)))


def _sum(costs: tuple[float, ...], counts: tuple[float, ...]) -> float:
    return sum(cost * count for cost, count in zip(costs, counts, strict=True))


def _mean(shares: NDArray[np.float64]) -> float:
    return float(shares @ np.arange(len(shares)))


def _longest(shares: NDArray[np.float64], draws: int) -> float:
    """The expected greatest of so many independent draws."""
    return float((1 - np.cumsum(shares).clip(0, 1) ** draws).sum())

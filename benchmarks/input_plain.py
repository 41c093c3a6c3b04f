"""Padded batches from lists in memory, without a library for it: a generator, two queues.

Comes in: a model folder, whose token store is read whole. Goes out: batches of so many epochs, each
in an order of its own, as encoder input and lengths, decoder input, targets and weights. See
input_pipelines.py.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of, indices_of_runs
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.folder import ModelFolder

LENGTH = 40
"""Most tokens of a question, and of a reply with its EOS; the default of `train`.

The ways to feed that stand here end a reply that is cut with EOS, as tutorials do.
"""

QUEUED_BATCHES = 8
QUEUED_PAIRS = 10_000

Arrays = tuple[Any, Any, Any, Any, Any]
"""Encoder input, encoder lengths, decoder input, targets, weights."""

Pair = tuple[list[int], list[int]]


def sides_of(model: Path) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Questions and replies of all training pairs in turn, cut to LENGTH: their ids and bounds."""
    with TokenStore(ModelFolder(model).store) as store:
        pairs = store.read([(0, store.header.train)])
    questions = np.minimum(pairs.question_lengths, LENGTH)
    replies = np.minimum(pairs.reply_lengths, LENGTH - 1)
    middles = pairs.bounds[1::2]
    starts = np.stack([middles - questions, middles], 1).ravel()
    lengths = np.stack([questions, replies], 1).ravel()
    return pairs.tokens[indices_of_runs(starts, lengths)], bounds_of(lengths)


def lists(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """A generator that shuffles and pads lists of ids."""
    pairs = _pairs(model)
    for _ in range(epochs):
        order = np.random.permutation(len(pairs)).tolist()
        for first in range(0, len(pairs), batch):
            yield _batch_of([pairs[i] for i in order[first : first + batch]])


def queue_of_batches(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """The same generator in a thread that keeps a queue of batches full."""
    waiting: queue.Queue[Arrays | None] = queue.Queue(QUEUED_BATCHES)

    def feed() -> None:
        for arrays in lists(model, epochs, batch):
            waiting.put(arrays)
        waiting.put(None)

    threading.Thread(target=feed, daemon=True).start()
    yield from iter(waiting.get, None)


def queue_of_pairs(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """A thread that keeps a queue of pairs full, from which each batch is taken and padded.

    The queue runners of TensorFlow 1 were fed like this: one example an enqueue, a batch of them a
    dequeue.
    """
    pairs = _pairs(model)
    waiting: queue.Queue[Pair] = queue.Queue(QUEUED_PAIRS)

    def feed() -> None:
        for _ in range(epochs):
            for i in np.random.permutation(len(pairs)).tolist():
                waiting.put(pairs[i])

    threading.Thread(target=feed, daemon=True).start()
    for _ in range(epochs):
        for first in range(0, len(pairs), batch):
            size = min(batch, len(pairs) - first)
            yield _batch_of([waiting.get() for _ in range(size)])


def _pairs(model: Path) -> list[Pair]:
    tokens, bounds = (array.tolist() for array in sides_of(model))
    sides = [tokens[first:last] for first, last in itertools.pairwise(bounds)]
    return list(zip(sides[::2], sides[1::2], strict=True))


def _batch_of(pairs: Sequence[Pair]) -> Arrays:
    questions, replies = zip(*pairs, strict=True)
    reply, lengths = _padded(replies)
    decoder_input = np.pad(reply, ((0, 0), (1, 0)), constant_values=GO)
    targets = np.pad(reply, ((0, 0), (0, 1)))
    targets[np.arange(len(pairs)), lengths] = EOS
    weights = (np.arange(targets.shape[1]) <= lengths[:, None]).astype(np.float32)
    return *_padded(questions), decoder_input, targets, weights


def _padded(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Lists as an array, and their lengths."""
    columns = list(itertools.zip_longest(*rows, fillvalue=0))
    padded = np.array(columns, np.int32).reshape(-1, len(rows)).T
    return padded, np.fromiter(map(len, rows), np.int32, len(rows))

"""Padded batches by tf.data, in the four ways that its guides show.

Comes in: a model folder, whose token store is read whole. Goes out: batches of so many epochs, each
in an order of its own, as input_plain.py gives them, but as tensors. See input_pipelines.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from input_plain import Arrays, sides_of
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import EOS, GO

AHEAD = tf.data.AUTOTUNE
ROW, NUMBER = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)

Tensor = Any
Dataset = Any


def generator_of_pairs(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """`from_generator` of single pairs, which the generator shuffles, then `padded_batch`."""
    sides = _sides(model)

    def pairs() -> Iterator[tuple[Any, ...]]:
        for i in (2 * np.random.permutation(len(sides) // 2)).tolist():
            yield sides[i], sides[i + 1]

    found = tf.data.Dataset.from_generator(pairs, output_signature=(ROW, ROW))
    return _padded_batches(found, epochs, batch)


def generator_of_batches(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """`from_generator` of batches laid end to end, then padded as ragged tensors."""
    sides = _sides(model)

    def batches() -> Iterator[tuple[Any, ...]]:
        order = (2 * np.random.permutation(len(sides) // 2)).tolist()
        for first in range(0, len(order), batch):
            some = order[first : first + batch]
            yield *_end_to_end([sides[i] for i in some]), *_end_to_end([sides[i + 1] for i in some])

    def padded(questions: Tensor, lengths: Tensor, replies: Tensor, ends: Tensor) -> Arrays:
        return _batch_of(
            tf.RaggedTensor.from_row_lengths(questions, lengths).to_tensor(),
            lengths,
            tf.RaggedTensor.from_row_lengths(replies, ends).to_tensor(),
            ends,
        )

    found = tf.data.Dataset.from_generator(batches, output_signature=(ROW, ROW, ROW, ROW))
    return _repeated(found.map(padded, AHEAD), epochs)


def slices_of_pairs(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """`from_tensor_slices` of the places of pairs in a flat array, `shuffle`, `padded_batch`."""
    tokens, bounds = sides_of(model)
    flat, places = tf.constant(tokens), bounds.astype(np.int32)
    thirds = (places[:-1:2], places[1::2], places[2::2])

    def pair(first: Tensor, middle: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        return flat[first:middle], flat[middle:last]

    found = tf.data.Dataset.from_tensor_slices(thirds).shuffle(len(thirds[0]))
    return _padded_batches(found.map(pair, AHEAD), epochs, batch)


def slices_of_batches(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
    """`from_tensor_slices` of numbers, `shuffle`, `batch`, then rows gathered of ragged tensors."""
    tokens, bounds = sides_of(model)
    sides = tf.RaggedTensor.from_row_splits(tokens, bounds)
    numbers = np.arange(len(bounds) // 2)

    def gathered(some: Tensor) -> Arrays:
        questions, replies = tf.gather(sides, 2 * some), tf.gather(sides, 2 * some + 1)
        lengths, ends = (tf.cast(x.row_lengths(), tf.int32) for x in (questions, replies))
        return _batch_of(questions.to_tensor(), lengths, replies.to_tensor(), ends)

    found = tf.data.Dataset.from_tensor_slices(numbers).shuffle(len(numbers)).batch(batch)
    return _repeated(found.map(gathered, AHEAD), epochs)


def _padded_batches(pairs: Dataset, epochs: int, batch: int) -> Iterator[Arrays]:
    """Single pairs padded batch by batch; no id is 0, so lengths are counted afterwards."""

    def ended(questions: Tensor, replies: Tensor) -> Arrays:
        lengths, ends = (tf.math.count_nonzero(x, 1, dtype=tf.int32) for x in (questions, replies))
        return _batch_of(questions, lengths, replies, ends)

    padded = pairs.padded_batch(batch, ([None], [None]))
    return _repeated(padded.map(ended, AHEAD), epochs)


def _repeated(batches: Dataset, epochs: int) -> Iterator[Arrays]:
    return iter(batches.repeat(epochs).prefetch(AHEAD))


def _batch_of(questions: Tensor, lengths: Tensor, replies: Tensor, ends: Tensor) -> Arrays:
    decoder_input = tf.pad(replies, [[0, 0], [1, 0]], constant_values=GO)
    eos = tf.one_hot(ends, tf.shape(replies)[1] + 1, EOS, 0, dtype=tf.int32)
    targets = tf.pad(replies, [[0, 0], [0, 1]]) + eos
    weights = tf.sequence_mask(ends + 1, dtype=tf.float32)
    return questions, lengths, decoder_input, targets, weights


def _sides(model: Path) -> list[NDArray[np.int32]]:
    tokens, bounds = sides_of(model)
    return np.split(tokens, bounds[1:-1])


def _end_to_end(rows: list[NDArray[np.int32]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.concatenate(rows), np.fromiter(map(len, rows), np.int32, len(rows))

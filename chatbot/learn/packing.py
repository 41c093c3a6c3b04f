"""Padded batches -> packed rows, so that no arithmetic is spent on padding.

Comes in: a `Batch`. Goes out: `Packed`, the index arrays that the network computes by. Plain NumPy;
knows nothing of weights or of TensorFlow.

Sequences are sorted by length, longest first, and laid out time-major: first all first positions,
then the second positions of the sequences that have one, and so on. Every time step is then a
contiguous block of rows, shrinking with time (the layout of cuDNN's and PyTorch's packed
sequences). Here each block is besides rounded up to a multiple of `ROUND` rows
(of a smaller power of two for fewer sequences), so that few different matrix sizes occur: the CPU's
matrix library keeps buffers for every size it has seen.

    lengths 3 1 2, ROUND 2:      block 0      block 1      block 2     tail
    rows (sequence, position)    0,0 2,0 1,0 ·   0,1 2,1   0,2 ·       · ·

Rows marked · are padding: they hold PAD, carry weight 0 and get exactly zero gradient. There is
always at least one such row at the very end, and at least one such column in the padded shapes, so
that "nowhere" has an index and both directions of every permutation are plain gathers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.batches import Batch
from chatbot.corpus.vocabulary import GO

ROUND = 32
"""Rows of a time step are a multiple of this, in a batch of as many sequences or more."""

_TOTAL_ROUND = 256
_COLUMN_ROUND = 4
_CLUSTER_ROUND = 64

NOT_READ = ("contexts", "pairs", "asked")
"""The fields of `Packed` that the network does not read."""

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Side:
    """One side of a batch, packed.

    Attributes:
        order: the sequence of every rank, longest first, [B].
        bounds: where the block of every time step begins and the last ends, [steps + 1].
        rows: how many rows there are, tail included.
        row: the packed row of (sequence, position), the last row where there is none, [B, columns].
        place: the flat place in [B, columns] of every row, the last column of the first sequence
            for padding rows, [rows].
    """

    order: Ints
    bounds: Ints
    rows: int
    row: Ints
    place: Ints

    def gather(self, padded: NDArray[np.int32]) -> Ints:
        """The entries of a padded array [B, positions] in packed order, 0 in padding rows."""
        wide = np.zeros(self.row.shape, np.int32)
        wide[: len(padded), : padded.shape[1]] = padded
        wide[0, -1] = 0
        return wide.ravel()[self.place]


def rounding(count: int) -> int:
    """What row counts are rounded to in a batch of `count` sequences."""
    return min(ROUND, 1 << (count - 1).bit_length())


def round_up(number: int, multiple: int) -> int:
    """The least multiple that is not below a number."""
    return -(-number // multiple) * multiple


def longest_first(lengths: NDArray[np.int32]) -> Ints:
    """The sequence of every rank, equal ones as they came, [B rounded up]; the added ones last."""
    count = round_up(len(lengths), rounding(len(lengths)))
    order = np.arange(count, dtype=np.int32)
    order[: len(lengths)] = np.argsort(-lengths, kind="stable")
    return order


def pack_side(lengths: NDArray[np.int32], order_of_rows: Ints | None = None) -> Side:
    """Packs sequences of these lengths.

    Args:
        lengths: tokens of every sequence, [B], each at least 1.
        order_of_rows: the sequence that every row of `row` shall speak of, [B]; default: all in
            their own order. B is rounded up; the sequences added have no positions.
    """
    order = longest_first(lengths)
    count, unit = len(order), rounding(len(lengths))
    lengths = np.concatenate([lengths, np.zeros(count - len(lengths), lengths.dtype)])
    if order_of_rows is None:
        order_of_rows = np.arange(count, dtype=np.int32)
    steps = int(lengths.max())
    alive = count - np.cumsum(np.bincount(lengths))[:-1]
    bounds = np.concatenate([[0], np.cumsum(-(-alive // unit) * unit)]).astype(np.int32)
    rows = round_up(int(bounds[-1]) + 1, _TOTAL_ROUND)
    columns = round_up(steps + 1, _COLUMN_ROUND)
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(count)
    inside = np.arange(columns, dtype=np.int32) < lengths[order_of_rows][:, None]
    starts = np.zeros(columns, np.int32)
    starts[:steps] = bounds[:-1]
    row = np.where(inside, starts + rank[order_of_rows][:, None], np.int32(rows - 1))
    place = np.full(rows, columns - 1, np.int32)
    place[row[inside]] = np.flatnonzero(inside)
    return Side(order, bounds, rows, row, place)


def _int32(*arrays: NDArray[np.int64]) -> tuple[Ints, ...]:
    return tuple(array.astype(np.int32) for array in arrays)


@dataclass(frozen=True)
class Packed:
    """A batch as the network reads it, every array int32 unless said.

    B counts sequences rounded up, R and Q packed source and target rows, S and T padded columns, K
    entries touched, N output rows.

    Attributes:
        touched: the distinct vocabulary entries whose embeddings are read, ascending, [K].
        source: index into `touched` of every source row, [R].
        source_bounds: time steps of the source, [steps + 1].
        source_row: packed source row of (sequence in target order, position), [B, S].
        source_place: its inverse, [R].
        source_reversed: the row that each source row is exchanged with when every question is read
            backwards, [R].
        source_lengths: tokens of every question, in target order, [B].
        last: packed row of the last token of every question, in target order, [B].
        last_place: its inverse: target rank or B, [R].
        target: index into `touched` of every decoder input row, [Q].
        target_bounds: time steps of the target, [steps + 1].
        target_row: packed target row of (rank, position), [B, T].
        target_place: its inverse, [Q].
        output: packed target row of every output row, sorted by cluster, [N].
        output_place: its inverse, [Q].
        labels: entry to predict in every output row, [N].
        weights: 1 for an output row that counts, 0 for padding, float32 [N].
        cluster_bounds: where the output rows of each cluster begin and the last end,
            [clusters + 1].
        contexts: the entries before the label of every output row, the earliest first, GO before
            the first; [N, as many as were asked for].
        pairs: the pair in the batch that every output row belongs to, any one for padding, [N].
        asked: the question of every pair in the batch, PAD behind it, [pairs, columns].
    """

    touched: Ints
    source: Ints
    source_bounds: Ints
    source_row: Ints
    source_place: Ints
    source_reversed: Ints
    source_lengths: Ints
    last: Ints
    last_place: Ints
    target: Ints
    target_bounds: Ints
    target_row: Ints
    target_place: Ints
    output: Ints
    output_place: Ints
    labels: Ints
    weights: NDArray[np.float32]
    cluster_bounds: Ints
    contexts: Ints
    pairs: Ints
    asked: Ints

    def arrays(self) -> dict[str, NDArray[np.int32] | NDArray[np.float32]]:
        """The fields that the network reads by name, as a TensorFlow function takes them."""
        return {name: array for name, array in self.__dict__.items() if name not in NOT_READ}


def pack(batch: Batch, cutoffs: tuple[int, ...], before: int = 0, always: int = 0) -> Packed:
    """Packs a batch.

    Args:
        batch: the padded batch.
        cutoffs: the first entry past each cluster of the output layer, the last one V.
        before: how many entries before each label are wanted as its context.
        always: the first so many entries count as touched in any case.
    """
    lengths = batch.target_lengths
    order = longest_first(lengths)
    target = pack_side(lengths, order)
    source = source_fields(batch.encoder_input, batch.encoder_lengths, order)
    read = _rows_in(batch.decoder_input, order)
    inputs = target.gather(read)
    first = np.arange(always, dtype=np.int32)
    touched, index = _touched(cutoffs[-1], first, source["source"], inputs)
    source["source"] = index[source["source"]]
    labels = target.gather(_rows_in(batch.targets, order))
    real = np.flatnonzero(target.place != target.row.shape[1] - 1)
    output, output_place, labels, weights, cluster_bounds = _output_rows(labels, real, cutoffs)
    return Packed(
        touched=touched,
        **source,
        target=index[inputs],
        target_bounds=target.bounds,
        target_row=target.row,
        target_place=target.place,
        output=output,
        output_place=output_place,
        labels=labels,
        weights=weights,
        cluster_bounds=cluster_bounds,
        contexts=_contexts(target, read, before)[output],
        pairs=order[target.place[output] // target.row.shape[1]],
        asked=batch.encoder_input,
    )


def _touched(size: int, *ids: Ints) -> tuple[Ints, Ints]:
    """The distinct ids among several arrays, ascending, and for each of [V] its place there."""
    seen = np.zeros(size, np.int32)
    for some in ids:
        seen[some] = 1
    return np.flatnonzero(seen).astype(np.int32), np.cumsum(seen, dtype=np.int32) - 1


def _contexts(target: Side, read: NDArray[np.int32], before: int) -> Ints:
    """For every packed target row the last entries read there, [Q, before]."""
    found = np.empty((target.rows, before), np.int32)
    for column in reversed(range(before)):
        found[:, column] = target.gather(read)
        read = np.concatenate([np.full((len(read), 1), GO, np.int32), read[:, :-1]], 1)
    return found


def padded(sequences: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ids with 0 behind them, [B, positions], and how many there are of each, [B]."""
    lengths = np.asarray([len(one) for one in sequences], np.int32)
    found = np.zeros((len(sequences), int(lengths.max())), np.int32)
    for row, one in enumerate(sequences):
        found[row, : len(one)] = one
    return found, lengths


def source_fields(
    padded: NDArray[np.int32], lengths: NDArray[np.int32], order: Ints | None = None
) -> dict[str, Ints]:
    """The source fields of `Packed` by name, with `source` holding ids.

    Args:
        padded: the questions, [B, positions].
        lengths: tokens of each, at least 1, [B].
        order: the question of every target rank, [B rounded up]; default: their own order.
    """
    count = round_up(len(lengths), rounding(len(lengths)))
    if order is None:
        order = np.arange(count, dtype=np.int32)
    side = pack_side(lengths, order)
    ranked = np.zeros(count, np.int32)
    ranked[: len(lengths)] = lengths
    ranked = ranked[order]
    last = side.row[np.arange(count), np.maximum(ranked - 1, 0)]
    last_place = np.full(side.rows, count, np.int32)
    last_place[last[ranked > 0]] = np.flatnonzero(ranked > 0)
    return {
        "source": side.gather(_rows_in(padded, order)),
        "source_bounds": side.bounds,
        "source_row": side.row,
        "source_place": side.place,
        "source_reversed": _reversed(side, ranked),
        "source_lengths": ranked,
        "last": last,
        "last_place": last_place,
    }


def _rows_in(padded: NDArray[np.int32], order: Ints) -> NDArray[np.int32]:
    wide = np.zeros((len(order), padded.shape[1]), np.int32)
    wide[: len(padded)] = padded
    return wide[order]


def _reversed(side: Side, lengths: Ints) -> Ints:
    count, columns = side.row.shape
    last = np.arange(0, count * columns, columns) + lengths - 1
    mirrored = last[:, None] - np.arange(columns)
    swap = np.arange(side.rows, dtype=np.int32)
    flat = side.row.ravel()
    swap[flat] = flat[mirrored.ravel()]  # places past a question's end write to the last row only
    swap[-1] = side.rows - 1
    return swap


def _output_rows(
    labels: Ints, real: NDArray[np.int64], cutoffs: tuple[int, ...]
) -> tuple[Ints, Ints, Ints, NDArray[np.float32], Ints]:
    nowhere = len(labels) - 1
    cluster = np.searchsorted(np.asarray(cutoffs), labels[real], side="right")
    parts: list[NDArray[np.int64]] = []
    bounds = [0]
    for number in range(len(cutoffs)):
        rows = real[cluster == number]
        room = round_up(len(rows) + (number == 0), _CLUSTER_ROUND) - len(rows)
        parts += [rows, np.full(room, nowhere)]
        bounds.append(bounds[-1] + len(rows) + room)
    output = np.concatenate(parts)
    counts = output != nowhere
    free = int(np.flatnonzero(~counts)[0])
    place = np.full(len(labels), free)
    place[output[counts]] = np.flatnonzero(counts)
    kept = np.where(counts, labels[output], 0)
    return (
        *_int32(output, place, kept),
        counts.astype(np.float32),
        np.asarray(bounds, np.int32),
    )

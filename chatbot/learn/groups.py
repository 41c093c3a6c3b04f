"""The pairs of a part in groups of about equal length, for attention.

Comes in: which packed row holds each position of the questions and replies. Goes out: the same for
padded arrays of a few groups, laid end to end. Plain NumPy; knows nothing of weights.

Attention multiplies padded arrays, and a part holds a few long pairs among many short ones: padded
to the longest, three quarters of the arithmetic would be spent on nothing. So the pairs are sorted
by the longer of their two sides and cut into `GROUPS` groups, each padded to its own longest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

GROUPS = 3
"""The longest twentieth of the pairs, the next fifth, and the rest."""

_COLUMN_ROUND = 4

Ints = NDArray[np.int32]


def grouped(
    source_row: Ints,
    source_lengths: Ints,
    target_row: Ints,
    target_lengths: Ints,
    rows: tuple[int, int],
) -> dict[str, Ints]:
    """Arranges both sides of a part in groups.

    Args:
        source_row: packed source row of (pair, position), the last row where there is none, [B, S].
        source_lengths: tokens of every question, [B].
        target_row: the same for the replies, [B, T].
        target_lengths: targets of every reply, [B].
        rows: packed rows of the source, R, and of the target, Q.

    Returns:
        The fields of `packing.Packed` that speak of groups, by name.
    """
    order = np.argsort(-np.maximum(source_lengths, target_lengths), kind="stable")
    shapes = []
    sources, targets = [], []
    for number, pairs in enumerate(_cut(order)):
        # One column more in the first group: there "nowhere" has a place.
        s = _columns(source_lengths[pairs], more=number == 0)
        t = _columns(target_lengths[pairs], more=number == 0)
        shapes.append((len(pairs), s, t))
        sources.append(source_row[pairs, :s].ravel())
        targets.append(target_row[pairs, :t].ravel())
    source, target = np.concatenate(sources), np.concatenate(targets)
    return {
        "source_row": source,
        "source_place": _places(source, rows[0], shapes[0][1] - 1),
        "source_lengths": source_lengths[order],
        "target_row": target,
        "target_place": _places(target, rows[1], shapes[0][2] - 1),
        "groups": np.asarray(shapes, np.int32),
    }


def _cut(order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    longest = -(-len(order) // 20)
    long = longest + len(order) // 5
    yield from (order[:longest], order[longest:long], order[long:])


def _columns(lengths: Ints, *, more: bool) -> int:
    longest = int(lengths.max(initial=0)) + more
    return -(-max(longest, 1) // _COLUMN_ROUND) * _COLUMN_ROUND


def _places(row: Ints, rows: int, nowhere: int) -> Ints:
    """For every packed row its place among the padded ones, `nowhere` for padding rows."""
    place = np.full(rows, nowhere, np.int32)
    place[row] = np.arange(len(row), dtype=np.int32)
    place[-1] = nowhere
    return place

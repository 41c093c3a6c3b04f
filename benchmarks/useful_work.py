"""The arithmetic that a training step usefully needs: its matrix products, no padding counted.

Comes in: lengths of questions and replies, the widths of the network and the clusters of its output
layer. Goes out: the products, forward and backward. Plain NumPy; knows nothing of how a program
computes them.

A layer of weights takes three products: forward, the gradient of its weights, the gradient of its
inputs. Elementwise work (gates, softmax, Adam) and gathers are not counted, whoever does them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Product(NamedTuple):
    """Products of one size: [rows, inner] times [inner, columns], so many of them."""

    part: str
    rows: int
    inner: int
    columns: int
    count: int = 1

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.count * self.rows * self.inner * self.columns


@dataclass(frozen=True)
class Widths:
    """The network.

    Attributes:
        embedding: width of the embedding.
        units: width of the recurrent layers.
        cutoffs: the first entry past each cluster of the output layer; one for a full softmax.
        tails: the width that each cluster but the first projects to.
        mixture: whether shares of n-grams and question are learned from the output vectors.
    """

    embedding: int
    units: int
    cutoffs: Sequence[int]
    tails: Sequence[int] = ()
    mixture: bool = False


def products(questions: Ints, replies: Ints, targets: Ints, widths: Widths) -> list[Product]:
    """The products of one training step.

    Args:
        questions: tokens of every question, [B].
        replies: tokens of every reply, its end included, [B].
        targets: the entries to predict, one for every token of a reply, in any order.
        widths: the network.
    """
    units, total = widths.units, int(replies.sum())
    found = [
        *_lstm("encoder", questions, widths, begun=False),
        *_lstm("decoder", replies, widths, begun=True),
        *_layer("attention", int(questions.sum()), units, units),
        Product("attention", 1, units, 1, 6 * int((questions * replies).sum())),
        *_layer("combine", total, 2 * units, units),
        *_output(targets, widths),
    ]
    if widths.mixture:
        found += _layer("mixture", total, units, 2)
    return [one for one in found if one.operations]


def _layer(part: str, rows: int, inner: int, columns: int) -> Iterator[Product]:
    yield Product(part, rows, inner, columns)
    yield Product(part, inner, rows, columns)
    yield Product(part, rows, columns, inner)


def _lstm(part: str, lengths: Ints, widths: Widths, *, begun: bool) -> Iterator[Product]:
    """Inputs at once; states step by step. The first states are zero unless they were begun."""
    gates, units = 4 * widths.units, widths.units
    yield from _layer(f"{part}, inputs", int(lengths.sum()), widths.embedding, gates)
    part = f"{part}, states"
    alive = (lengths[:, None] > np.arange(int(lengths.max()))).sum(0)
    alive = alive if begun else alive[1:]
    for rows in map(int, alive):
        yield Product(part, rows, units, gates)
        yield Product(part, rows, gates, units)
    yield Product(part, units, int(alive.sum()), gates)


def _output(targets: Ints, widths: Widths) -> Iterator[Product]:
    """The head over all rows, every tail over those whose target is in it."""
    head, *ends = widths.cutoffs
    yield from _layer("head", len(targets), widths.units, head + len(ends))
    for first, end, width in zip(widths.cutoffs[:-1], ends, widths.tails, strict=True):
        rows = int(((targets >= first) & (targets < end)).sum())
        yield from _layer("tails", rows, widths.units, width)
        yield from _layer("tails", rows, width, end - first)

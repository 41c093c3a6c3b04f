"""Packed rows in; padded groups out, in which every position has exactly one place."""

import numpy as np
import pytest

from chatbot.learn.groups import grouped
from chatbot.learn.packing import pack_side

CASES = [(1, 3), (2, 5), (7, 4), (40, 12), (500, 40)]


@pytest.fixture(params=CASES, ids=str)
def sides(request):
    count, longest = request.param
    generator = np.random.default_rng(count)
    lengths = [
        np.ceil(generator.pareto(1.5, count) + 1e-9).clip(1, longest).astype(np.int32)
        for _ in range(2)
    ]
    packed = [pack_side(one) for one in lengths]
    padded = [np.zeros(len(one.row), np.int32) for one in packed]
    for wide, one in zip(padded, lengths, strict=True):
        wide[:count] = one
    return padded, packed


def arranged(lengths, packed):
    rows = tuple(one.rows for one in packed)
    return grouped(packed[0].row, lengths[0], packed[1].row, lengths[1], rows)


def walk(found, side):
    """(group order of the pair, position) -> packed row, by a loop over the groups."""
    seen, flat, first = {}, 0, 0
    for pairs, *columns in found["groups"].tolist():
        width = columns[side]
        for pair in range(pairs):
            for position in range(width):
                seen[first + pair, position] = found[("source_row", "target_row")[side]][flat]
                flat += 1
        first += pairs
    assert flat == len(found[("source_row", "target_row")[side]])
    return seen


@pytest.mark.parametrize("side", [0, 1])
def test_every_position_is_in_its_group_and_every_other_place_is_nowhere(sides, side):
    lengths, packed = sides
    found = arranged(lengths, packed)
    order = np.argsort(-np.maximum(*lengths), kind="stable")
    assert (found["source_lengths"] == lengths[0][order]).all()
    seen = walk(found, side)
    for (rank, position), row in seen.items():
        real = position < lengths[side][order[rank]]
        assert row == (packed[side].row[order[rank], position] if real else packed[side].rows - 1)
    assert sum(row < packed[side].rows - 1 for row in seen.values()) == lengths[side].sum()


@pytest.mark.parametrize("side", ["source", "target"])
def test_every_packed_row_has_its_place_and_padding_rows_one_of_nowhere(sides, side):
    lengths, packed = sides
    found = arranged(lengths, packed)
    row, place = found[f"{side}_row"], found[f"{side}_place"]
    one = packed[side == "target"]
    real = np.zeros(one.rows, bool)
    real[row[row < one.rows - 1]] = True
    assert len(place) == one.rows
    assert (row[place[real]] == np.flatnonzero(real)).all()
    assert (row[place[~real]] == one.rows - 1).all()


def test_long_pairs_do_not_widen_the_padding_of_short_ones(sides):
    lengths, packed = sides
    shapes = arranged(lengths, packed)["groups"]
    assert shapes[:, 0].sum() == len(lengths[0])
    assert (np.diff(shapes[shapes[:, 0] > 0, 1:].max(1)) <= 0).all()
    if len(lengths[0]) > 500:
        one_group = len(lengths[0]) * (lengths[0].max() + lengths[1].max())
        assert (shapes[:, 0] * shapes[:, 1:].sum(1)).sum() < one_group / 2

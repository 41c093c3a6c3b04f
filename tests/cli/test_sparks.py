"""Drawings out of characters: what they show, and that they fit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.cli.sparks import ASCII, BLOCKS, Curve, bar, spark

NUMBERS = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("values", "width", "blocks", "ascii"),
    [
        ([], 5, "", ""),
        ([3.0], 5, "▁", "_"),
        ([3.0, 3.0, 3.0], 5, "▁▁▁", "___"),
        ([1, 2, 3, 4, 5, 6, 7, 8], 8, "▁▂▃▄▅▆▇█", "_.-:=+*#"),
        ([8, 6, 4, 2], 4, "█▆▃▁", "#+-_"),
        ([1, 1, 5, 5], 2, "▁█", "_#"),
        ([1, 2], 0, "", ""),
    ],
)
def test_a_sparkline_is_high_where_the_series_is(values, width, blocks, ascii):
    assert spark(values, width) == blocks
    assert spark(values, width, ASCII) == ascii


def test_the_steep_begin_of_a_loss_does_not_flatten_the_rest():
    assert spark([900, 8, 7, 6, 5, 4, 3, 2, 1, 1], 10) == "███▇▆▅▃▂▁▁"


@given(st.lists(NUMBERS, max_size=50), st.integers(0, 40))
def test_a_sparkline_has_a_cell_for_every_value_or_fills_its_width(values, width):
    drawn = spark(values, width)
    assert len(drawn) == min(len(values), width)
    assert set(drawn) <= set(BLOCKS.levels)


def test_a_curve_keeps_every_value_while_they_are_few():
    curve = Curve()
    for value in (5.0, math.nan, 3.0, math.inf, 4.0):
        curve.add(value)
    assert curve.values() == [5.0, 3.0, 4.0]


def test_a_curve_of_any_length_stays_small_and_keeps_its_shape():
    curve = Curve()
    for value in range(100_000):
        curve.add(float(value))
    values = curve.values()
    assert 256 <= len(values) <= 512
    assert values == sorted(values)
    assert values[0] < 400
    assert values[-1] > 99_000


@pytest.mark.parametrize(
    ("share", "parts"),
    [
        (0.0, ("", "─────")),
        (0.19, ("", "─────")),
        (0.2, ("━", "────")),
        (1.0, ("━━━━━", "")),
        (1.7, ("━━━━━", "")),
        (-1.0, ("", "─────")),
    ],
)
def test_a_bar_is_filled_by_whole_cells_that_are_done(share, parts):
    assert bar(share, 5) == parts
    assert bar(share, 5, ASCII) == tuple(part.replace("━", "#").replace("─", "-") for part in parts)

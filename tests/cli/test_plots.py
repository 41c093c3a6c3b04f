"""The drawings: what they show, and that they are well-formed whatever they hold."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.cli.plots import curve, histogram, share_bar, stacked_bar, svg, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text):
    """The elements of a drawing."""
    return ElementTree.fromstring(text)


def rects(text):
    return [
        {name: float(one.get(name, 0)) for name in ("x", "y", "width", "height")}
        for one in drawn(text).iter(f"{SVG}rect")
    ]


def labels(text):
    return [one.text for one in drawn(text).iter(f"{SVG}text")]


def test_a_bar_is_as_high_as_its_share():
    text = histogram(np.array([9, 10, 0, 20, 5]), 4, "lengths", "b")
    first, second, third = rects(text)
    assert second["height"] == pytest.approx(2 * first["height"], abs=0.02)
    assert third["height"] == pytest.approx(first["height"] / 2, abs=0.02)
    assert third["x"] > second["x"] > first["x"]
    ground = {round(one["y"] + one["height"], 1) for one in (first, second, third)}
    assert len(ground) == 1
    assert {one.get("class") for one in drawn(text).iter(f"{SVG}rect")} == {"b"}
    assert labels(text)[-1] == "45%"


def test_a_long_histogram_puts_several_lengths_into_a_bar():
    counts = np.ones(1025, int)
    text = histogram(counts, 100, "lengths", "a")
    assert len(rects(text)) == 34
    assert labels(text)[:-1] == ["20", "40", "60", "80", "100"]


@pytest.mark.parametrize("last", [0, 1, 2, 7, 1024])
def test_any_length_can_be_the_last(last):
    bars = rects(histogram(np.arange(1025), last, "lengths", "a"))
    assert all(bar["x"] + bar["width"] <= 352.01 and bar["y"] >= 9.99 for bar in bars)
    assert histogram(np.zeros(1025, int), last, "none", "a")


def test_a_curve_goes_through_its_points_and_marks_one():
    text = curve([(0, 0.4), (500, 0.1), (1_000, 0.0)], (500, 0.1), "unknown")
    line = drawn(text).find(f"{SVG}polyline").get("points")
    points = [tuple(map(float, point.split(","))) for point in line.split()]
    xs, ys = zip(*points, strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.02)
    assert ys[2] - ys[1] == pytest.approx((ys[2] - ys[0]) / 4, abs=0.02)
    ring = next(c for c in drawn(text).iter(f"{SVG}circle") if c.get("class") == "mark")
    assert (float(ring.get("cx")), float(ring.get("cy"))) == points[1]
    assert labels(text) == ["0", "200", "400", "600", "800", "1k", "0%", "10%", "20%", "30%", "40%"]


def test_a_curve_of_nothing_is_a_drawing_too():
    assert drawn(curve([(4, 0.0)], (4, 0.0), "flat")) is not None
    assert drawn(curve([], (0, 0.0), "empty")) is not None


@pytest.mark.parametrize(("share", "width"), [(0, 0), (0.25, 25), (1, 100), (1.7, 100), (-1, 0)])
def test_a_share_fills_its_bar(share, width):
    assert rects(share_bar(share, "share"))[0]["width"] == width


def test_stacked_parts_follow_each_other_and_fill_the_bar():
    parts = rects(stacked_bar([("a", 0.5), ("b", 0.3), ("c", 0.2)], "scripts"))
    assert [part["x"] for part in parts] == [0, 180, 288]
    assert [part["width"] for part in parts] == [180, 108, 72]


@pytest.mark.parametrize(
    ("end", "about", "expected"),
    [
        (23, 5, [0, 5, 10, 15, 20]),
        (1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.31, 3, [0, 0.1, 0.2, 0.3]),
        (50_000, 5, [0, 10_000, 20_000, 30_000, 40_000, 50_000]),
        (0, 5, [0]),
    ],
)
def test_ticks_are_round(end, about, expected):
    assert ticks(end, about) == expected


@given(st.floats(1e-6, 1e9))
def test_ticks_are_few_and_inside(end):
    found = ticks(end)
    assert 2 <= len(found) <= 12
    assert found[0] == 0
    assert found[-1] <= end * 1.001


def test_a_title_cannot_leave_its_place():
    text = svg(1, 1, '</title><script>x</script>"', "")
    assert drawn(text).find(f"{SVG}title").text == '</title><script>x</script>"'
    assert "<script" not in text


def test_a_drawing_without_a_title_is_left_out_when_read_aloud():
    assert 'aria-hidden="true"' in svg(1, 1, "", "")
    assert 'role="img"' in svg(1, 1, "what", "")


def test_no_drawing_says_a_colour_or_a_font():
    text = histogram(np.arange(9), 8, "x", "a") + curve([(1, 0.5)], (1, 0.5), "y")
    assert not re.search(r"fill=|stroke=|style=|font|#[0-9a-f]{3}", text)

"""docs/performance.md and its drawings are what their script makes of the records."""

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

DOCS = Path(__file__).parent.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def loaded(name):
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


charts = loaded("charts")
maker = loaded("make_performance")


def test_the_page_is_up_to_date():
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert page == maker.page(), "run: python docs/make_performance.py"


def test_the_drawings_are_up_to_date_and_shown():
    made = maker.drawings()
    assert {path.name for path in (DOCS / "performance").iterdir()} == set(made)
    for name, text in made.items():
        assert (DOCS / "performance" / name).read_text(encoding="utf-8") == text, name
        assert f"](performance/{name})" in maker.page()
        ElementTree.fromstring(text)


def test_the_page_says_what_the_record_says():
    page = maker.page()
    contenders = maker.result("peers")["throughput"]["contenders"]
    for name, one in contenders.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {maker.NAMES[name]} "))
        assert f"{one['tokens_per_second']['median']:,.0f} (" in row
        assert f"{one['peak_bytes'] / 1e9:.2f} GB" in row


def lines_of(text):
    """The points of each line of a chart, and where its name begins."""
    root = ElementTree.fromstring(text)
    places = [
        [tuple(map(float, point.split(","))) for point in one.get("points").split()]
        for one in root.iter(f"{SVG}polyline")
    ]
    names = [one for one in root.iter(f"{SVG}text") if "name" in (one.get("class") or "")]
    return places, names


def test_equal_ratios_are_equally_far_apart_across_and_equal_differences_upward():
    text = charts.line_chart("t", [charts.Line("one", [(3, 7.0), (30, 6.0), (300, 5.0)])], "x", "y")
    ((first, second, third),), (name,) = lines_of(text)
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.2)
    assert second[1] - first[1] == pytest.approx(third[1] - second[1], abs=0.2)
    assert third[1] > first[1]
    assert float(name.get("x")) > third[0]
    assert name.text == "one"


def test_names_of_lines_that_end_together_do_not_cover_each_other():
    lines = [charts.Line(f"ends at {end}", [(1, 9.0), (50, end)]) for end in (5, 5.01, 4.99)]
    _, names = lines_of(charts.line_chart("t", lines, "x", "y"))
    heights = sorted(float(one.get("y")) for one in names)
    assert all(b - a >= charts.APART - 0.2 for a, b in zip(heights, heights[1:], strict=False))


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**7)), min_size=1, max_size=9),
    st.booleans(),
)
def test_no_point_leaves_the_frame(thousandths, from_zero):
    line = charts.Line("<&>", sorted((x / 1000, y / 1000) for x, y in thousandths))
    text = charts.line_chart("t", [line], "x", "y", from_zero=from_zero)
    for x, y in lines_of(text)[0][0]:
        assert charts.LEFT - 0.1 <= x <= charts.WIDTH - charts.RIGHT + 0.1
        assert charts.TOP - 0.1 <= y <= charts.HEIGHT - charts.BOTTOM + 0.1


def test_a_bar_is_as_long_as_its_number():
    bars = [charts.Bar("p", 60, 50, 90, "60"), charts.Bar("q", 20, 20, 20, "20 < 60")]
    root = ElementTree.fromstring(charts.bar_chart("t", bars, "a second"))
    first, second = (float(one.get("width")) for one in root.iter(f"{SVG}rect"))
    assert first == pytest.approx(3 * second, abs=0.2)
    assert "20 < 60" in [one.text for one in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (4.63, 7.4, [4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5]),
        (0, 1137, [0, 200, 400, 600, 800, 1000, 1200]),
        (5, 5, [5, 6]),
        (0, 0, [0, 0.2]),
    ],
)
def test_levels_hold_all_and_are_round(low, high, expected):
    assert charts.levels(low, high) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (3, 240, [5, 10, 20, 50, 100, 200]),
        (10_000, 30_000_000, [10_000, 100_000, 1_000_000, 10_000_000]),
        (7, 7, []),
    ],
)
def test_decades_are_inside(first, last, expected):
    assert charts.decades(first, last) == expected

"""The drawings of a run: everything in its place, well-formed, the same each time."""

import dataclasses
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.cli.curve_svg import axes_of, axis, drawing, standalone
from chatbot.cli.curves import Curve, Mark, Series, curves_of
from chatbot.cli.run_facts import facts_of

SVG = "{http://www.w3.org/2000/svg}"
FINITE = st.floats(-1e12, 1e12) | st.floats(-1e-9, 1e-9) | st.floats(-1e299, 1e299)


def drawn(text):
    return ElementTree.fromstring(text)


def places(text):
    """The points of every line of a drawing."""
    return [
        [tuple(map(float, point.split(","))) for point in one.get("points").split()]
        for one in drawn(text).iter(f"{SVG}polyline")
    ]


def labels(text):
    return [one.text for one in drawn(text).iter(f"{SVG}text")]


def curve(points, **known):
    return Curve("c", "title", "steps", "", (Series("line", "a", tuple(points), False),), **known)


@pytest.fixture
def curves(a_run):
    records = [one.as_dict() for one in a_run]
    return curves_of(records, facts_of(records))


def test_equal_differences_are_equal_lengths():
    ((a, b, c),) = places(drawing(curve([(0, 4.0), (50, 3.0), (100, 1.0)])))
    assert b[0] - a[0] == pytest.approx(c[0] - b[0], abs=0.11)
    assert c[1] - b[1] == pytest.approx(2 * (b[1] - a[1]), abs=0.21)
    assert a[1] < b[1] < c[1]


def test_equal_ratios_are_equal_lengths_on_a_logarithmic_axis():
    ((a, b, c),) = places(drawing(curve([(0, 1.0), (1, 0.1), (2, 0.01)], log=True)))
    assert c[1] - b[1] == pytest.approx(b[1] - a[1], abs=0.11)
    assert labels(drawing(curve([(0, 1.0), (1, 0.01)], log=True)))[-4:-1] == ["0.01", "0.1", "1"]


def test_a_scale_without_whole_decades_has_labels_too():
    _, up = axes_of(curve([(0, 0.0015), (1, 0.006)], log=True))
    assert [said for _, said in up.labels] == ["0.002", "0.005"]


@pytest.mark.parametrize(
    ("points", "known", "said"),
    [
        ([(0, 3.0), (1_200, 6.9)], {}, ["0", "200", "400", "600", "800", "1k", "1.2k", *"3456"]),
        ([(0, 0.0), (2_000_000, 0.4)], {"percent": True}, ["0%", "10%", "20%", "30%", "40%"]),
        ([(0, 9_000.0), (1, 26_000.0)], {"zero": True}, ["0", "5k", "10k", "15k", "20k", "25k"]),
        ([(0, 2.01), (1, 2.05)], {}, ["2.01", "2.02", "2.03", "2.04", "2.05"]),
        ([(0, -0.1), (1, 0.2)], {"zero": True}, ["-0.1", "0.0", "0.1", "0.2"]),
    ],
)
def test_labels_are_round_and_no_longer_than_they_need_be(points, known, said):
    found = labels(drawing(curve(points, **known)))
    assert found[-1] == "steps"
    assert [one for one in found if one in said][-len(said) :] == said


@given(st.lists(FINITE, min_size=1, max_size=9), st.booleans(), st.booleans(), st.integers(2, 12))
def test_an_axis_holds_its_values_and_few_labels(values, zero, above, about):
    found = axis(values, zero=zero, log=False, percent=False, above=above, about=about)
    assert all(-1e-9 <= found.share(one) <= 1 + 1e-9 for one in values)
    assert len(found.labels) <= 3 * about
    assert all(-1e-6 <= found.share(one) <= 1 + 1e-6 for one, _ in found.labels)
    said = [text for _, text in found.labels]
    assert len(set(said)) == len(said)
    if zero:
        assert 0 <= found.share(0.0) <= 1


@given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=9))
def test_a_logarithmic_axis_holds_its_values_and_few_labels(values):
    found = axis(values, zero=False, log=True, percent=False, above=True, about=4)
    assert all(0 <= found.share(one) <= 1 for one in values)
    assert len(found.labels) <= 9


@given(st.lists(st.tuples(st.integers(0, 10**9), FINITE), min_size=1, max_size=9), st.booleans())
def test_nothing_is_drawn_outside_the_box(points, wide):
    text = drawing(curve(points, wide=wide))
    width, height = map(float, drawn(text).get("viewBox").split()[2:])
    for line in places(text):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in line)


def test_every_curve_of_a_run_is_well_formed_xml_in_both_shapes(curves):
    assert len(curves) == 9
    for one in curves:
        for text in (drawing(one), standalone(one)):
            assert drawn(text).findtext(f"{SVG}title") == one.title
            assert labels(text)[0] == one.title
            assert len(places(text)) == len(one.series)


def test_what_happened_stands_in_the_drawing_and_in_its_legend(curves):
    root = drawn(drawing(curves[0]))
    lines = {
        one.get("class"): one.findtext(f"{SVG}title")
        for one in root.iter(f"{SVG}path")
        if one.find(f"{SVG}title") is not None
    }
    assert lines == {
        "event decay": "decay at step 500",
        "event rollback": "roll-back at step 250",
        "event alarm": "alarm at step 350",
        "event resume": "resumed at step 300",
    }
    assert [one.text for one in root.iter(f"{SVG}text")][1:7] == [
        *("training", "held-out", "decay", "roll-back", "alarm", "resumed")
    ]


def test_the_ring_is_where_the_best_validation_is(curves):
    text = drawing(curves[0])
    ring = next(c for c in drawn(text).iter(f"{SVG}circle") if c.get("class") == "mark")
    held_out = places(text)[1]
    assert (float(ring.get("cx")), float(ring.get("cy"))) == held_out[3]
    assert held_out[3][1] == max(y for _, y in held_out)


def test_a_legend_that_is_long_takes_more_rows_and_stays_in_the_picture():
    kinds = ("decay", "rollback", "alarm", "resume", "broken")
    marks = tuple(Mark(kind, 1, "") for kind in kinds)
    named = tuple(Series(f"line number {one}", one, ((0, 1), (2, 3)), False) for one in "abcd")
    text = drawing(dataclasses.replace(curve([(0, 1)], marks=marks), series=named))
    entries = [
        (float(one.get("x")), float(one.get("y")))
        for one in drawn(text).iter(f"{SVG}text")
        if one.text.startswith("line number") or one.text in ("decay", "alarm", "not finite")
    ]
    assert len(entries) == len(set(entries)) == 7
    assert len({y for _, y in entries}) > 1
    assert max(y for _, y in entries) < min(y for line in places(text) for _, y in line)


def test_one_point_and_a_flat_line_are_drawings_too():
    dotted = dataclasses.replace(curve([]), series=(Series("one", "a", ((5, 2.0),), True),))
    assert len(list(drawn(drawing(dotted)).iter(f"{SVG}circle"))) == 1
    for points in ([(0, 0.0), (1, 0.0)], [(0, 7.5), (9, 7.5)], [(3, -1.0), (3, -1.0)]):
        for zero in (True, False):
            assert len(places(drawing(curve(points, zero=zero)))) == 1


def test_a_drawing_in_a_page_says_no_colour_and_a_file_brings_its_own(curves):
    for one in curves:
        assert not re.search(r"fill=|stroke=|style|font|#[0-9a-f]{3}", drawing(one))
        text = standalone(one)
        style = drawn(text).findtext(f"{SVG}style")
        assert "var(" not in style
        assert "prefers-color-scheme:dark" in style
        used = {part for part in re.findall(r'class="([^"]+)"', text) for part in part.split()}
        assert {name for name in used if f".{name}" not in style} == set()
        outside = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"http|url\(|@import|<script|href", outside)


def test_the_same_curve_is_drawn_the_same(curves):
    assert [standalone(one) for one in curves] == [standalone(one) for one in curves]


def test_a_title_cannot_leave_its_place():
    hostile = '</text><script>x</script>"&'
    for draw in (drawing, standalone):
        text = draw(dataclasses.replace(curve([(0, 1), (1, 2)]), title=hostile, across=hostile))
        assert labels(text)[0] == hostile
        assert "<script" not in text

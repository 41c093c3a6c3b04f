"""Charts as SVG files for the manual pages: lines against a logarithmic axis, and bars.

Comes in: names and numbers. Goes out: a drawing as text, with its style inside it, light or dark as
the reader's system is. Knows nothing of what the numbers mean, or where they come from.

Every line has a colour, a pattern of dashes and its name at its end, so that none of them is needed
to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from chatbot.cli.plots import svg, ticks

WIDTH = 720
HEIGHT = 400
LEFT, RIGHT, TOP, BOTTOM = 56, 190, 34, 48
ROW = 44
"""Height of a bar with the space around it."""

APART = 16
"""Least distance of the names of two lines."""

_SERIES = "abcdef"
_LIGHT = ("#1f6f9c", "#b8621b", "#4c7d38", "#7c5ba8", "#a83f52", "#6d6d66")
_DARK = ("#6fb7de", "#e7a268", "#96c981", "#bfa5e3", "#e58c9b", "#a9a9a2")
_DASHES = ("", "9 4", "2 4", "12 3 2 3", "5 3", "1 3")


class Line(NamedTuple):
    """A line: its name and its points (x, y), ascending by x."""

    name: str
    points: Sequence[tuple[float, float]]


class Bar(NamedTuple):
    """A bar: its name, median, lowest and highest, and what is written behind it."""

    name: str
    value: float
    lowest: float
    highest: float
    note: str


def line_chart(
    title: str, lines: Sequence[Line], across: str, upward: str, *, from_zero: bool = False
) -> str:
    """Lines over a logarithmic axis.

    Args:
        title: what is shown, read aloud.
        lines: at most six, each with at least one point; x above 0.
        across: name and unit of the axis across, which is logarithmic.
        upward: name and unit of the axis upward.
        from_zero: whether the axis upward begins at 0, else a little below the least point.
    """
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    marks = levels(0 if from_zero else min(ys), max(ys))
    first, last, low, high = min(xs), max(xs), marks[0], marks[-1]

    def place(x: float, y: float) -> tuple[float, float]:
        along = log10(x / first) / (log10(last / first) or 1)
        return LEFT + along * _across(), TOP + (high - y) / (high - low) * _upward()

    parts = [_style(), _text(LEFT - 40, TOP - 16, upward, "title")]
    parts.append(_text(LEFT + _across() / 2, HEIGHT - 10, across, "title", "middle"))
    for mark in marks:
        y = place(first, mark)[1]
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{LEFT + _across()}"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{mark:g}", "", "end"))
    for mark in decades(first, last):
        x = place(mark, low)[0]
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{TOP + _upward()}"/>')
        parts.append(_text(x, TOP + _upward() + 18, short(mark), "", "middle"))
    ends = apart([place(*line.points[-1])[1] for line in lines])
    for line, series, y in zip(lines, _SERIES, ends, strict=False):
        parts += _line([place(*point) for point in line.points], series)
        x = place(*line.points[-1])[0]
        parts.append(_text(x + 10, y + 4, line.name, f"name {series}"))
    return svg(WIDTH, HEIGHT, title, "\n".join(parts)) + "\n"


def bar_chart(title: str, bars: Sequence[Bar], unit: str) -> str:
    """Bars from 0 on, each with its name above it, its spread, and a note behind it."""
    most = max(bar.highest for bar in bars)
    height = TOP + ROW * len(bars) + 4
    marks = ticks(most, 5)[1:]
    parts = [_style(), _text(8, 16, unit, "title")]
    for mark in marks:
        x = 8 + mark / most * (WIDTH - RIGHT)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{height}"/>')
        parts.append(_text(x + 3, TOP - 2, f"{mark:,g}", ""))
    for number, (bar, series) in enumerate(zip(bars, _SERIES, strict=False)):
        y = TOP + ROW * number + 22
        ends = [8 + one / most * (WIDTH - RIGHT) for one in (bar.value, bar.lowest, bar.highest)]
        parts.append(_text(10, y - 5, bar.name, f"name {series}"))
        parts.append(
            f'<rect class="bar {series}" x="8" y="{y}" width="{ends[0] - 8:.1f}" height="16"/>'
        )
        parts.append(f'<path class="spread" d="M{ends[1]:.1f} {y + 8}H{ends[2]:.1f}"/>')
        parts.append(_text(ends[2] + 8, y + 13, bar.note, ""))
    return svg(WIDTH, height, title, "\n".join(parts)) + "\n"


def levels(low: float, high: float) -> list[float]:
    """About six round numbers, the first not above `low` and the last not below `high`.

    >>> levels(4.63, 7.4)
    [4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5]
    """
    step = ticks(high - low or abs(high) or 1, 6)[1]
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, max(last, first + 1) + 1)]


def decades(first: float, last: float) -> list[float]:
    """The numbers 1, 2 and 5 times a power of ten from `first` to `last`; of many, powers only.

    >>> decades(3, 240), decades(10_000, 30_000_000)
    ([5, 10, 20, 50, 100, 200], [10000, 100000, 1000000, 10000000])
    """
    powers = range(floor(log10(first)), ceil(log10(last)) + 1)
    times = (1, 2, 5) if last < 1000 * first else (1,)
    found = [factor * 10**power for power in powers for factor in times]
    return [one for one in found if first <= one <= last]


def apart(places: Sequence[float]) -> list[float]:
    """Places moved downward where two are closer than `APART`, in their own order.

    >>> apart([50, 10, 55])
    [50, 10, 66]
    """
    moved = list(places)
    order = sorted(range(len(places)), key=lambda index: places[index])
    for before, after in zip(order, order[1:], strict=False):
        moved[after] = max(moved[after], moved[before] + APART)
    return moved


def short(number: float) -> str:
    """A number on an axis, thousands and millions as k and M."""
    for unit, times in (("M", 1e6), ("k", 1e3)):
        if number >= times:
            return f"{number / times:g}{unit}"
    return f"{number:g}"


def _style() -> str:
    """Plain rules: what draws SVG outside a browser knows no variables."""
    dashes = zip(_SERIES, _DASHES, strict=True)
    return (
        '<style>text{font:13px system-ui,"Noto Sans",sans-serif}\n'
        f".grid{{stroke:#8a939c;stroke-opacity:.3}}\n{_colours('#4b535c', '#24292f', _LIGHT)}"
        ".line,.spread{fill:none;stroke-width:2}.bar{fill-opacity:.85}\n"
        + "".join(f".line.{one}{{stroke-dasharray:{dash}}}" for one, dash in dashes if dash)
        + "\n@media(prefers-color-scheme:dark){"
        + _colours("#b4bcc4", "#dfe3e8", _DARK)
        + "}</style>"
    )


def _colours(soft: str, ink: str, palette: Sequence[str]) -> str:
    """The rules that differ between light and dark."""
    series = "".join(
        f".line.{one}{{stroke:{colour}}}.dot.{one},.name.{one},.bar.{one}{{fill:{colour}}}"
        for one, colour in zip(_SERIES, palette, strict=True)
    )
    return f"text{{fill:{soft}}}.title{{fill:{ink}}}.spread{{stroke:{ink}}}{series}\n"


def _across() -> int:
    return WIDTH - LEFT - RIGHT


def _upward() -> int:
    return HEIGHT - TOP - BOTTOM


def _line(places: Sequence[tuple[float, float]], series: str) -> list[str]:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle class="dot {series}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
    return [f'<polyline class="line {series}" points="{joined}"/>', *dots]


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    chosen = f' class="{kind}"' if kind else ""
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text{chosen} {where}>{escape(text)}</text>"

"""The curves of a run as SVG: no scripts, well-formed XML.

Comes in: a `Curve`. Goes out: an `<svg>` element for a page, whose style sheet colours its classes,
or a file of its own, which brings its style. Knows nothing of where the points come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from chatbot.cli.curves import MARKED, Curve, Point, Series
from chatbot.cli.document import standalone_style
from chatbot.cli.plots import round_step, svg
from chatbot.cli.run_events import KIND_NAMES

_WIDTH, _WIDE = 380, 780
_HEIGHT, _TALL = 200, 290
_LEFT, _RIGHT, _BOTTOM = 50, 16, 34
_TITLE, _ROW = 22, 15
_A_LETTER = 6.2
_NARROW = 1e-4
_LEAST = 1e-12
_ROOM = 0.04


@dataclass(frozen=True)
class Axis:
    """One axis: its ends, and the places of its labels.

    Attributes:
        low: the value at its beginning.
        high: the value at its end.
        log: whether equal lengths are equal ratios.
        labels: values, and what is written there.
    """

    low: float
    high: float
    log: bool
    labels: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Where a value is, 0 at the beginning to 1 at the end."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def axis(
    values: Sequence[float], *, zero: bool, log: bool, percent: bool, above: bool, about: int
) -> Axis:
    """An axis on which all values are.

    Args:
        values: at least one; above 0 where the axis is logarithmic.
        zero: whether 0 is on it, too.
        log: whether it is logarithmic.
        percent: whether values are shares.
        above: whether there is some room beyond the values.
        about: how many labels.
    """
    low, high = min(values), max(values)
    if log:
        low, high = (low / 2, high * 2) if high < 1.5 * low else (low / 1.1, high * 1.1)
        return Axis(low, high, True, tuple(_decades(low, high)))
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    most = max(abs(low), abs(high))
    if high - low <= max(_NARROW * most, _LEAST):
        room = 0.1 * most if most > _LEAST else 1.0
        low, high = (0.0 if zero and not low else low - room), high + room
    elif above:
        room = _ROOM * (high - low)
        low, high = (low if zero else low - room), high + room
    step = round_step((high - low) / about)
    numbers = [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    digits = max(0, -floor(log10(step) + 1e-9))
    return Axis(low, high, False, tuple((one, _said(one, digits, percent)) for one in numbers))


def axes_of(curve: Curve) -> tuple[Axis, Axis]:
    """The horizontal and the vertical axis of a curve."""
    points = [point for one in curve.series for point in one.points]
    points += [] if curve.best is None else [curve.best]
    xs = [x for x, _ in points] + [mark.x for mark in curve.marks]
    across = axis(
        xs, zero=True, log=False, percent=False, above=False, about=10 if curve.wide else 5
    )
    return across, axis(
        [y for _, y in points],
        zero=curve.zero,
        log=curve.log,
        percent=curve.percent,
        above=True,
        about=6 if curve.wide else 4,
    )


def drawing(curve: Curve) -> str:
    """A curve for a page."""
    return svg(*_size(curve), curve.title, _body(curve))


def standalone(curve: Curve) -> str:
    """A curve as a file of its own, in light or dark like the system where the viewer can."""
    width, height = _size(curve)
    paper = f'<rect class="paper" width="{width}" height="{height}"/>'
    body = f"<style>{standalone_style()}</style>{paper}{_body(curve)}"
    return svg(width, height, curve.title, body) + "\n"


def _size(curve: Curve) -> tuple[int, int]:
    return (_WIDE, _TALL) if curve.wide else (_WIDTH, _HEIGHT)


def _said(value: float, digits: int, percent: bool) -> str:
    """A label; thousands and millions are cut short."""
    if percent:
        return f"{value:.{max(0, digits - 2)}%}"
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit and not digits:
            return f"{value / unit:g}{name}"
    return f"{value:.{digits}f}" if digits < 7 else f"{value:g}"


def _decades(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Powers of ten, with 2 and 5 times them where there are few."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = ceil(len(powers) / 6)
    for power in powers[::every]:
        for times in (1, 2, 5) if len(powers) < 4 else (1,):
            value = times * 10.0**power
            if low <= value <= high:
                yield value, f"{value:g}"


class _Frame:
    """Where things are in a drawing: the box between the axes, under title and legend."""

    def __init__(self, curve: Curve) -> None:
        self.width, self.height = _size(curve)
        self.legend = list(_legend(curve, self.width))
        self.top = _TITLE + _ROW * (1 + max((y for _, y, _, _ in self.legend), default=-1)) + 4
        self.across, self.up = axes_of(curve)

    def x(self, value: float) -> float:
        """Where a value lies across, in pixels."""
        return _LEFT + self.across.share(value) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value lies from the top, in pixels."""
        ground = self.height - _BOTTOM
        return ground - self.up.share(value) * (ground - self.top)

    def at(self, point: Point) -> tuple[float, float]:
        """Where a point lies."""
        return self.x(point[0]), self.y(point[1])


def _body(curve: Curve) -> str:
    frame = _Frame(curve)
    parts = [
        f'<text class="said" x="8" y="15">{escape(curve.title)}</text>',
        *_entries(frame),
        *_axes(curve, frame),
        *_marks(curve, frame),
        *(part for one in curve.series for part in _line(one, frame)),
    ]
    if curve.best is not None:
        x, y = frame.at(curve.best)
        parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
    return "".join(parts)


def _legend(curve: Curve, width: float) -> Iterator[tuple[float, int, str, str]]:
    """Of each entry its x, its row, the classes of its line, and its name."""
    named = [(f"thin {one.letter}", one.name) for one in curve.series]
    kinds = {mark.kind for mark in curve.marks}
    named = named if len(named) > 1 or kinds else []
    named += [(f"event {kind}", KIND_NAMES.get(kind, kind)) for kind in MARKED if kind in kinds]
    x, row = 8.0, 0
    for classes, name in named:
        room = 30 + _A_LETTER * len(name)
        if x + room > width and x > 8:
            x, row = 8.0, row + 1
        yield x, row, classes, name
        x += room


def _entries(frame: _Frame) -> Iterator[str]:
    for x, row, classes, name in frame.legend:
        y = _TITLE + _ROW * row + 8
        yield f'<path class="{classes}" d="M{x:.1f} {y}h16"/>'
        yield f'<text class="label" x="{x + 20:.1f}" y="{y + 4}">{escape(name)}</text>'


def _axes(curve: Curve, frame: _Frame) -> Iterator[str]:
    ground, right = frame.height - _BOTTOM, frame.width - _RIGHT
    for value, _ in frame.up.labels:
        yield f'<path class="axis" d="M{_LEFT} {frame.y(value):.1f}H{right}"/>'
    yield f'<path class="axis" d="M{_LEFT} {frame.top}V{ground}H{right}"/>'
    for value, text in frame.across.labels:
        yield _label(frame.x(value), ground + 14, "middle", text)
    for value, text in frame.up.labels:
        yield _label(_LEFT - 6, frame.y(value) + 4, "end", text)
    yield _label(right, frame.height - 5, "end", curve.across)


def _label(x: float, y: float, anchor: str, text: str) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="label" {where}>{escape(text)}</text>'


def _marks(curve: Curve, frame: _Frame) -> Iterator[str]:
    """A line from top to bottom for each event; what it is shows under the pointer."""
    for mark in curve.marks:
        line = f"M{frame.x(mark.x):.1f} {frame.top}V{frame.height - _BOTTOM}"
        told = f"<title>{escape(mark.note)}</title>"
        yield f'<path class="event {mark.kind}" d="{line}">{told}</path>'


def _line(series: Series, frame: _Frame) -> Iterator[str]:
    places = [frame.at(point) for point in series.points]
    if len(places) > 1:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="thin {series.letter}" points="{joined}"/>'
    if series.dots:
        for x, y in places:
            yield f'<circle class="{series.letter}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'

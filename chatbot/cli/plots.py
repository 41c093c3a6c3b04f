"""Plots as SVG for an HTML page: no scripts, no fonts, no colours of their own.

Comes in: histograms, shares, points. Goes out: `<svg>` elements as text, well-formed XML. Shapes
and text carry classes that the page's style sheet colours: `a` to `f` for series, `axis`, `mark`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH, _HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 10, 24
_BARS = 40


def svg(width: float, height: float, title: str, body: str, *, stretched: bool = False) -> str:
    """A drawing that scales with the page and says what it shows; without a title, decoration.

    Args:
        width: of its coordinates.
        height: of its coordinates.
        title: what it shows.
        body: its elements.
        stretched: whether it fills its place whatever that one's proportions.
    """
    said = f' role="img"><title>{escape(title)}</title>' if title else ' aria-hidden="true">'
    fill = ' preserveAspectRatio="none"' if stretched else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"{fill}{said}'
        f"{body}</svg>"
    )


def histogram(counts: NDArray[np.int64], last: int, title: str, series: str) -> str:
    """Bars for lengths from 1 on, each as high as its share of all.

    Args:
        counts: a histogram.
        last: the greatest length drawn.
        title: what it shows.
        series: class of the bars.
    """
    a_bar = max(1, -(-last // _BARS))
    firsts = range(1, max(last, 1) + 1, a_bar)
    total = max(1, int(counts.sum()))
    shares = [int(counts[first : first + a_bar].sum()) / total for first in firsts]
    most = max(max(shares), 1e-9)
    step = _inner_width() / len(shares)
    bars = "".join(
        f'<rect class="{series}" x="{_LEFT + i * step:.2f}" y="{_y(share / most):.2f}" '
        f'width="{0.85 * step:.2f}" height="{_y(0) - _y(share / most):.2f}"/>'
        for i, share in enumerate(shares)
        if share
    )
    end = firsts[-1] + a_bar - 1
    marks = [one for one in ticks(end) if one >= 1]
    below = [(_LEFT + (one - 0.5) / a_bar * step, f"{one:g}") for one in marks]
    return svg(
        _WIDTH,
        _HEIGHT,
        title,
        bars + _axes(below, [(1, f"{most:.0%}" if most >= 0.1 else f"{most:.1%}")]),
    )


def curve(points: Sequence[tuple[float, float]], chosen: tuple[float, float], title: str) -> str:
    """A line through points, and one point marked.

    Args:
        points: (x, share), ascending by x; x counts entries, a share is 0 to 1.
        chosen: the point to mark.
        title: what it shows.
    """
    right = max([chosen[0], *(x for x, _ in points)]) or 1
    most = max([chosen[1], *(share for _, share in points)]) or 1
    places = [(_LEFT + x / right * _inner_width(), _y(share / most)) for x, share in points]
    x, y = _LEFT + chosen[0] / right * _inner_width(), _y(chosen[1] / most)
    line = " ".join(f"{a:.2f},{b:.2f}" for a, b in places)
    dots = "".join(f'<circle class="a" cx="{a:.2f}" cy="{b:.2f}" r="3"/>' for a, b in places)
    body = (
        f'<polyline class="line" points="{line}"/>{dots}'
        f'<circle class="mark" cx="{x:.2f}" cy="{y:.2f}" r="6"/>'
    )
    below = [(_LEFT + one / right * _inner_width(), _short(one)) for one in ticks(right)]
    beside = [(one / most, f"{one:.1%}" if most < 0.05 else f"{one:.0%}") for one in ticks(most, 3)]
    return svg(_WIDTH, _HEIGHT, title, body + _axes(below, beside))


def share_bar(share: float, title: str, series: str = "a") -> str:
    """A single horizontal bar, full at a share of 1."""
    width = 100 * min(1.0, max(0.0, share))
    bar = f'<rect class="{series}" width="{width:.2f}" height="8"/>'
    return svg(100, 8, title, bar, stretched=True)


def stacked_bar(shares: Sequence[tuple[str, float]], title: str) -> str:
    """One bar made of parts, each with its class and its share of the whole."""
    begin, parts = 0.0, ""
    for series, share in shares:
        parts += f'<rect class="{series}" x="{begin:.2f}" width="{360 * share:.2f}" height="20"/>'
        begin += 360 * share
    return svg(360, 20, title, parts)


def ticks(end: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to an end, about so many.

    >>> ticks(23), ticks(0.31, 3)
    ([0, 5, 10, 15, 20], [0, 0.1, 0.2, 0.3])
    """
    if end <= 0:
        return [0]
    step = round_step(end / about)
    return [round(step * i, 12) for i in range(int(end / step * 1.000001) + 1)]


def round_step(rough: float) -> float:
    """The round number, 1, 2 or 5 times a power of ten, nearest to a positive one.

    >>> round_step(4.1), round_step(0.17), round_step(130)
    (5, 0.2, 100)
    """
    power: float = 10 ** floor(log10(rough))
    return power * min((1, 2, 5, 10), key=lambda times: abs(log10(times * power / rough)))


def _short(number: float) -> str:
    return f"{number / 1000:g}k" if number >= 1000 else f"{number:g}"


def _inner_width() -> float:
    return _WIDTH - _LEFT - _RIGHT


def _y(share: float) -> float:
    """Where a share of the height is, counted from below."""
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _axes(below: Sequence[tuple[float, str]], beside: Sequence[tuple[float, str]]) -> str:
    """The two axes with their labels: (x, text) and (share of the height, text)."""
    line = f'<path class="axis" d="M{_LEFT} {_TOP}V{_y(0):.2f}H{_WIDTH - _RIGHT}"/>'
    texts = [_label(x, _HEIGHT - 8, "middle", text) for x, text in below]
    texts += [_label(_LEFT - 5, _y(share) + 4, "end", text) for share, text in beside]
    return line + "".join(texts)


def _label(x: float, y: float, anchor: str, text: str) -> str:
    where = f'x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}"'
    return f'<text class="label" {where}>{escape(text)}</text>'

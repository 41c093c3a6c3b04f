"""The curves of a run as PNG, by matplotlib, which the extra `plot` installs.

Comes in: a `Curve`. Goes out: the bytes of a picture. matplotlib brings its own font and all that
is written in a curve is English, so the picture is the same whatever fonts and language a system
has. Knows nothing of files.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from chatbot.cli.curve_svg import axes_of
from chatbot.cli.curves import MARKED, Curve
from chatbot.cli.document import LIGHT
from chatbot.cli.run_events import KIND_NAMES
from chatbot.errors import ChatbotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DOTS_AN_INCH = 160
_STYLES = dict(zip(MARKED, ("--", "-.", "-", ":", (0, (8, 2, 1, 2))), strict=True))
_COLOURS = dict(zip(MARKED, ("f", "d", "e", "c", "warn"), strict=True))


def check_plotting() -> None:
    """Makes sure that pictures can be drawn.

    Raises:
        ChatbotError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401 - whether it is there
    except ImportError as error:
        raise ChatbotError(
            "--png: matplotlib is not installed. Install it: pip install 'chatbot[plot]', or write "
            "--svg, which needs nothing."
        ) from error


def png(curve: Curve) -> bytes:
    """A curve as a picture, light."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {"font.family": "DejaVu Sans", "font.size": 8, "axes.edgecolor": LIGHT["rule"]}
    with mpl.rc_context(style):
        size = (7.8, 2.9) if curve.wide else (4.6, 2.5)
        figure = Figure(figsize=size, dpi=_DOTS_AN_INCH, layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, curve)
        _set_up(axes, curve)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw(axes: Axes, curve: Curve) -> None:
    """Draws lines, marks and the ring of the best."""
    for one in curve.series:
        xs, ys = zip(*one.points, strict=True)
        dots = "o" if one.dots else None
        colour = LIGHT[one.letter]
        axes.plot(xs, ys, color=colour, lw=1.2, marker=dots, markersize=2.5, label=one.name)
    named: set[str] = set()
    for mark in curve.marks:
        label = "_" if mark.kind in named else KIND_NAMES.get(mark.kind, mark.kind)
        named.add(mark.kind)
        colour, line = LIGHT[_COLOURS[mark.kind]], _STYLES[mark.kind]
        axes.axvline(mark.x, color=colour, lw=0.9, ls=line, label=label)
    if curve.best is not None:
        axes.plot(*curve.best, "o", ms=8, mfc="none", mec=LIGHT["b"], label="_")


def _set_up(axes: Axes, curve: Curve) -> None:
    """Gives a picture the axes of the drawing, its title and its legend."""
    from matplotlib.ticker import NullLocator

    across, up = axes_of(curve)
    if up.log:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(up.low, up.high)
    axes.set_xticks([at for at, _ in across.labels], [said for _, said in across.labels])
    axes.set_yticks([at for at, _ in up.labels], [said for _, said in up.labels])
    axes.grid(axis="y", color=LIGHT["rule"], lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(curve.title, loc="left", fontsize=9)
    axes.set_xlabel(curve.across, loc="right")
    if len(curve.series) > 1 or curve.marks:
        axes.legend(frameon=False, fontsize=7)

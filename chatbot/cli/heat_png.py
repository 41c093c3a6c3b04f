"""What a bot looked at as PNG, by matplotlib, which the extra `plot` installs.

Comes in: words and weights. Goes out: the bytes of a picture. matplotlib's own font has no Chinese
characters; they are drawn by the first of the usual fonts that the system has.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from chatbot.errors import ChatbotError

if TYPE_CHECKING:
    from chatbot.talk.why import Why

_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "SimHei",
)
_DOTS_AN_INCH = 160
_INCHES = 0.34


def png(why: Why) -> bytes:
    """A square for each pair of words, from white, 0, to dark blue, 1.

    Raises:
        ChatbotError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib import font_manager
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ChatbotError(
            "matplotlib is not installed. Install it: pip install 'chatbot[plot]', or write a file "
            "that ends in .svg, which needs nothing."
        ) from error
    there = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in there]
    with warnings.catch_warnings(), mpl.rc_context({"font.family": fonts, "font.size": 8}):
        warnings.filterwarnings("ignore", "Glyph .* missing")
        size = (1.5 + _INCHES * len(why.question), 1.2 + _INCHES * len(why.reply))
        figure = Figure(figsize=size, dpi=_DOTS_AN_INCH, layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(why.weights, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(why.question)), map(_plain, why.question), rotation=90)
        axes.set_yticks(range(len(why.reply)), map(_plain, why.reply))
        axes.xaxis.tick_top()
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _plain(word: str) -> str:
    """A word as it is drawn: a dollar sign begins no formula."""
    return "".join(c for c in word if c.isprintable()).replace("$", r"\$")

"""What a bot looked at, drawn: in a terminal, and as a picture.

Comes in: words of a question, words of a reply, and how much of the one went into the other. Goes
out: lines of text, or SVG. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from chatbot.talk.why import Why

_SHADES = " ░▒▓█"
_MOST = 3
_CELL, _GAP = 28, 6
_FONT = "font-family='sans-serif' font-size='14' fill='#222'"


def in_text(why: Why, width: int) -> list[str]:
    """A row for each word of the reply, its shades below the words of the question.

    Where that is wider than a terminal, each word of the reply has the words of the question beside
    it that it looked at most, with their shares.

    Args:
        why: what was looked at.
        width: columns of the terminal.
    """
    margin = max(map(cell_len, why.reply)) + 1
    cells = [max(2, cell_len(word)) for word in why.question]
    if margin + sum(cells) + len(cells) > width:
        return _most(why, margin)
    lines = [" " * margin + " ".join(map(_padded, why.question, cells))]
    for word, weights in zip(why.reply, why.weights.tolist(), strict=True):
        shades = (_shade(weight) * cell for weight, cell in zip(weights, cells, strict=True))
        lines.append((_padded(word, margin) + " ".join(shades)).rstrip())
    return lines


def _most(why: Why, margin: int) -> list[str]:
    lines = []
    for word, weights in zip(why.reply, why.weights, strict=True):
        best = (-weights).argsort(kind="stable")[:_MOST]
        shares = "  ".join(f"{why.question[n]} {weights[n]:.0%}" for n in best.tolist())
        lines.append(_padded(word, margin) + shares)
    return lines


def _padded(word: str, width: int) -> str:
    return word + " " * (width - cell_len(word))


def _shade(weight: float) -> str:
    return _SHADES[min(len(_SHADES) - 1, round(weight * (len(_SHADES) - 1) + 0.25))]


def in_svg(why: Why) -> str:
    """The same as a picture: a square for each pair of words, from white, 0, to dark blue, 1."""
    left = _GAP + 9 * max(map(cell_len, why.reply))
    top = _GAP + 9 * max(map(cell_len, why.question))
    across, down = left + _CELL * len(why.question) + _GAP, top + _CELL * len(why.reply) + _GAP
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{across}' height='{down}'>",
        f"<rect width='{across}' height='{down}' fill='white'/>",
    ]
    for column, word in enumerate(why.question):
        x = left + _CELL * column + _CELL // 2 + 5
        turned = f"transform='rotate(-90 {x} {top - _GAP})'"
        parts.append(f"<text x='{x}' y='{top - _GAP}' {turned} {_FONT}>{_plain(word)}</text>")
    for row, (word, weights) in enumerate(zip(why.reply, why.weights.tolist(), strict=True)):
        y = top + _CELL * row
        at = f"x='{left - _GAP}' y='{y + _CELL // 2 + 5}' text-anchor='end'"
        parts.append(f"<text {at} {_FONT}>{_plain(word)}</text>")
        parts += _squares(why.question, word, weights, left, y)
    return "\n".join([*parts, "</svg>", ""])


def _squares(
    question: Sequence[str], word: str, weights: Sequence[float], left: int, y: int
) -> list[str]:
    return [
        f"<rect x='{left + _CELL * column}' y='{y}' width='{_CELL - 1}' height='{_CELL - 1}' "
        f"fill='#08306b' fill-opacity='{weight:.3f}' stroke='#ddd'>"
        f"<title>{_plain(word)} – {_plain(asked)}: {weight:.1%}</title></rect>"
        for column, (asked, weight) in enumerate(zip(question, weights, strict=True))
    ]


def _plain(word: str) -> str:
    """A word as XML may hold it: control characters, which it may not, are left out."""
    return escape("".join(c for c in word if c.isprintable()))

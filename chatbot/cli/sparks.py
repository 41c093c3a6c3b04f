"""Small drawings out of characters: sparklines and a bar.

Comes in: numbers. Goes out: text of a given number of cells. Knows nothing of training, of colours
or of where it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

_MOST = 512


@dataclass(frozen=True)
class Glyphs:
    """The characters that are drawn with, each one cell wide but `arrow` and `ellipsis`.

    Attributes:
        levels: of a sparkline, from low to high.
        done: the part of a bar that is done.
        ahead: the part that is not.
        dot: between two facts.
        arrow: from a question to its reply.
        ellipsis: in place of what is cut off.
    """

    levels: str
    done: str
    ahead: str
    dot: str
    arrow: str
    ellipsis: str


BLOCKS = Glyphs("▁▂▃▄▅▆▇█", "━", "─", "·", "→", "…")
ASCII = Glyphs("_.-:=+*#", "#", "-", "|", "->", "...")


class Curve:
    """A series as it grows, kept as at most 512 means of equally many values each."""

    def __init__(self) -> None:
        """Begins empty."""
        self._means: list[float] = []
        self._each, self._sum, self._count = 1, 0.0, 0

    def add(self, value: float) -> None:
        """Adds a value; one that is not finite is left out."""
        if not isfinite(value):
            return
        self._sum, self._count = self._sum + value, self._count + 1
        if self._count == self._each:
            self._means.append(self._sum / self._count)
            self._sum, self._count = 0.0, 0
        if len(self._means) == _MOST:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means, self._each = [(a + b) / 2 for a, b in pairs], 2 * self._each

    def values(self) -> list[float]:
        """The means, the last one of what there is so far."""
        return [*self._means, self._sum / self._count] if self._count else list(self._means)


def spark(values: Sequence[float], width: int, glyphs: Glyphs = BLOCKS) -> str:
    """A series in at most so many cells, its least value lowest.

    A loss falls steepest at its beginning; the first fifth may stand out above the scale, or the
    rest would be flat.

    >>> spark([9, 4, 3, 2, 1], 5)
    '█▇▆▃▁'
    """
    count = min(width, len(values))
    if count < 1:
        return ""
    ends = [len(values) * i // count for i in range(count + 1)]
    parts = [values[begin:end] for begin, end in zip(ends, ends[1:], strict=False)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means[count // 5 :])
    top = len(glyphs.levels) - 1
    scale = top / (high - low) if high > low else 0.0
    return "".join(glyphs.levels[min(top, round((mean - low) * scale))] for mean in means)


def bar(share: float, width: int, glyphs: Glyphs = BLOCKS) -> tuple[str, str]:
    """A bar of so many cells in two parts: what is done and what is ahead.

    >>> bar(0.4, 5)
    ('━━', '───')
    """
    done = int(width * min(1.0, max(0.0, share)))
    return glyphs.done * done, glyphs.ahead * (width - done)

"""A panel at the foot of the terminal that is redrawn while a run trains.

Comes in: records. Goes out: the panel on stderr, and above it the lines that stay. Knows nothing of
what stands in either.

Drawing takes no more than a two-hundredth of the time. The cursor stays visible, so that a run that
is killed or suspended leaves the terminal as it was. A terminal that goes away ends nothing.
"""

from __future__ import annotations

import locale
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from chatbot.cli.panel import Panel
from chatbot.cli.show import tell
from chatbot.cli.sparks import ASCII, BLOCKS, Glyphs
from chatbot.cli.standing import Standing
from chatbot.cli.wording import Wording
from chatbot.history import Record

if TYPE_CHECKING:
    from chatbot.learn.schedule import Schedule

_REFRESH = 0.25
_SHARE = 0.005
_LOUD = ("alarm", "rollback", "pause")


class LiveDisplay:
    """The panel and the lines above it."""

    def __init__(
        self,
        console: Console,
        wording: Wording,
        standing: Standing,
        schedule: Callable[[], Schedule],
    ) -> None:
        """Takes the terminal, what is said of the run, and how to learn of its schedule."""
        self._console, self._wording = console, wording
        self._standing, self._schedule = standing, schedule
        self._panel = Panel(standing, glyphs_for(console))
        self._live = Live(
            self._panel,
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._next = 0.0
        self._there = True

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._draw(self._begin)
        return self

    def __exit__(self, *details: object) -> None:
        """Leaves the panel as it is last; what is printed next comes below it."""
        self._end()

    def show(self, record: Record) -> None:
        """Redraws the panel, and prints the lines of an event."""
        self._standing.see(record, self._schedule())
        lines = self._wording.event(record)
        if record.kind == "stop":
            self._end()
            for line in lines:
                tell(line)
        elif record.kind == "checkpoint":  # as often as every few minutes: the panel names it
            self._draw(self._live.refresh)
        elif lines:
            style = "bold yellow" if record.kind in _LOUD else ""
            self._draw(lambda: self._say(lines, style))
        elif time.monotonic() >= self._next:
            self._draw(self._live.refresh)

    def _begin(self) -> None:
        self._live.start(refresh=True)
        self._console.show_cursor(True)

    def _say(self, lines: list[str], style: str) -> None:
        for line in lines:
            self._console.print(Text(line, style=style))

    def _draw(self, drawing: Callable[[], None]) -> None:
        """Draws, if the terminal is still there."""
        if not self._there:
            return
        began = time.monotonic()
        try:
            self._unwrap()
            drawing()
        except OSError:
            self._there = False
            self._end()
        took = time.monotonic() - began
        self._next = began + max(_REFRESH, took / _SHARE)

    def _unwrap(self) -> None:
        """Takes away the lines that rows have been wrapped into by a window made narrower."""
        width = max(1, self._console.width)
        wrapped = sum(max(0, -(-one // width) - 1) for one in self._panel.widths)
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        if wrapped:
            self._console.control(Control(*up * wrapped))

    def _end(self) -> None:
        with suppress(OSError):
            self._live.stop()


def usable(console: Console) -> bool:
    """Whether a terminal can be drawn on."""
    return console.is_terminal and not console.is_dumb_terminal and console.is_interactive


def glyphs_for(console: Console) -> Glyphs:
    """Blocks where the locale is one of Unicode and the terminal has them."""
    unicode = locale.getencoding().lower().replace("-", "").startswith("utf")
    plain = console.legacy_windows or os.environ.get("TERM") == "linux"
    return BLOCKS if (unicode or os.name == "nt") and not plain else ASCII

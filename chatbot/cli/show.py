"""Numbers and progress as people read them.

Comes in: quantities. Goes out: short texts, and a line on stderr that is redrawn in a terminal.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.live import Live

    from chatbot.talk.bot import Bot


def size(count: float) -> str:
    """Bytes as text.

    >>> size(1_234_000_000), size(56_000_000), size(7_800)
    ('1.23 GB', '56 MB', '8 kB')
    """
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """Seconds as text.

    >>> duration(3.2), duration(75), duration(7500)
    ('3 s', '1 min 15 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def tell(text: str) -> None:
    """Prints a line on stderr; work goes on if nobody is there to read it."""
    try:
        click.echo(text, err=True)
    except OSError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the process


def counted(number: int, what: str) -> str:
    """A number of things as text.

    >>> counted(1, "pair"), counted(1_200, "pair")
    ('1 pair', '1,200 pairs')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def load_bot(model: Path, checkpoint: str | None = None, backward: Path | None = None) -> Bot:
    """The bot of a model folder; says what is damaged there."""
    from chatbot.talk.bot import Bot

    bot = Bot.load(model, checkpoint, backward)
    tell_damaged(bot)
    return bot


def tell_damaged(bot: Bot) -> None:
    """Says which checkpoints were passed over, and which one is used instead."""
    for one in [bot] if bot.backward is None else [bot, bot.backward.bot]:
        for fault in one.damaged:
            tell(f"{fault}, not used; {one.checkpoint} instead")


class StatusLine:
    """One line on stderr: redrawn in a terminal, else printed anew now and then."""

    def __init__(self, every: float) -> None:
        """Takes the seconds between lines when stderr is not a terminal."""
        self._every, self._printed = every, -every
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begins; rich is imported here, not before it is needed."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False)
            self._live = Live("", console=console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        """Removes the line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, text: str, *, now: bool = False) -> bool:
        """Shows a text in place of the last one; `now` prints it even if that was just before.

        Returns:
            Whether it was shown.
        """
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(text, overflow="ellipsis", no_wrap=True), refresh=True)
        elif now or time.monotonic() - self._printed >= self._every:
            self._printed = time.monotonic()
            tell(text)
        else:
            return False
        return True

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(text))
        else:
            tell(text)

"""What `chatbot train` shows while it runs: a panel, plain lines, next to nothing, or JSON lines.

Comes in: a run, its records one by one, and the wish for quiet or for JSON. Goes out: JSON lines on
stdout, everything else on stderr. Training goes on whether or not anybody is there to read it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from math import inf, isfinite
from typing import TYPE_CHECKING, Protocol, Self

import click

from chatbot.cli.show import tell
from chatbot.cli.wording import Wording
from chatbot.history import Record

if TYPE_CHECKING:
    from chatbot.learn.training import Run

EVERY = 10.0
"""Seconds between lines of progress."""

SAMPLES_EVERY = 60.0
"""Seconds between sample replies among plain lines."""

_QUIET_KINDS = ("alarm", "rollback", "pause", "stop")


class Display(Protocol):
    """Whatever shows the records of a run."""

    def __enter__(self) -> Self:
        """Begins."""
        ...

    def __exit__(self, *details: object) -> None:
        """Ends, however the run did."""

    def show(self, record: Record) -> None:
        """Shows a record; is to be given each of them."""


def display(run: Run, *, quiet: bool, as_json: bool) -> Display:
    """What fits the wishes and the place stderr leads to.

    Beside JSON lines there is no panel: both may end in one terminal.
    """
    wording = Wording(run.folder, run.memorising, run.position.heldout_loss)
    shown = PlainLines(wording, quiet=quiet)
    if as_json:
        return JsonLines(shown)
    return shown if quiet or not sys.stderr.isatty() else _in_terminal(run, wording) or shown


def _in_terminal(run: Run, wording: Wording) -> Display | None:
    """The panel, unless the terminal is not one to draw on; rich is imported here."""
    from rich.console import Console

    from chatbot.cli.live import LiveDisplay, usable
    from chatbot.cli.standing import Standing

    console = Console(stderr=True, highlight=False)
    if not usable(console):
        return None
    standing = Standing(run.ending, run.position.schedule, run.position.step)
    return LiveDisplay(console, wording, standing, lambda: run.position.schedule)


class PlainLines:
    """A line of progress now and then, and events at once; or only those nobody should miss."""

    def __init__(self, wording: Wording, *, quiet: bool = False) -> None:
        """Takes what is said of the run, and whether to say next to nothing."""
        self._wording, self._quiet = wording, quiet
        self._progress_at, self._samples_at = -inf, -inf

    def __enter__(self) -> Self:
        """Begins; the first sample replies are not told at once."""
        self._samples_at = time.monotonic()
        return self

    def __exit__(self, *details: object) -> None:
        """Ends."""

    def show(self, record: Record) -> None:
        """Prints the lines that a record is worth."""
        lines = self._wording.event(record)
        if self._quiet:
            lines = lines[:1] if record.kind in _QUIET_KINDS else []
        elif record.kind == "progress" and time.monotonic() - self._progress_at >= EVERY:
            self._progress_at = time.monotonic()
            lines = [self._wording.progress(record)]
        elif record.kind == "probe" and time.monotonic() - self._samples_at >= SAMPLES_EVERY:
            self._samples_at = time.monotonic()
            lines = self._wording.samples(record)
        for line in lines:
            tell(line)


class JsonLines:
    """Each record as a line of JSON on stdout, beside another display."""

    def __init__(self, beside: Display) -> None:
        """Takes what shows the records to people."""
        self._beside = beside

    def __enter__(self) -> Self:
        """Begins."""
        self._beside.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        """Ends."""
        self._beside.__exit__(*details)

    def show(self, record: Record) -> None:
        """Writes a record at once, until nobody can take it."""
        try:
            click.echo(as_json(record))
        except OSError as error:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the process
            tell(f"stdout: {error.strerror}; training goes on without JSON lines")
        self._beside.show(record)


def as_json(record: Record) -> str:
    """A record as strict JSON on one line; a number that is none, as a loss may be, is null."""
    fields = {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in record.as_dict().items()
    }
    return json.dumps(fields, ensure_ascii=False, allow_nan=False)

"""Numbers and progress as people read them."""

import io
import sys

import pytest

from chatbot.cli.show import StatusLine, duration, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 kB"),
        (999_400, "999 kB"),
        (1e6, "1 MB"),
        (1_500_001, "2 MB"),
        (631_000_000, "631 MB"),
        (1e9, "1.00 GB"),
        (1_234_000_000, "1.23 GB"),
        (70e9, "70.00 GB"),
    ],
)
def test_bytes_are_told_in_the_unit_that_fits(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (3.2, "3 s"),
        (59.4, "59 s"),
        (59.5, "1 min 0 s"),
        (75, "1 min 15 s"),
        (3599.4, "59 min 59 s"),
        (3599.5, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (100 * 3600 + 59, "100 h 0 min"),
    ],
)
def test_seconds_are_told_in_the_two_units_that_fit(seconds, text):
    assert duration(seconds) == text


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("chatbot.cli.show.time", clock)
    return clock


def test_without_a_terminal_a_line_is_printed_now_and_then(capsys, clock):
    with StatusLine(every=10) as line:
        for second in range(25):
            clock.now = 1000.0 + second
            line.show(f"at {second}")
        line.show("asked for", now=True)
        line.say("stays")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "at 0\nat 10\nat 20\nasked for\nstays\n"


def test_the_first_line_is_printed_however_young_the_clock(capsys, clock):
    clock.now = 0.5
    with StatusLine(every=10) as line:
        line.show("first")
    assert capsys.readouterr().err == "first\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_the_line_is_redrawn_and_what_is_said_stays(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    with StatusLine(every=10) as line:
        for second in range(3):
            line.show(f"[red]at[/red] {second} " + "x" * 60)
        line.say("[b]stays[/b] 1.5")
    drawn = sys.stderr.getvalue()
    assert all(f"[red]at[/red] {second}" in drawn for second in range(3))  # no markup
    assert "x" * 60 not in drawn
    assert "\x1b[2K" in drawn
    assert "[b]stays[/b] 1.5\n" in drawn.replace("\r", "")

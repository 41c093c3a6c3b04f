"""The panel in a real terminal: how it is left, and when there is none to draw on."""

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from rich.console import Console

from chatbot.cli.live import LiveDisplay, glyphs_for, usable
from chatbot.cli.sparks import ASCII, BLOCKS
from chatbot.cli.standing import Standing
from chatbot.cli.wording import Wording
from chatbot.config import TrainingConfig
from chatbot.folder import ModelFolder
from chatbot.history import Record
from chatbot.learn.ending import Ending
from chatbot.learn.schedule import Schedule

TINY = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")
PANEL = "1,000,000  \x1b["  # the step it trains to, before a bar with colours
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


class Terminal:
    """A terminal of a given size, and what was written to it."""

    def __init__(self, columns=80, lines=24):
        self.mine, self.its = pty.openpty()
        fcntl.ioctl(self.its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.text = ""

    def read(self, until=None, seconds=60):
        """Reads until a text stands there, or to the end."""
        deadline, data = time.monotonic() + seconds, self.text.encode()
        while time.monotonic() < deadline and (until is None or until not in self.text):
            if not select.select([self.mine], [], [], 0.5)[0]:
                continue
            try:
                data += os.read(self.mine, 65536)
            except OSError:
                break
            self.text = data.decode("utf-8", "ignore")
        assert until is None or until in self.text
        return self.text

    def close(self):
        for one in (self.mine, self.its):
            with contextlib.suppress(OSError):
                os.close(one)


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def in_terminal(start, built, terminal):
    """(arguments, environment) -> `train` as a process whose stderr is the terminal."""

    def run(*arguments, **env):
        env = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_COLOR": "", **env}
        process = start(
            *("train", *TINY, *arguments),
            cwd=built,
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=terminal.its,
        )
        os.close(terminal.its)
        return process

    return run


def test_an_interrupted_run_leaves_panel_and_last_lines_and_a_visible_cursor(
    in_terminal, terminal, built
):
    process = in_terminal("--steps", "1000000")
    text = terminal.read(until=PANEL)
    assert text.rindex(SHOW) > text.rindex(HIDE)  # a run that is killed now leaves it visible
    process.send_signal(signal.SIGINT)
    text = terminal.read()
    assert process.wait(60) == 130
    assert text.rindex(SHOW) > text.rindex(HIDE)
    last = text[text.rindex(PANEL) :]
    assert re.search(r"\r\n(\x1b\S+?h)?stopped at step [\d,]+ after \d+ s: interrupted, loss", last)
    assert text.endswith("now talk to it: chatbot chat --model model\r\n")
    assert process.stdout.read() == b""


def test_a_second_interrupt_gives_the_terminal_back_too(in_terminal, terminal):
    process = in_terminal("--steps", "1000000")
    terminal.read(until=PANEL)
    process.send_signal(signal.SIGSTOP)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        process.send_signal(number)
    text = terminal.read()
    assert process.wait(60) in (130, 143)
    assert text.rindex(SHOW) > text.rindex(HIDE)
    assert text.endswith("\r\n") or text.endswith(SHOW)


def test_a_terminal_that_goes_away_ends_nothing(in_terminal, terminal, built):
    process = in_terminal("--steps", "300")
    terminal.read(until="step 0: ")
    terminal.close()
    assert process.wait(60) == 0
    assert (built / "model" / "checkpoints" / "step-300.index").exists()


@pytest.mark.parametrize("wish", ["--json", "--quiet", "dumb"])
def test_there_is_no_panel_where_none_is_wanted_or_can_be(in_terminal, terminal, wish):
    wishes = () if wish == "dumb" else (wish,)
    process = in_terminal("--steps", "2", *wishes, TERM="dumb" if wish == "dumb" else "xterm")
    text = terminal.read()
    assert process.wait(60) == 0
    assert "\x1b" not in text
    assert ("\nstep 1: loss " in text) is (wish != "--quiet")
    assert "stopped at step 2 after " in text
    if wish == "--json":
        assert json.loads(process.stdout.read().splitlines()[-1])["kind"] == "stop"


def test_colours_are_left_out_on_request(in_terminal, terminal):
    process = in_terminal("--steps", "2", NO_COLOR="1")
    assert "\x1b[32m" not in terminal.read()
    assert process.wait(60) == 0


# Without a process.


class Written(io.StringIO):
    def isatty(self):
        return True


class Gone(Written):
    """A terminal that is not there any more."""

    def flush(self):
        raise OSError(5, "Input/output error")


def live(file, width=80):
    console = Console(
        file=file, force_terminal=True, width=width, height=24, color_system=None, _environ={}
    )
    ending = Ending(TrainingConfig(steps=9), 90, memorising=False)
    return LiveDisplay(
        console,
        Wording(ModelFolder(Path("m")), False, None),
        Standing(ending, Schedule()),
        Schedule,
    )


def progress(step):
    return Record("progress", step, seconds=1.0, loss=2.0)


def test_it_is_drawn_at_most_four_times_a_second():
    file = Written()
    with live(file) as shown:
        began = time.monotonic()
        step = 0
        while time.monotonic() - began < 1.1:
            step += 1
            shown.show(progress(step))
        drawn = file.getvalue().count("step ")
    assert step > 1000
    assert 2 <= drawn <= 6


def test_what_happened_is_printed_above_in_full_and_what_is_in_brackets_too():
    file = Written()
    with live(file) as shown:
        shown.show(progress(1))
        shown.show(Record("alarm", 1, alarm="[red]question[/red] :smile:", note="one " * 40))
        shown.show(Record("checkpoint", 1, note="saved step-1"))
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r", "", file.getvalue())
    assert "step 1: alarm: [red]question[/red] :smile:. one one" in text
    assert text.count("one") == 40
    assert "saved step-1" not in text
    assert text.rstrip().endswith("lately: saved at 1 · [red]question[/red] :smile: at 1")


def test_a_narrower_window_leaves_nothing_of_wrapped_rows():
    file = Written()
    shown = live(file)
    with shown:
        shown.show(progress(1))
        shown.show(Record("checkpoint", 1))
        rows = shown._panel.widths
        before = len(file.getvalue())
        shown._console.width = 39
        shown.show(Record("checkpoint", 1))
        drawn = file.getvalue()[before:]
    wrapped = sum((width - 1) // 39 for width in rows)
    assert wrapped >= 1
    ups = drawn[: drawn.index("step 1")].count("\x1b[1A")
    assert ups == len(rows) - 1 + wrapped


def test_a_terminal_that_cannot_be_written_to_is_left_alone(monkeypatch, capsys):
    with live(Gone()) as shown:
        for step in range(1, 9):
            shown.show(progress(step))
        shown.show(Record("alarm", 9, alarm="question ignored"))
        shown.show(Record("stop", 9, seconds=1.0, note="all 9 steps done"))
    assert capsys.readouterr().err.startswith("stopped at step 9 ")


@pytest.mark.parametrize(
    ("environ", "is_usable"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "unknown"}, False)],
)
def test_a_dumb_terminal_is_not_drawn_on(environ, is_usable):
    assert usable(Console(file=Written(), _environ=environ)) is is_usable


@pytest.mark.parametrize(
    ("term", "encoding", "glyphs"),
    [
        ("xterm-256color", "UTF-8", BLOCKS),
        ("xterm-256color", "utf8", BLOCKS),
        ("linux", "UTF-8", ASCII),
        ("xterm-256color", "ANSI_X3.4-1968", ASCII),
        ("xterm-256color", "GBK", ASCII),
    ],
)
def test_blocks_are_drawn_where_they_can_be(monkeypatch, term, encoding, glyphs):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("chatbot.cli.live.locale.getencoding", lambda: encoding)
    assert glyphs_for(Console(file=Written())) == glyphs

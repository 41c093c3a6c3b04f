"""What the commands that read corpora share."""

import os
import pty
import subprocess
import sys

import pytest

from chatbot import machine
from chatbot.cli.corpora import workers_of


def test_as_many_processes_cut_as_this_one_may_use_processors(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {3, 7, 9}, raising=False)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 64)
    assert workers_of(None) == 3
    assert workers_of(5) == 5


TOLD = "-: reads what you type or paste here; Ctrl-D on a line of its own ends it"


@pytest.mark.parametrize("command", ["build-vocab", "inspect"])
def test_a_terminal_that_is_read_from_is_told_so_and_how_to_end(tmp_path, command):
    ours, theirs = pty.openpty()
    os.write(ours, "早\t你早\n晚安\t好梦\n\x04".encode())
    arguments = [sys.executable, "-m", "chatbot", command, "-", "--tokenizer", "char"]
    done = subprocess.run(
        arguments, stdin=theirs, capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, TOLD)
    assert "standard input: TAB-separated lines (2 of 2 lines" in done.stderr


def test_a_pipe_is_read_without_a_word(main, tmp_path):
    done = main("inspect", "-", "--tokenizer", "char", stdin="早\t你早\n".encode(), cwd=tmp_path)
    assert (done.code, TOLD in done.err) == (0, False)

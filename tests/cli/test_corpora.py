"""What the commands that read corpora share."""

from chatbot import machine
from chatbot.cli.corpora import workers_of


def test_as_many_processes_cut_as_this_one_may_use_processors(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {3, 7, 9}, raising=False)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 64)
    assert workers_of(None) == 3
    assert workers_of(5) == 5

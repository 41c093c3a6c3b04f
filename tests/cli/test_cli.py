"""The program as a whole: names, exit codes, encodings."""

import importlib
import os
import re
import signal

import pytest

import chatbot
from chatbot.cli import cli

INFO = importlib.import_module("chatbot.cli.info")  # the name in the package is the command
COMMANDS = [
    *("build-vocab", "chat", "evaluate", "export", "info"),
    *("inspect", "merge", "report", "train"),
]
FIRST_STEPS = """\
  Put conversations into data/, one question<TAB>reply a line, then:
    chatbot build-vocab     read them, choose the vocabulary
    chatbot train           train the network
    chatbot chat            talk to it
"""
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale that knows ASCII only, without the help Python gives since 3.7."""


def test_version(main, tmp_path):
    assert main("--version", cwd=tmp_path) == (0, f"chatbot, version {chatbot.__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_shows_the_three_commands_in_their_lines_and_lists_all(main, tmp_path, option):
    code, out, err = main(option, cwd=tmp_path)
    assert (code, err) == (0, "")
    assert FIRST_STEPS in out
    assert re.findall(r"^  ([a-z-]+)  ", out.split("Commands:")[1], re.M) == COMMANDS
    assert sorted(cli.commands) == COMMANDS


def test_no_command_is_wrong_usage_that_shows_the_help(main, tmp_path):
    code, out, err = main(cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err == main("--help", cwd=tmp_path).out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_its_usage(main, tmp_path, command):
    code, out, err = main(command, "-h", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert re.match(rf"Usage: .* {command} \[OPTIONS\]", out)
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_exits_with_2_an_error_with_1(main, tmp_path, refused):
    code, out, err = main("train", "--batch", "0", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "Error: Invalid value for '--batch': 0 is not at least 1"
    refused(
        main("info", cwd=tmp_path),
        "model: nothing built here yet. Begin with: chatbot build-vocab --model model.",
    )


def test_a_bug_keeps_its_traceback(main, tmp_path, monkeypatch):
    def broken(folder):
        raise ZeroDivisionError

    monkeypatch.setattr(INFO, "_facts", broken)
    with pytest.raises(ZeroDivisionError):
        main("info", cwd=tmp_path)


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt, 130), (SystemExit(143), 143), (BrokenPipeError, 1)]
)
def test_what_ends_a_command_decides_its_exit_code(main, tmp_path, monkeypatch, raised, code):
    def ended(folder):
        raise raised

    monkeypatch.setattr(INFO, "_facts", ended)
    done = main("info", cwd=tmp_path)
    assert (done.code, done.out, done.err.strip()) == (code, "", "")


@pytest.mark.parametrize("environment", [ASCII, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "gbk"}])
def test_whatever_the_locale_names_and_answers_are_utf_8(start, left, tmp_path, environment):
    (tmp_path / "对话.tsv").write_text("你好\t你也好\n早\t早上好\n", "utf-8")
    build = ("build-vocab", "对话.tsv", "--tokenizer", "char", "--model")
    environment = {"PYTHONUTF8": "", "PYTHONWARNINGS": "error"} | environment
    done = left(start(*build, "model", cwd=tmp_path, env=environment))
    assert done.code == 0
    assert "  对话.tsv: 2 pairs, tab, UTF-8" in done.err.splitlines()
    told = left(start("info", "--json", cwd=tmp_path, env=environment))
    assert (told.code, told.err) == (0, "")
    assert '"对话.tsv"' in told.out
    plain = left(start(*build, "plain", cwd=tmp_path))
    assert plain.code == 0
    for name in ("vocabulary.txt", "pairs.store"):
        one, other = (tmp_path / model / name for model in ("model", "plain"))
        assert one.read_bytes() == other.read_bytes()


def test_a_file_name_that_is_not_utf_8_is_read_too(start, left, tmp_path):
    name = "对话.tsv".encode("gb18030")
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
        file.write("你好\t你也好\n".encode())
    done = left(start("build-vocab", ".", "--tokenizer", "char", cwd=tmp_path))
    assert done.code == 0
    assert "reading: 1 pair\n" in done.err


def test_a_reader_that_has_gone_is_no_reason_for_a_traceback(start, left, built):
    for command in (["info"], ["--help"], ["train", "--help"]):
        read, write = os.pipe()
        os.close(read)
        process = start(*command, cwd=built, stdout=write)
        os.close(write)
        done = left(process)
        assert done.err == ""
        assert done.code == 1


def test_errors_that_nobody_reads_end_the_command_too(start, left, tmp_path):
    read, write = os.pipe()
    os.close(read)
    process = start("info", cwd=tmp_path, stderr=write)
    os.close(write)
    assert left(process) == (1, "", "")


def test_sigterm_ends_a_command_with_143(start, left, trained):
    process = start("chat", cwd=trained)
    process.stdin.write("你好\n".encode())
    process.stdin.flush()
    assert process.stdout.readline().endswith(b"\n")
    process.send_signal(signal.SIGTERM)
    assert left(process) == (143, "", "")

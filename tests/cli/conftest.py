"""Two ways to run a command, in this process and in one of its own, and a model trained once."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

ROOT = Path(__file__).parents[2]

TALK = "".join(f"问题{chr(0x4E00 + i)}\t回答{chr(0x5E00 + i)}{'啊' * (i % 4)}\n" for i in range(23))
"""A small corpus; five of its pairs are held out."""


class Done(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def main():
    """(arguments, folder, input) -> what the command leaves, run in this process.

    TensorFlow starts once for all.
    """

    def run(*arguments, cwd, stdin=b""):
        from chatbot.cli import main

        streams = [io.TextIOWrapper(io.BytesIO(data), "ascii") for data in (stdin, b"", b"")]
        before, code = signal.getsignal(signal.SIGTERM), None
        with contextlib.chdir(cwd), contextlib.ExitStack() as patches:
            patches.callback(signal.signal, signal.SIGTERM, before)
            patches.enter_context(mock.patch.object(sys, "argv", ["chatbot", *arguments]))
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patches.enter_context(mock.patch.object(sys, name, stream))
            try:
                main()
            except SystemExit as exit:
                code = exit.code
        for stream in streams[1:]:
            stream.flush()
        return Done(code, *(stream.buffer.getvalue().decode("utf-8") for stream in streams[1:]))

    return run


@pytest.fixture(scope="session")
def start():
    """(arguments, folder) -> the command as a process of its own, with pipes.

    A hangup is told to it even if whoever runs the tests asked, by nohup, to be spared.
    """
    running = []
    spared = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def run(*arguments, cwd, env=None, **more):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(
            [sys.executable, "-m", "chatbot", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)} | (env or {}),
            **pipes | more,
        )
        running.append(process)
        return process

    yield run
    signal.signal(signal.SIGHUP, spared)
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@pytest.fixture(scope="session")
def left():
    """(process, input) -> what the command leaves, when it has ended by itself."""

    def wait(process, stdin=None, timeout=60):
        out, err = process.communicate(stdin, timeout)
        return Done(process.returncode, *((part or b"").decode("utf-8") for part in (out, err)))

    return wait


@pytest.fixture(scope="session")
def built_once(tmp_path_factory, main):
    folder = tmp_path_factory.mktemp("built")
    (folder / "data").mkdir()
    (folder / "data" / "talk.tsv").write_text(TALK, "utf-8")
    done = main("build-vocab", "--tokenizer", "char", "--holdout", "5", cwd=folder)
    assert done.code == 0
    return folder


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory, main, built_once):
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(built_once, folder, dirs_exist_ok=True)
    size = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")
    done = main("train", "--steps", "2", *size, cwd=folder)
    assert done.code == 0
    return folder


@pytest.fixture
def built(built_once, tmp_path):
    """A folder of one's own with data/ and an untrained model/."""
    return shutil.copytree(built_once, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def trained(trained_once, tmp_path):
    """A folder of one's own with data/ and a model/ trained for two steps."""
    return shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def files_in():
    """(folder) -> the bytes of every file in it, and its folders."""

    def snapshot(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in folder.rglob("*")
        }

    return snapshot


@pytest.fixture(scope="session")
def refused():
    """Asserts that a command ended with this one line of error, after these other lines."""

    def check(done, line, before=()):
        assert done.err.splitlines() == [*before, f"Error: {line}"]
        assert (done.code, done.out) == (1, "")

    return check


@pytest.fixture
def a_run():
    """The records of a run of 600 steps that was resumed once, every kind of record among them."""
    from chatbot.config import ModelConfig, TrainingConfig
    from chatbot.history import Record

    model = ModelConfig(units=96).as_dict()
    training = TrainingConfig(steps=600, learning_rate=0.015).as_dict()
    slower = training | {"learning_rate": 0.003}
    records = [Record("start", 0, 0.0, model=model, training=training, note="70 are held out")]
    for step in range(10, 601, 10):
        known = {"norm": 0.7 + step / 1000, "memory": 1_200_000_000 + step, "loss": 6 - step / 200}
        rates = {"learning_rate": 0.015 - step / 1e5, "tokens_per_second": 9_000.0 + step}
        records.append(Record("progress", step, step / 2, **known, **rates))
        if step % 100 == 0:
            loss = 5.0 - step / 200 if step <= 400 else 3.0 + step / 1000
            seconds = step / 2
            records += [
                Record("validation", step, seconds, heldout_loss=loss, bits_per_character=loss / 2),
                Record(
                    "probe",
                    step,
                    seconds,
                    samples=[("你好", f"第{step // 200}"), ("<b>?", "<script>alert(1)</script>")],
                    question_gain=step / 2_000,
                    distinct_1=0.1,
                    distinct_2=0.2,
                    commonest_share=0.5,
                    unknown_share=0.01,
                ),
                Record("checkpoint", step, seconds, note=f"saved step-{step}"),
            ]
        if step == 250:
            records.append(Record("rollback", 250, 125.0, note="back to step 200"))
        if step == 300:
            records.append(Record("start", 300, 150.0, model=model, training=slower))
        if step == 350:
            note = "replies do not depend on questions"
            records.append(Record("alarm", 350, 175.0, alarm="question ignored", note=note))
        if step == 500:
            records.append(Record("decay", 500, 250.0, note="learning rate x 0.4"))
    return [*records, Record("stop", 600, 300.0, loss=3.1, note="all 600 steps done")]


@pytest.fixture
def recorded(tmp_path):
    """(records, folder) -> the current folder, with a model folder that holds this history."""
    from chatbot.history import append

    def write(records, folder="model"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for record in records:
            append(tmp_path / folder / "history.jsonl", record)
        return tmp_path

    return write

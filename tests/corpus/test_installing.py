"""A place to work in; the finished files come out of it all at once, or not at all."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import chatbot
from chatbot.corpus import installing
from chatbot.corpus.installing import failed, install, workplace
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".building-")
    }


def filled(path, said, *more):
    """A model folder with every file that a build makes, and `more`."""
    folder = ModelFolder(path)
    for name in ("vocabulary.txt", "pairs.store", "user-dict.txt", "segmented/manifest", *more):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"{said} {name}", "utf-8")
    return folder


TRAINED = ("checkpoints/step-1.index", "best/step-1.index", "history.jsonl")


@pytest.fixture
def folder(tmp_path):
    return filled(tmp_path / "model", "old", *TRAINED)


@pytest.fixture
def built(folder):
    return filled(folder.path / ".building-1", "new")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("fault", [OSError(errno.EACCES, "no"), KeyboardInterrupt()])
def test_if_any_step_fails_all_stands_where_it_stood(tmp_path, monkeypatch, folder, fault, there):
    folder = folder if there else ModelFolder(tmp_path / "other")
    built = filled(folder.path / ".building-1", "new")
    before = files_in(folder.path)
    rename, count = Path.rename, 0
    for failing in range(100):
        left = [failing]

        def moved(path, to, left=left):
            left[0] -= 1
            if left[0] == -1:
                raise fault
            return rename(path, to)

        monkeypatch.setattr(Path, "rename", moved)
        try:
            install(built, folder, keep=True, restart=True, extend=False)
        except type(fault):
            assert files_in(folder.path) == before
            assert (built.segmented / "manifest").read_text("utf-8") == "new segmented/manifest"
            (built.path / "before").rmdir()
            count += 1
        else:
            break
    assert count == (4 * 2 + 3 if there else 4)
    names = ("vocabulary.txt", "pairs.store", "user-dict.txt", "segmented/manifest")
    assert files_in(folder.path) == {name: f"new {name}".encode() for name in names}


def test_all_is_on_disk_before_anything_is_moved(monkeypatch, folder, built):
    seen = []
    sync, rename = installing.sync, Path.rename
    monkeypatch.setattr(installing, "sync", lambda path: seen.append(path) or sync(path))
    monkeypatch.setattr(Path, "rename", lambda *args: seen.append(None) or rename(*args))
    install(built, folder, keep=True, restart=True, extend=False)
    first = seen.index(None)
    new = (built.vocabulary, built.store, built.user_dict, built.segmented / "manifest")
    assert set(seen[:first]) == set(new)
    assert set(seen[first:]) == {None}


def test_a_second_build_is_refused_while_one_is_at_work(folder):
    with workplace(folder) as scratch:
        (scratch / "half").write_bytes(b"work")
        with pytest.raises(ChatbotError) as caught, workplace(folder):
            pass
        assert str(caught.value) == (
            f"{folder.path}: another build-vocab or train is writing here. Wait until it has "
            "ended, or choose another folder with --model."
        )
        assert (scratch / "half").read_bytes() == b"work"
    with workplace(folder) as again:
        assert not scratch.exists()
        assert again.exists()


SCRIPT = """
import multiprocessing, os, sys, time
from pathlib import Path
from chatbot.corpus.installing import workplace
from chatbot.folder import ModelFolder

def work():
    print(os.getpid(), flush=True)
    time.sleep(30)

if __name__ == "__main__":
    with workplace(ModelFolder(Path(sys.argv[1]))):
        multiprocessing.Process(target=work).start()
        time.sleep(30)
"""


def test_a_killed_build_locks_nothing_and_its_files_go_with_the_next(tmp_path, folder):
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(chatbot.__file__).parents[1])}
    command = [sys.executable, tmp_path / "script.py", folder.path]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        worker = int(process.stdout.readline())
        process.kill()
    try:
        (left,) = folder.path.glob(".building-*")
        with workplace(folder):
            assert not left.exists()
    finally:
        os.kill(worker, signal.SIGKILL)


OTHERWISE = "choose another folder with --model; what stood there before is untouched."


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "model: cannot be written (No space left on device). Make room, or ",
        ),
        (
            OSError(errno.EDQUOT, "Disk quota exceeded", "model/x"),
            "model: cannot be written (Disk quota exceeded). Make room, or ",
        ),
        (
            OSError(errno.EMFILE, "Too many open files", "model/x"),
            "model/x: Too many open files. Mend this and run the same again, or ",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "talk.db"),
            "talk.db: Permission denied. Mend this and run the same again, or ",
        ),
    ],
)
def test_only_a_full_disk_is_told_as_one(error, line):
    assert str(failed(error, "model", "elsewhere")) == f"{line}elsewhere."


def test_a_failure_at_work_is_told_and_nothing_is_left(tmp_path):
    folder = ModelFolder(tmp_path / "model")
    with pytest.raises(ChatbotError) as caught, workplace(folder):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == (
        f"{folder.path}: cannot be written (No space left on device). Make room, or {OTHERWISE}"
    )
    assert not folder.path.exists()

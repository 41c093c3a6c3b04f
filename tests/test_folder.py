"""What stands where in a model folder."""

import os
import threading

import pytest
from helpers import fill, small_disk

from chatbot.folder import ModelFolder, put_in_place, write_whole


def test_the_names_of_the_files_are_these(tmp_path):
    folder = ModelFolder(tmp_path)
    paths = (folder.vocabulary, folder.store, folder.checkpoints, folder.best, folder.history)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "vocabulary.txt",
        "pairs.store",
        "checkpoints",
        "best",
        "history.jsonl",
    ]


def test_asking_for_paths_makes_nothing(tmp_path):
    folder = ModelFolder(tmp_path / "model")
    assert not folder.trained
    folder.forget_training()
    assert not folder.path.exists()


@pytest.mark.parametrize("where", ["checkpoints", "best"])
def test_a_folder_is_trained_while_a_checkpoint_stands_in_it(tmp_path, where):
    folder = ModelFolder(tmp_path)
    (tmp_path / where).mkdir()
    (tmp_path / where / "step-3.data").write_bytes(b"half a checkpoint")
    assert not folder.trained
    (tmp_path / where / "step-3.index").write_bytes(b"")
    assert folder.trained


def test_forgetting_the_training_keeps_vocabulary_and_store(tmp_path):
    folder = ModelFolder(tmp_path)
    for kept in (folder.vocabulary, folder.store, folder.history):
        kept.write_text(kept.name, encoding="utf-8")
    for gone in (folder.checkpoints, folder.best):
        gone.mkdir()
        (gone / "step-3.index").write_bytes(b"")
    folder.forget_training()
    assert not folder.trained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.store", "vocabulary.txt"]


def test_a_file_put_in_place_replaces_what_stood_there(tmp_path):
    temporary, final = tmp_path / "new", tmp_path / "old"
    final.write_bytes(b"old and long")
    temporary.write_bytes(b"new")
    put_in_place(temporary, final)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"new")]


def test_a_file_that_does_not_exist_replaces_nothing(tmp_path):
    final = tmp_path / "old"
    final.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "new", final)
    assert final.read_bytes() == b"old"


def test_a_file_is_written_whole_or_what_was_there_stays(tmp_path):
    with small_disk(tmp_path / "small", 1) as disk:
        page = disk / "page.html"
        write_whole(page, b"the first")
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            write_whole(page, b"x" * 2_000_000)
        assert page.read_bytes() == b"the first"
        assert not (disk / "page.html.tmp").exists()


def test_a_link_stays_a_link_to_what_is_written(tmp_path):
    (tmp_path / "link").symlink_to("page.html")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page.html").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_as_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"through")
    reader.join()
    assert found == [b"through"]
    assert pipe.is_fifo()

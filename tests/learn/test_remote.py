"""Files of tf.io.gfile, read as Python's files are, and failing as they do."""

import os

import numpy as np
import pytest

from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.learn.remote import open_anywhere
from chatbot.learn.tf import tf
from tests.corpus.test_store_shards import pairs_of, same, written

DATA = bytes(range(256)) * 5000


@pytest.fixture(params=["file", "ram"])
def name(request, tmp_path):
    """A file of a mebibyte and more, on disk and in TensorFlow's file system in memory."""
    found = f"file://{tmp_path}/data" if request.param == "file" else f"ram://{tmp_path.name}/data"
    with tf.io.gfile.GFile(found, "wb") as file:
        file.write(DATA)
    return found


def test_any_place_is_read(name):
    with open_anywhere(name) as file:
        assert file.seek(0, os.SEEK_END) == len(DATA)
        for place in (0, 5, len(DATA) - 3, 700_001, 1, len(DATA)):
            assert file.seek(place) == place
            assert file.read(100) == DATA[place : place + 100]
        file.seek(10)
        assert file.seek(-3, os.SEEK_CUR) == 7
        assert file.seek(-2, os.SEEK_END) == len(DATA) - 2
        assert file.read() == DATA[-2:]
        assert file.read(1) == b""


def test_failures_are_those_of_files(name, tmp_path):
    with pytest.raises(FileNotFoundError):
        open_anywhere(f"{name}-none")
    with pytest.raises(IsADirectoryError):
        open_anywhere(name.rpartition("/")[0])
    with pytest.raises(OSError, match="scheme 'nowhere' not implemented"):
        open_anywhere("nowhere://a/b")


@pytest.mark.parametrize("shards", [1, 3])
def test_a_store_is_read_from_another_file_system(tmp_path, shards):
    pairs = pairs_of(50)
    path = written(tmp_path / "pairs.store", pairs, shards)
    far = f"ram://{tmp_path.name}/pairs.store"
    for file in [path] if path.is_file() else path.iterdir():
        tf.io.gfile.copy(str(file), far + str(file)[len(str(path)) :])
    with TokenStore(far, opener=open_anywhere) as store:
        same(store.read([(0, 50)]), pairs)
        same(store.read([(15, 40)]), pairs.take(np.arange(15, 40)))


def test_a_store_on_an_unknown_file_system_is_refused_in_one_line():
    with pytest.raises(ChatbotError) as caught:
        TokenStore("nowhere://a/pairs.store", opener=open_anywhere)
    said = str(caught.value)
    assert said.startswith("nowhere://a/pairs.store: cannot be read (")
    assert "scheme 'nowhere' not implemented" in said
    assert len(said.splitlines()) == 1

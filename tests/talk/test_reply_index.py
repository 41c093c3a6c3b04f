"""The index of replies against reading the whole store."""

import json

import numpy as np
import pytest
from helpers import fill, small_disk

from chatbot.config import CorpusConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder
from chatbot.talk import reply_index
from chatbot.talk.copies import copies_of

PAIRS = [("甲", "好"), ("乙", "好的"), ("丙", "好"), ("丁", "的好"), ("戊", "好好好")] * 9
KNOWN = [15818175987983252738, 0]


def built(path, files):
    """A model folder of some files, each with pairs."""
    for name, pairs in files.items():
        text = "".join(f"{question}\t{reply}\n" for question, reply in pairs)
        (path / name).write_text(text, encoding="utf-8")
    corpora = find_corpora([path / name for name in files])
    config = CorpusConfig(tokenizer="char", min_freq=1, holdout=5)
    folder = ModelFolder(path / "model")
    build(Sources(corpora, config), folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    return built(tmp_path, {"one.tsv": PAIRS[:20], "two.tsv": PAIRS[20:]})


@pytest.fixture
def store(folder, monkeypatch):
    monkeypatch.setattr(reply_index, "CHUNK", 3)
    with TokenStore(folder.store) as store:
        yield store


def replies_of(store):
    """The distinct replies of a store, and one that it lacks."""
    pairs = store.read([(0, store.header.train)])
    bounds, tokens = pairs.bounds, pairs.tokens.tolist()
    sides = zip(bounds[1::2], bounds[2::2], strict=True)
    return [*{tuple(tokens[first:last]) for first, last in sides}, (3, 3), ()]


@pytest.mark.parametrize("run", [1, 7, 1 << 20])
def test_it_finds_what_reading_finds(store, tmp_path, run):
    path = tmp_path / "index"
    reply_index.write(store, path, run)
    for reply in replies_of(store):
        assert reply_index.find(store, path, reply) == copies_of(store, reply)


def test_a_large_store_is_indexed_once_and_a_small_one_is_not(store, folder, monkeypatch):
    expected = {reply: copies_of(store, reply, folder.replies) for reply in replies_of(store)}
    assert not folder.replies.exists()
    for reply, found in expected.items():
        assert copies_of(store, reply, folder.replies, 10) == found
    assert folder.replies.exists()
    monkeypatch.setattr(store, "parts", None)  # it is not read again
    for reply, found in expected.items():
        assert copies_of(store, reply, folder.replies, 10) == found


@pytest.mark.parametrize("harm", ["short", "garbled", "other", "empty"])
def test_an_index_that_is_no_good_is_made_anew(store, folder, harm, tmp_path):
    reply = replies_of(store)[0]
    expected = copies_of(store, reply)
    reply_index.write(store, folder.replies)
    data = folder.replies.read_bytes()
    if harm == "other":
        (tmp_path / "turned").mkdir()
        files = {"two.tsv": PAIRS[20:], "one.tsv": PAIRS[:20]}  # the same pairs, other numbers
        with TokenStore(built(tmp_path / "turned", files).store) as its:
            reply_index.write(its, folder.replies)
    else:
        harmed = {"short": data[:-1], "garbled": b"\xff" + data, "empty": b""}[harm]
        folder.replies.write_bytes(harmed)
    assert reply_index.find(store, folder.replies, reply) is None
    assert copies_of(store, reply, folder.replies, 10) == expected
    assert folder.replies.read_bytes() == data


def test_where_none_can_be_written_the_store_is_read(store, folder, tmp_path):
    reply = replies_of(store)[0]
    expected = copies_of(store, reply)
    assert expected.pairs
    with small_disk(tmp_path / "disk", 1) as disk:
        fill(disk)
        assert copies_of(store, reply, disk / "index", 10) == expected
        assert {path.name for path in disk.iterdir()} == {"filler"}
    assert copies_of(store, reply, tmp_path / "nowhere" / "index", 10) == expected


def test_numbers_tell_replies_apart():
    generator = np.random.default_rng(5)
    replies = {tuple(generator.integers(4, 9, size)) for size in range(40) for _ in range(60)}
    replies |= {reply[::-1] for reply in replies}
    assert len(set(reply_index.numbers_of(sorted(replies)).tolist())) == len(replies)


def test_the_file_is_as_drawn(store, folder):
    """A number depends on ids only, so files of before can be read."""
    reply_index.write(store, folder.replies, 30)
    head, body = folder.replies.read_bytes().split(b"\n", 1)
    magic, number, _, sizes = json.loads(head)
    assert (magic, number, sizes) == ("chatbot-replies", 1, [30, 15])
    assert reply_index.numbers_of([[4, 5], []]).tolist() == KNOWN
    first, last = np.frombuffer(body, "<u8", 60), np.frombuffer(body, "<u8", 30, 480)
    for half, size in ((first, 30), (last, 15)):
        numbers, places = half[:size].tolist(), half[size:].tolist()
        assert list(zip(numbers, places, strict=True)) == sorted(zip(numbers, places, strict=True))
    assert {place >> 32 for place in [*first[30:].tolist(), *last[15:].tolist()]} == {0, 1}


def test_a_place_in_no_file_is_no_index(store, folder):
    reply_index.write(store, folder.replies)
    head, body = folder.replies.read_bytes().split(b"\n", 1)
    wrong = np.frombuffer(body, "<u8").copy()
    wrong[store.header.train :] |= np.uint64(7 << 32)
    folder.replies.write_bytes(head + b"\n" + wrong.tobytes())
    reply = replies_of(store)[0]
    assert reply_index.find(store, folder.replies, reply) is None

"""The index of replies against reading the whole store."""

import numpy as np
import pytest
from helpers import fill, small_disk

from chatbot.corpus.store import TokenStore
from chatbot.talk import reply_index
from chatbot.talk.copies import copies_of
from chatbot.talk.reply_index import Copies

PAIRS = [("甲", "好"), ("乙", "好的"), ("丙", "好"), ("丁", "的好"), ("戊", "好好好")] * 9


@pytest.fixture
def folder(new_folder):
    return new_folder(PAIRS, tokenizer="char", holdout=5)


@pytest.fixture
def store(folder):
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
def test_an_index_that_is_no_good_is_made_anew(store, folder, harm, new_folder):
    reply = replies_of(store)[0]
    expected = copies_of(store, reply)
    reply_index.write(store, folder.replies)
    data = folder.replies.read_bytes()
    if harm == "other":
        other = new_folder(PAIRS[:9], tokenizer="char", holdout=5)
        with TokenStore(other.store) as its:
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
    assert Copies(0, "") == Copies(pairs=0, place="")

"""A store of several files is read as one file would be; what is missing or foreign is named."""

import io
import itertools
import shutil
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.shard import Shard
from chatbot.corpus.store import EncodedPairs, Header, TokenStore, open_file, write_store
from chatbot.errors import ChatbotError


def pairs_of(count, seed=0):
    """Pairs of random lengths, none to five tokens a side."""
    random = np.random.default_rng(seed)
    bounds = np.concatenate([[0], np.cumsum(random.integers(0, 6, 2 * count))])
    tokens = random.integers(0, 60_000, bounds[-1]).astype(np.int32)
    sources = random.integers(0, 1 << 32, (count, 4))
    return EncodedPairs(tokens, bounds, sources)


def written(path, pairs, shards, *, held_out=0, cuts=(), corpus="cd"):
    """Writes the pairs, handed over in parts that end at `cuts`."""
    header = Header(
        pairs=len(pairs),
        held_out=held_out,
        tokens=len(pairs.tokens),
        width=2,
        vocabulary="ab",
        corpus=corpus,
        settings={"seed": 0},
        cleaning={},
        dropped={},
        files=[{"name": "话.tsv"}],
        lengths=[[1, 2], [3]],
        checksums={},
    )
    ends = itertools.pairwise([0, *cuts, len(pairs)])
    parts = [pairs.take(np.arange(first, last)) for first, last in ends]
    write_store(path, header, parts, shards)
    return path


def same(one, other):
    for name in ("tokens", "bounds", "sources"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("shards", [1, 2, 3, 10, 13])
def test_any_run_is_the_same_whatever_the_number_of_files(tmp_path, shards):
    pairs = pairs_of(10)
    whole = written(tmp_path / "one", pairs, 1, held_out=3)
    parts = written(tmp_path / "some", pairs, shards, held_out=3, cuts=(1, 1, 7))
    with TokenStore(whole) as one, TokenStore(parts) as some:
        assert some.header._replace(checksums={}) == one.header._replace(checksums={})
        assert (some.header.train, some.header.identity) == (7, "cd 3")
        for first, last in itertools.combinations(range(11), 2):
            same(some.read([(first, last)]), one.read([(first, last)]))
        same(some.read([(8, 10), (0, 4)]), one.read([(8, 10), (0, 4)]))


def test_the_files_have_equal_shares_and_say_which_they_are(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 4, held_out=6)
    names = sorted(file.name for file in path.iterdir())
    assert names == ["00000", "00001", "00002", "00003"]
    found = []
    for name in names:
        with closing(Shard(str(path / name), "", verify=True, opener=open_file)) as one:
            header = one.header
        found.append((header.shard, header.pairs, header.held_out))
    assert found == [((0, 4), 2, 0), ((1, 4), 3, 1), ((2, 4), 2, 2), ((3, 4), 3, 3)]


def test_one_of_several_files_is_not_taken_for_the_store(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 4)
    assert refusal(path / "00002") == (
        f"{path}/00002: shard 00002 of a store of 4. Name the folder that has all of them."
    )
    (path / "00000").unlink()
    assert "cannot be read" in refusal(path)


@given(st.integers(1, 9), st.integers(1, 12), st.lists(st.integers(0, 9), max_size=4), st.data())
def test_no_pair_is_lost_between_files(tmp_path_factory, count, shards, cuts, data):
    path = tmp_path_factory.mktemp("any") / "pairs.store"
    pairs = pairs_of(count, seed=count)
    written(path, pairs, shards, cuts=sorted(min(cut, count) for cut in cuts))
    first = data.draw(st.integers(0, count - 1))
    last = data.draw(st.integers(first + 1, count))
    with TokenStore(path) as store:
        same(store.read([(first, last)]), pairs.take(np.arange(first, last)))


def refusal(path):
    with pytest.raises(ChatbotError) as caught:
        TokenStore(path)
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 3)
    (path / "00001").unlink()
    assert refusal(path) == (
        f"{path}/00001: missing; the store has 3 shards. "
        f"Build it anew: chatbot build-vocab --restart --model {tmp_path}."
    )


def test_a_file_of_another_store_is_named(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 3)
    foreign = written(tmp_path / "foreign", pairs_of(10), 3, corpus="other")
    for wrong in (foreign / "00002", path / "00001"):
        shutil.copyfile(wrong, path / "00002")
        assert f"{path}/00002: a shard of another store." in refusal(path)


def test_a_damaged_file_is_named(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 3)
    data = bytearray((path / "00002").read_bytes())
    data[-1] ^= 1
    (path / "00002").write_bytes(data)
    assert f"{path}/00002: damaged: its tokens do not match their checksum." in refusal(path)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be read ([Errno 21] Is a directory: '{tmp_path}')."
    )


def test_it_is_read_through_what_opens_it(tmp_path):
    pairs = pairs_of(10)
    path = written(tmp_path / "pairs.store", pairs, 2)
    files = {f"far://bucket/{file.name}": file.read_bytes() for file in path.iterdir()}
    asked = []

    def opener(name):
        asked.append(name)
        if name not in files:
            raise FileNotFoundError(2, "no such object", name)
        return io.BytesIO(files[name])

    with TokenStore("far://bucket", opener=opener) as store:
        same(store.read([(0, 10)]), pairs)
    assert asked == ["far://bucket", "far://bucket/00000", "far://bucket/00001"]
    with pytest.raises(ChatbotError) as caught:
        TokenStore("far://other", opener=opener)
    assert str(caught.value) == "far://other: no token store yet. Copy one there."
    del files["far://bucket/00001"]
    with pytest.raises(ChatbotError) as caught:
        TokenStore("far://bucket", opener=opener)
    assert str(caught.value) == (
        "far://bucket/00001: missing; the store has 2 shards. "
        "Copy it there anew, from where it was built."
    )


def test_what_fails_while_it_is_read_is_one_line(tmp_path):
    path = written(tmp_path / "pairs.store", pairs_of(10), 1)

    class Failing(io.BytesIO):
        whole = True

        def read(self, count=-1):
            if not self.whole:
                raise OSError(5, "the line is cut")
            return super().read(count)

    with TokenStore(path, opener=lambda name: Failing(path.read_bytes())) as store:
        Failing.whole = False
        with pytest.raises(ChatbotError, match=r"cannot be read \(\[Errno 5\] the line is cut\)"):
            store.read([(0, 1)])

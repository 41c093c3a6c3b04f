"""Pairs in; the same pairs out of a file, run by run."""

import itertools
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.store import EncodedPairs, Header, TokenStore, token_width, write_store
from chatbot.errors import ChatbotError

PAIRS = [([4, 5], [6]), ([], [7, 8, 9]), ([65_535], []), ([10, 11, 12], [13, 14])]
SOURCES = [[0, 1, 2, 0], [0, 3, 9, 1], [1, 2, 0, 0], [1, 4_294_967_295, 5, 2]]
TOKENS = [4, 5, 6, 7, 8, 9, 65_535, 10, 11, 12, 13, 14]
BOUNDS = [0, 2, 3, 3, 6, 7, 7, 10, 12]


def part(first, last):
    """Pairs `first` to `last` of the above, by nested loops."""
    tokens, bounds = [], [0]
    for side in itertools.chain.from_iterable(PAIRS[first:last]):
        tokens.extend(side)
        bounds.append(len(tokens))
    return EncodedPairs(
        np.array(tokens, np.int32),
        np.array(bounds, np.int64),
        np.array(SOURCES[first:last], np.int64).reshape(-1, 4),
    )


def header(**more):
    given = {
        "pairs": 4,
        "held_out": 1,
        "tokens": 12,
        "width": 2,
        "vocabulary": "ab",
        "corpus": "cd",
        "settings": {"seed": 0},
        "cleaning": {},
        "dropped": {"duplicate": 3},
        "files": [{"name": "话.tsv"}],
        "lengths": [[1, 2], [3]],
        "checksums": {},
    }
    return Header(**(given | more))


def store_of(tmp_path, *, cuts=(0, 4), **more):
    path = tmp_path / "pairs.store"
    parts = (part(a, b) for a, b in itertools.pairwise(cuts))
    write_store(path, header(**more), parts)
    return path


def same(one, other):
    for name in ("tokens", "bounds", "sources"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def refusal(path, **how):
    with pytest.raises(ChatbotError) as caught:
        TokenStore(path, **how)
    return str(caught.value)


def again(path):
    return f"Build it anew: chatbot build-vocab --restart --model {path.parent}."


def literal(width):
    """The file drawn in the docstring of the module, put together by hand."""
    offsets = struct.pack("<9Q", *BOUNDS)
    sources = struct.pack("<16I", *itertools.chain.from_iterable(SOURCES))
    tokens = struct.pack("<12H" if width == 2 else "<12I", *TOKENS)
    sums = {"offsets": offsets, "sources": sources, "tokens": tokens}
    text = (
        '{"checksums": {'
        + ", ".join(f'"{name}": "{zlib.crc32(data):08x}"' for name, data in sums.items())
        + '}, "cleaning": {}, "corpus": "cd", "dropped": {"duplicate": 3}, '
        '"files": [{"name": "话.tsv"}], "held_out": 1, '
        '"lengths": [[1, 2], [3]], "pairs": 4, "settings": {"seed": 0}, "tokens": 12, '
        f'"vocabulary": "ab", "width": {width}}}'
    ).encode()
    while (20 + len(text)) % 8:
        text += b" "
    prefix = b"CHATSTOR" + struct.pack("<III", 2, len(text), zlib.crc32(text))
    return prefix + text + offsets + sources + tokens


@pytest.mark.parametrize("width", [2, 4])
def test_the_file_is_these_bytes(tmp_path, width):
    assert store_of(tmp_path, width=width).read_bytes() == literal(width)


@pytest.mark.parametrize("cuts", [(0, 1, 2, 3, 4), (0, 3, 4), (0, 0, 4, 4)])
def test_the_bytes_do_not_depend_on_how_the_pairs_come(tmp_path, cuts):
    assert store_of(tmp_path, cuts=cuts).read_bytes() == literal(2)


@pytest.mark.parametrize("width", [2, 4])
def test_every_run_is_read_as_it_was_written(tmp_path, width):
    with TokenStore(store_of(tmp_path, width=width)) as store:
        assert (store.header.train, len(store.read([(0, 4)]))) == (3, 4)
        for first, last in itertools.combinations(range(5), 2):
            same(store.read([(first, last)]), part(first, last))


def test_several_runs_come_one_after_the_other(tmp_path):
    with TokenStore(store_of(tmp_path)) as store:
        expected = EncodedPairs(
            np.array([10, 11, 12, 13, 14, 4, 5, 6, 7, 8, 9], np.int32),
            np.array([0, 3, 5, 7, 8, 8, 11], np.int64),
            np.array([SOURCES[i] for i in (3, 0, 1)], np.int64),
        )
        same(store.read([(3, 4), (0, 2)]), expected)


def test_ids_take_two_bytes_while_they_fit():
    assert [token_width(n) for n in (8, 65_535, 65_536, 65_537, 1 << 20)] == [2, 2, 2, 4, 4]


def test_a_missing_store_names_the_command_that_makes_it(tmp_path):
    path = tmp_path / "pairs.store"
    assert refusal(path) == (
        f"{path}: no token store yet. Build it first: chatbot build-vocab --model {tmp_path}."
    )


def test_what_cannot_be_read_is_refused(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be read ([Errno 21] Is a directory: '{tmp_path}')."
    )


@pytest.mark.parametrize("content", [b"", b"CHATSTOR", b"CHATSTOR" + bytes(11), b"SQLite" * 99])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "pairs.store"
    path.write_bytes(content)
    assert refusal(path) == f"{path}: not a token store. {again(path)}"


def test_another_format_number_is_refused(tmp_path):
    path = store_of(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:8] + struct.pack("<I", 1) + data[12:])
    assert refusal(path) == f"{path}: format 1, this version reads 2. {again(path)}"


def test_a_file_cut_anywhere_is_refused_even_without_checking_sums(tmp_path):
    path, whole = store_of(tmp_path), literal(2)
    start = 20 + struct.unpack_from("<I", whole, 12)[0]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length < 20:
            fault = "not a token store"
        elif length < start:
            fault = "damaged in its header"
        else:
            fault = f"{length:,} bytes where {len(whole):,} belong: truncated"
        assert refusal(path, verify=False) == f"{path}: {fault}. {again(path)}"


def test_a_file_that_goes_on_is_refused(tmp_path):
    path, whole = store_of(tmp_path), literal(2)
    path.write_bytes(whole + b"\0")
    assert refusal(path) == (
        f"{path}: {len(whole) + 1:,} bytes where {len(whole):,} belong: truncated. {again(path)}"
    )


def test_a_flipped_byte_anywhere_is_refused(tmp_path):
    path, whole = store_of(tmp_path), literal(2)
    start = 20 + struct.unpack_from("<I", whole, 12)[0]
    ends = {start + 72: "offsets", start + 72 + 64: "sources", len(whole): "tokens"}
    for place, mask in itertools.product(range(len(whole)), (0x01, 0x80, 0xFF)):
        flipped = bytearray(whole)
        flipped[place] ^= mask
        path.write_bytes(flipped)
        if place < 8:
            fault = "not a token store"
        elif place < 12:
            fault = f"format {struct.unpack_from('<I', flipped, 8)[0]}, this version reads 2"
        elif place < start:
            fault = "damaged in its header"
        else:
            section = next(name for end, name in ends.items() if place < end)
            fault = f"damaged: its {section} do not match their checksum"
        assert refusal(path) == f"{path}: {fault}. {again(path)}"


def test_sums_are_not_read_when_not_asked_for(tmp_path):
    path = store_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with TokenStore(path, verify=False) as store:
        assert store.read([(3, 4)]).tokens.tolist() == [10, 11, 12, 13, 14 + 256]


def test_a_file_that_shrinks_while_it_is_open_is_refused(tmp_path):
    path = store_of(tmp_path)
    with TokenStore(path) as store:
        path.write_bytes(path.read_bytes()[:-1])
        assert len(store.read([(0, 3)])) == 3
        with pytest.raises(ChatbotError) as caught:
            store.read([(3, 4)])
    assert str(caught.value) == f"{path}: ends early: truncated. {again(path)}"


def test_the_header_holds_what_was_given_and_the_sums(tmp_path):
    with TokenStore(store_of(tmp_path)) as store:
        sums = store.header.checksums
        assert store.header == header(checksums=sums)
    assert sorted(sums) == ["offsets", "sources", "tokens"]


def test_the_sections_begin_at_multiples_of_eight(tmp_path):
    for name in ("a", "ab", "abc", "话", "话题", "abcdefg"):
        path = store_of(tmp_path, files=[{"name": name}])
        data = path.read_bytes()
        length = struct.unpack_from("<I", data, 12)[0]
        assert (20 + length) % 8 == 0
        assert json.loads(data[20 : 20 + length])["files"] == [{"name": name}]
        with TokenStore(path) as store:
            same(store.read([(0, 4)]), part(0, 4))


def test_a_section_of_several_mebibytes_is_summed_to_its_end(tmp_path):
    path = tmp_path / "pairs.store"
    tokens = np.arange(700_001, dtype=np.int32)
    bounds = np.array([0, 3, len(tokens)], np.int64)
    given = header(pairs=1, held_out=0, tokens=len(tokens), width=4)
    write_store(path, given, [EncodedPairs(tokens, bounds, np.zeros((1, 4), np.int64))])
    whole = path.read_bytes()
    with TokenStore(path) as store:
        assert store.header.checksums["tokens"] == f"{zlib.crc32(tokens.tobytes()):08x}"
    for place in (-tokens.nbytes, -(1 << 20), -1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place:][1:])
        assert "its tokens do not match their checksum" in refusal(path)


SIDE = st.lists(st.integers(0, 65_535), max_size=4)


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=8), st.data())
def test_any_pairs_are_read_as_they_were_written(tmp_path_factory, pairs, data):
    path = tmp_path_factory.getbasetemp() / "any.store"
    sides = list(itertools.chain.from_iterable(pairs))
    tokens = np.array(list(itertools.chain.from_iterable(sides)), np.int32)
    bounds = np.array([0, *itertools.accumulate(map(len, sides))], np.int64)
    sources = np.arange(4 * len(pairs)).reshape(-1, 4)
    given = header(pairs=len(pairs), tokens=len(tokens), held_out=0)
    write_store(path, given, [EncodedPairs(tokens, bounds, sources)])
    first = data.draw(st.integers(0, len(pairs) - 1))
    last = data.draw(st.integers(first + 1, len(pairs)))
    with TokenStore(path) as store:
        found = store.read([(first, last)])
    assert found.sources.tolist() == sources[first:last].tolist()
    for i, (question, reply) in enumerate(pairs[first:last]):
        a, b, c = found.bounds[2 * i : 2 * i + 3]
        assert (found.tokens[a:b].tolist(), found.tokens[b:c].tolist()) == (question, reply)

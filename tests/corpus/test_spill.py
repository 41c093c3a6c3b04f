"""Rows and ids in; the same part by part out."""

import numpy as np
import pytest

from chatbot.corpus.spill import PARTS, ROW, Spill, sizes_of
from chatbot.errors import ChatbotError


def some(rng, n, first):
    """`n` rows numbered from `first` by their line, their parts, and ids recognisable by line."""
    rows = np.zeros(n, ROW)
    rows["asked"], rows["line"] = rng.integers(0, 2**60, n), np.arange(first, first + n)
    rows["serial"] = rows["line"]
    rows["question"], rows["reply"] = rng.integers(1, 4, n), rng.integers(0, 5, n)
    return rows, rng.integers(0, PARTS, n), np.repeat(rows["line"], sizes_of(rows)).astype(np.int32)


@pytest.fixture
def filled(tmp_path):
    """A spill of three writings in two generations, and what was added: (generation, …)."""
    rng = np.random.default_rng(5)
    spill = Spill(tmp_path)
    added, places = [], []
    for generation, n, first in ((0, 31, 1), (0, 900, 50), (1, 170, 2000)):
        rows, part, ids = some(rng, n, first)
        places.append(spill.add(generation, part, rows, ids))
        added.append((generation, part, rows, ids))
    return spill, added, places


def test_a_part_gives_back_its_pairs_in_the_order_they_came(filled):
    spill, added, _ = filled
    assert spill.pairs == 31 + 900 + 170
    for part in range(PARTS):
        for generation in (0, 1):
            block = spill.read(part, generation)
            expected = [r for g, p, rows, _ in added for r in rows[p == part] if g == generation]
            assert block.rows.tolist() == [row.tolist() for row in expected]
            lines = np.repeat(block.rows["line"], sizes_of(block.rows))
            np.testing.assert_array_equal(block.ids, lines)
        rows = spill.read(part)
        assert rows.numbers.tolist() == list(range(spill.rows[part]))
        assert len(rows.ids) == 0


def test_a_place_finds_its_pair_again(filled):
    spill, added, places = filled
    for (generation, part, rows, _), where in zip(added, places, strict=True):
        for row, here, place in zip(rows, part, where.tolist(), strict=True):
            assert place >> 32 == here
            block = spill.read(int(here), generation)
            at = block.numbers.tolist().index(place & 0xFFFFFFFF)
            assert block.rows[at] == row


def test_writings_come_back_one_by_one_with_their_places(filled):
    spill, added, places = filled
    found = list(spill.writings())
    assert len(found) == 3
    for one, (_, _, expected, _), expected_where in zip(found, added, places, strict=True):
        assert one.rows.tolist() == expected.tolist()
        assert one.places.tolist() == expected_where.tolist()
        assert not len(one.ids)


def test_writings_come_with_their_ids_if_they_are_asked_for(filled):
    spill, added, _ = filled
    found = list(spill.writings(with_ids=True))
    for one, (generation, _, rows, ids) in zip(found, added, strict=True):
        assert (one.generation, one.rows.tolist()) == (generation, rows.tolist())
        assert one.ids.tolist() == ids.tolist()


def test_what_is_only_read_is_not_touched(filled, tmp_path):
    spill, _, _ = filled
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    Spill.resumed(tmp_path, spill.rows.tolist(), spill.checksums, spill.writings_done)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == before


def test_no_pairs_are_no_writing(filled):
    spill, _, _ = filled
    places = spill.add(1, np.zeros(0, np.int64), np.zeros(0, ROW), np.zeros(0, np.int32))
    assert len(places) == 0
    assert [len(one.rows) for one in spill.writings()] == [31, 900, 170]


def test_pairs_left_out_are_left_out_with_their_ids(filled):
    spill, _, _ = filled
    for part in range(0, PARTS, 9):
        out = np.zeros(spill.rows[part], np.bool_)
        out[::3] = True
        for generation in (0, 1):
            block = spill.read(part, generation)
            kept = block.keep(out)
            numbers = [n for n in block.numbers.tolist() if n % 3]
            assert kept.numbers.tolist() == numbers
            assert kept.rows.tolist() == [
                row for row, n in zip(block.rows.tolist(), block.numbers, strict=True) if n % 3
            ]
            lines = np.repeat(kept.rows["line"], sizes_of(kept.rows))
            np.testing.assert_array_equal(kept.ids, lines)


def test_the_bytes_of_a_part_are_those_that_are_drawn(tmp_path):
    spill = Spill(tmp_path)
    rows = np.zeros(1, ROW)
    rows[0] = (0x1122334455667788, 0x99, 0xAA, 2, 3, 6, 4, 1, 2, 5)
    spill.add(5, np.array([63]), rows, np.array([7, 8, 9], np.int32))
    expected = "05000000 00000000 0100000000000000 0300000000000000"
    expected += (
        "8877665544332211 9900000000000000 AA00000000000000 "
        "02000000 03000000 06000000 04000000 01000000 02000000 05000000"
    )
    expected += "07000000 08000000 09000000"
    assert (tmp_path / "part-63").read_bytes() == bytes.fromhex(expected)


def test_files_that_are_whole_are_taken_over_and_added_to(filled, tmp_path):
    spill, added, places = filled
    again = Spill.resumed(tmp_path, spill.rows.tolist(), spill.checksums, spill.writings_done)
    rows, part, ids = some(np.random.default_rng(8), 40, 9000)
    again.add(1, part, rows, ids)
    assert again.pairs == spill.pairs + 40
    assert [len(one.rows) for one in again.writings()] == [31, 900, 170, 40]


@pytest.mark.parametrize("harm", ["cut", "changed", "grown"])
def test_a_damaged_part_is_not_taken_over(filled, tmp_path, harm):
    spill, _, _ = filled
    path = tmp_path / "part-07"
    data = path.read_bytes()
    harmed = {"cut": data[:-1], "changed": data[:-9] + b"x" + data[-8:], "grown": data + b"\0"}
    path.write_bytes(harmed[harm])
    with pytest.raises(ChatbotError) as caught:
        Spill.resumed(tmp_path, spill.rows.tolist(), spill.checksums, spill.writings_done)
    assert str(caught.value) == (
        f"{path}: damaged (truncated or changed). Build from all files again, without --add."
    )

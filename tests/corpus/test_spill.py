"""Rows and ids in; the same in store order out."""

import numpy as np
import pytest

from chatbot.corpus.spill import ROW, Spill, sizes_of


def rows_and_ids(rng, n, orders):
    """Random rows whose order is one of `orders`, and for each its ids, recognisable by line."""
    rows = np.zeros(n, ROW)
    rows["order"] = rng.choice(orders, n)
    rows["file"] = rng.integers(0, 3, n)
    rows["line"] = rng.permutation(n) + 1
    rows["question"] = rng.integers(1, 4, n)
    rows["reply"] = rng.integers(0, 5, n)
    ids = [[line] * size for line, size in zip(rows["line"], sizes_of(rows), strict=True)]
    return rows, np.array([id for some in ids for id in some], np.int32)


@pytest.mark.parametrize("kinds", [1, 5, 500])
def test_what_is_set_aside_comes_back_in_store_order_with_its_ids(tmp_path, kinds):
    rng = np.random.default_rng(kinds)
    orders = rng.integers(0, 2**64, kinds, np.uint64, endpoint=False)
    with Spill(tmp_path) as spill:
        added = []
        for n in (31, 1, 170):
            rows, ids = rows_and_ids(rng, n, orders)
            spill.add(rows, ids)
            added.extend(rows.tolist())
        assert spill.pairs == 202
        for _ in range(2):  # it can be read again and again
            found = list(spill.read())
            rows = np.concatenate([rows for rows, _ in found])
            keys = rows[["order", "file", "line"]].tolist()
            assert keys == sorted(keys)
            assert sorted(rows.tolist()) == sorted(added)
            for some, ids in found:
                expected = np.repeat(some["line"], sizes_of(some)).astype(np.int32)
                assert ids.dtype == np.int32
                np.testing.assert_array_equal(ids, expected)


def test_every_file_holds_one_range_of_orders(tmp_path):
    rows = np.zeros(256, ROW)
    rows["order"] = np.arange(256, dtype=np.uint64) << np.uint64(56)
    with Spill(tmp_path) as spill:
        spill.add(rows, np.zeros(0, np.int32))
        assert [len(some) for some, _ in spill.read()] == [4] * 64

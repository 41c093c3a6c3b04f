"""Cut pairs set aside on disk until the vocabulary is known.

Comes in: rows about pairs and their provisional ids, chunk by chunk. Goes out: the same, one spill
file at a time, in store order. Knows nothing of what an id means.

A spill file is a sequence of NumPy `.npy` blocks, rows and ids in turn; it lives in the scratch
folder of one build and is read by nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of, indices_of_runs

_BITS = 6

ROW = np.dtype(
    [
        ("order", "<u8"),
        ("pair", "<u8"),
        ("file", "<u4"),
        ("line", "<u4"),
        ("characters", "<u4"),
        ("question", "<u4"),
        ("reply", "<u4"),
    ]
)
"""One pair: its place in the store and its hash, where it stands, the characters of its reply, the
tokens of its question and of its reply."""


def sizes_of(rows: NDArray[Any]) -> NDArray[np.int64]:
    """The tokens of every pair, both sides together."""
    sizes: NDArray[np.int64] = rows["question"].astype(np.int64) + rows["reply"]
    return sizes


class Spill:
    """Pairs with provisional ids on disk, in 64 files by the leading bits of their order.

    Attributes:
        pairs: how many were added.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the folder to put the files in; entering the context opens them."""
        self.pairs = 0
        self._paths = [folder / f"spill-{i:02}" for i in range(1 << _BITS)]
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        """Opens the files and gives itself."""
        self._files = [path.open("w+b") for path in self._paths]
        return self

    def __exit__(self, *details: object) -> None:
        """Closes the files."""
        for file in self._files:
            file.close()

    def add(self, rows: NDArray[Any], ids: NDArray[np.int32]) -> None:
        """Appends B pairs: rows of `ROW`, and the ids of all of them, one pair after another."""
        sizes = sizes_of(rows)
        starts = bounds_of(sizes)[:-1]
        which = (rows["order"] >> np.uint64(64 - _BITS)).astype(np.int64)
        for i in np.unique(which):
            chosen = np.flatnonzero(which == i)
            np.save(self._files[i], rows[chosen])
            np.save(self._files[i], ids[indices_of_runs(starts[chosen], sizes[chosen])])
        self.pairs += len(rows)

    def read(self) -> Iterator[tuple[NDArray[Any], NDArray[np.int32]]]:
        """The rows and ids of every file in turn, sorted by order, then file, then line."""
        for file in self._files:
            end = file.seek(0, os.SEEK_END)
            file.seek(0)
            rows, ids = [np.zeros(0, ROW)], [np.zeros(0, np.int32)]
            while file.tell() < end:
                rows.append(np.load(file))
                ids.append(np.load(file))
            yield _sorted(np.concatenate(rows), np.concatenate(ids))


def _sorted(rows: NDArray[Any], ids: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    sizes = sizes_of(rows)
    starts = bounds_of(sizes)[:-1]
    order = np.lexsort((rows["line"], rows["file"], rows["order"]))
    return rows[order], ids[indices_of_runs(starts[order], sizes[order])]

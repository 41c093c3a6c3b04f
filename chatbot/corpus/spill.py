"""Cut pairs set aside on disk, by where they will stand in the store.

Comes in: rows about pairs and their provisional ids, chunk by chunk. Goes out: the same, one part
at a time. Knows nothing of what an id means.

The parts are 64 files, by the leading bits of a pair's place in the store, so each is a random
sample of the corpus and a bounded share of it. A file `part-00` to `part-63` is a sequence of
blocks, little-endian:

    bytes    what
    4        generation of the ids, u32: which list of words they point into (`words`)
    4        number of the writing, u32: blocks written at one time have the same
    8        rows n, u64
    8        ids m, u64
    52 n     rows, see `ROW`
    4 m      ids, i32: question and reply of every pair in turn
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of, indices_of_runs
from chatbot.corpus.sampler import scramble
from chatbot.errors import ChatbotError

PARTS = 64

ROW = np.dtype(
    [
        ("asked", "<u8"),
        ("said", "<u8"),
        ("stretch", "<u8"),
        ("file", "<u4"),
        ("line", "<u4"),
        ("serial", "<u4"),
        ("characters", "<u4"),
        ("question", "<u4"),
        ("reply", "<u4"),
        ("opens", "<u4"),
    ]
)
"""One pair: the hashes of its question and of its reply, the key that holds it out (`holdout`),
where it stands, how many pairs were read before it, the characters of its reply, the tokens of its
question and of its reply, the characters of its question if that opens a conversation, else 0."""

_HEADER = struct.Struct("<IIQQ")


class Block(NamedTuple):
    """Some pairs of one part."""

    rows: NDArray[Any]
    """of `ROW`, [B]"""
    ids: NDArray[np.int32]
    """of all of them, one pair after another"""
    numbers: NDArray[np.int64]
    """which rows of the part they are, [B]"""

    def keep(self, left_out: NDArray[np.bool_]) -> Block:
        """The pairs that are not left out; `left_out` speaks of every row of the part."""
        kept = ~left_out[self.numbers]
        if kept.all():
            return self
        ids = self.ids[np.repeat(kept, sizes_of(self.rows))] if len(self.ids) else self.ids
        return Block(self.rows[kept], ids, self.numbers[kept])


class Writing(NamedTuple):
    """Pairs that were added at one time, in the order they were read."""

    generation: int
    """which list of words their ids point into"""
    rows: NDArray[Any]
    """of `ROW`, [B]"""
    places: NDArray[np.uint64]
    """part << 32 | row, [B]"""
    ids: NDArray[np.int32]
    """of all of them, one pair after another; none unless asked for"""


def pair_hashes(rows: NDArray[Any], *, reverse: bool = False) -> NDArray[np.uint64]:
    """A hash of question and reply of every row, [B]: equal pairs have equal hashes.

    With `reverse` that of the pair the other way round.
    """
    first, second = ("said", "asked") if reverse else ("asked", "said")
    return hash_of_pairs(rows[first], rows[second])


def hash_of_pairs(asked: NDArray[np.uint64], said: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of every pair, [B], of those of its question and of its reply."""
    return scramble(scramble(asked) ^ said)


def sizes_of(rows: NDArray[Any]) -> NDArray[np.int64]:
    """The tokens of every pair, both sides together."""
    sizes: NDArray[np.int64] = rows["question"].astype(np.int64) + rows["reply"]
    return sizes


class Spill:
    """Pairs with provisional ids in the files of a folder; no file stays open.

    Attributes:
        rows: how many pairs each part has, int64 [64].
        checksums: CRC-32 of each file, [64].
        writings_done: how many times something was added.
    """

    def __init__(self, folder: Path) -> None:
        """Takes a folder whose files are appended to; they are made where absent."""
        self.rows = np.zeros(PARTS, np.int64)
        self.checksums = [0] * PARTS
        self.writings_done = 0
        self._paths = _paths(folder)
        for path in self._paths:
            if not path.exists():  # what is only read may stand where nobody may write
                path.touch()

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return int(self.rows.sum())

    def add(
        self, generation: int, part: NDArray[np.int64], rows: NDArray[Any], ids: NDArray[np.int32]
    ) -> NDArray[np.uint64]:
        """Appends B pairs; many at a time, as this writes to every file. None is no writing.

        Args:
            generation: which list of words the ids point into.
            part: where each pair belongs, 0 to 63, [B].
            rows: of `ROW`, [B].
            ids: of all of them, one pair after another.

        Returns:
            The places of the pairs: part << 32 | row, [B].
        """
        order = np.argsort(part, kind="stable")
        ends = bounds_of(np.bincount(part, minlength=PARTS))
        sizes = sizes_of(rows)
        starts = bounds_of(sizes)[:-1]
        places = np.empty(len(rows), np.uint64)
        for i in range(PARTS):
            chosen = order[ends[i] : ends[i + 1]]
            if not len(chosen):
                continue
            some = ids[indices_of_runs(starts[chosen], sizes[chosen])]
            header = _HEADER.pack(generation, self.writings_done, len(chosen), len(some))
            data = b"".join((header, rows[chosen].tobytes(), some.tobytes()))
            with self._paths[i].open("ab") as file:
                file.write(data)
            self.checksums[i] = zlib.crc32(data, self.checksums[i])
            places[chosen] = np.arange(self.rows[i], self.rows[i] + len(chosen)) + (i << 32)
            self.rows[i] += len(chosen)
        self.writings_done += bool(len(rows))
        return places

    def read(self, part: int, generation: int | None = None) -> Block:
        """The pairs of a part, in the order they were added.

        Args:
            part: which, 0 to 63.
            generation: only those whose ids are of this one; None for all, without their ids.
        """
        place = row = 0
        rows, ids, numbers = [np.zeros(0, ROW)], [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
        with self._paths[part].open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while place < end:
                file.seek(place)
                number, _, count, size = _HEADER.unpack(file.read(_HEADER.size))
                if generation is None or number == generation:
                    rows.append(np.frombuffer(file.read(count * ROW.itemsize), ROW))
                    numbers.append(np.arange(row, row + count))
                    if generation is not None:
                        ids.append(np.frombuffer(file.read(size * 4), "<i4"))
                place += _HEADER.size + count * ROW.itemsize + size * 4
                row += count
        return Block(np.concatenate(rows), np.concatenate(ids), np.concatenate(numbers))

    def writings(self, *, with_ids: bool = False) -> Iterator[Writing]:
        """What was added, writing by writing; ids only if asked for."""
        at = np.zeros(PARTS, np.int64)
        done = np.zeros(PARTS, np.int64)
        ends = [path.stat().st_size for path in self._paths]
        for writing in range(self.writings_done):
            generation = 0
            rows, places, ids = [], [], [np.zeros(0, np.int32)]
            for part, path in enumerate(self._paths):
                if at[part] == ends[part]:
                    continue
                with path.open("rb") as file:
                    file.seek(at[part])
                    of, number, count, size = _HEADER.unpack(file.read(_HEADER.size))
                    if number != writing:
                        continue
                    generation = of
                    rows.append(np.frombuffer(file.read(count * ROW.itemsize), ROW))
                    if with_ids:
                        ids.append(np.frombuffer(file.read(size * 4), "<i4"))
                first = int(done[part]) + (part << 32)
                places.append(np.arange(first, first + count, dtype=np.uint64))
                at[part] += _HEADER.size + count * ROW.itemsize + size * 4
                done[part] += count
            found = np.concatenate(rows)
            order = np.argsort(found["serial"])
            of_all = np.concatenate(ids)
            if with_ids:
                sizes = sizes_of(found)
                of_all = of_all[indices_of_runs(bounds_of(sizes)[:-1][order], sizes[order])]
            yield Writing(generation, found[order], np.concatenate(places)[order], of_all)

    @classmethod
    def resumed(
        cls, folder: Path, rows: Sequence[int], checksums: Sequence[int], writings: int
    ) -> Self:
        """Takes the files of a folder that were finished, to append to.

        Args:
            folder: where they stand.
            rows: pairs of each part, as written down when they were finished.
            checksums: CRC-32 of each file, likewise.
            writings: how many there were.

        Raises:
            ChatbotError: a file is not what was written down.
        """
        for path, expected in zip(_paths(folder), checksums, strict=True):
            if _checksum(path) != expected:
                raise ChatbotError(
                    f"{path}: damaged (truncated or changed). Build from all files again, "
                    "without --add."
                )
        spill = cls(folder)
        spill.rows, spill.checksums = np.asarray(rows, np.int64), list(checksums)
        spill.writings_done = writings
        return spill


def _paths(folder: Path) -> list[Path]:
    return [folder / f"part-{part:02}" for part in range(PARTS)]


def _checksum(path: Path) -> int | None:
    """The CRC-32 of a file, None if it is not there."""
    if not path.exists():
        return None
    found = 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            found = zlib.crc32(data, found)
    return found

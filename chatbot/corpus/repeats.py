"""Which pairs repeat others, exactly and in bounded memory.

Comes in: the hashes of all pairs, a chunk at a time, with their places in the spill. Goes out: how
many distinct pairs, questions and replies there are, the most frequent replies, and which pairs to
leave out as repeats. Knows nothing of text: equal hashes of 64 bits are taken for equal texts
(among 30 million different texts the chance that any two agree is 1 in 40,000).

The hashes wait on disk in 64 files by their leading bits, so equal ones meet in one file. A file is
read in blocks against the distinct hashes it has shown so far: a reply that ten million pairs share
costs no more memory than one.

    hashes-00 to hashes-63, little-endian: the hash, u64, and the place, u64: part << 32 | row
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of
from chatbot.corpus.spill import pair_hashes

_FILES = 64
_FLUSH = 1 << 16
_BLOCK = 1 << 18
_RECORD = np.dtype([("hash", "<u8"), ("place", "<u8")])


class Hashes:
    """Hashes with places on disk, by their leading bits; no file stays open."""

    def __init__(self, folder: Path) -> None:
        """Makes the files in a folder of their own."""
        folder.mkdir()
        self._folder = folder
        self._waiting: list[NDArray[Any]] = []
        self._paths = [folder / f"hashes-{i:02}" for i in range(_FILES)]
        for path in self._paths:
            path.touch()

    def add(self, hashes: NDArray[np.uint64], places: NDArray[np.uint64]) -> None:
        """Appends some."""
        records = np.empty(len(hashes), _RECORD)
        records["hash"], records["place"] = hashes, places
        self._waiting.append(records)
        if sum(map(len, self._waiting)) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        records = np.concatenate(self._waiting)
        self._waiting.clear()
        which = (records["hash"] >> np.uint64(58)).astype(np.int64)
        order = np.argsort(which, kind="stable")
        ends = bounds_of(np.bincount(which, minlength=_FILES))
        for i in range(_FILES):
            if ends[i] < ends[i + 1]:
                with self._paths[i].open("ab") as file:
                    file.write(records[order[ends[i] : ends[i + 1]]].tobytes())

    def groups(self) -> Iterator[Iterator[NDArray[Any]]]:
        """File by file the records in blocks, each file in the order they were added."""
        self._flush()
        return map(self._blocks, self._paths)

    @staticmethod
    def _blocks(path: Path) -> Iterator[NDArray[Any]]:
        with path.open("rb") as file:
            while data := file.read(_BLOCK * _RECORD.itemsize):
                yield np.frombuffer(data, _RECORD)

    def remove(self) -> None:
        """Gives the disk space back; again and again, it does no harm."""
        shutil.rmtree(self._folder, ignore_errors=True)


class AllHashes:
    """The hashes of pairs, of questions and of replies, for finding repeats."""

    def __init__(self, scratch: Path) -> None:
        """Takes a folder to put them in."""
        self.pairs, self.questions, self.replies = (
            Hashes(scratch / f"{kind}-hashes") for kind in ("pair", "question", "reply")
        )

    def add(self, rows: NDArray[Any], places: NDArray[np.uint64]) -> None:
        """Appends those of some rows, which come in the order they were read."""
        self.pairs.add(pair_hashes(rows), places)
        self.questions.add(rows["asked"], places)
        self.replies.add(rows["said"], places)

    def remove(self) -> None:
        """Gives the disk space back."""
        for one in (self.pairs, self.questions, self.replies):
            one.remove()


@dataclass
class Marks:
    """Which pairs are left out: a byte for each pair of each part of the spill."""

    parts: list[NDArray[np.bool_]]

    @classmethod
    def none(cls, rows: Sequence[int]) -> Marks:
        """No pair of parts with so many rows."""
        return cls([np.zeros(count, np.bool_) for count in rows])

    def mark(self, places: NDArray[np.uint64]) -> None:
        """Leaves the pairs at some places out."""
        parts, rows = _split(places)
        for part in np.unique(parts):
            self.parts[part][rows[parts == part]] = True

    def at(self, places: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether the pairs at some places are left out."""
        parts, rows = _split(places)
        found = np.zeros(len(places), np.bool_)
        for part in np.unique(parts):
            mine = parts == part
            found[mine] = self.parts[part][rows[mine]]
        return found

    @property
    def count(self) -> int:
        """How many are left out."""
        return int(sum(part.sum() for part in self.parts))


def _split(places: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    parts = (places >> np.uint64(32)).astype(np.int64)
    return parts, (places & np.uint64(0xFFFFFFFF)).astype(np.int64)


@dataclass
class Repeats:
    """What the hashes of one kind show.

    Attributes:
        distinct: how many different ones there are.
        most: count and first place of the most frequent, most frequent first.
        marked: how many pairs were left out on their account.
    """

    distinct: int = 0
    most: list[tuple[int, int]] = field(default_factory=list)
    marked: int = 0


def find_repeats(
    hashes: Hashes, *, top: int = 0, marks: Marks | None = None, allowed: int | None = None
) -> Repeats:
    """Counts equal hashes.

    Args:
        hashes: what was added, in corpus order.
        top: how many of the most frequent to give.
        marks: pairs left out so far, which are not counted; those over `allowed` are added.
        allowed: of equal hashes the first so many stay; None leaves none out.
    """
    found = Repeats()
    for blocks in hashes.groups():
        known = _Known()
        for block in blocks:
            if marks is not None and len(block):
                block = block[~marks.at(block["place"])]
            rank = known.add(block)
            if marks is not None and allowed is not None and (rank >= allowed).any():
                over = block["place"][rank >= allowed]
                marks.mark(over)
                found.marked += len(over)
        found.distinct += len(known.hashes)
        if top:
            found.most = heapq.nlargest(
                top,
                [*found.most, *known.largest(top)],
                key=lambda one: (one[0], -one[1]),
            )
    return found


class _Known:
    """The distinct hashes of a file so far, ascending, with counts and first places."""

    def __init__(self) -> None:
        self.hashes = np.zeros(0, np.uint64)
        self._counts = np.zeros(0, np.int64)
        self._first = np.zeros(0, np.uint64)

    def add(self, block: NDArray[Any]) -> NDArray[np.int64]:
        """Takes a block in; gives for each record how many equal ones came before it."""
        order = np.argsort(block["hash"], kind="stable")
        ordered = block["hash"][order]
        new = np.ones(len(ordered), np.bool_)
        new[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(new)
        sizes = np.diff(np.append(starts, len(ordered)))
        mine = ordered[starts]
        at = np.searchsorted(self.hashes, mine)
        seen = np.zeros(len(mine), np.bool_)
        inside = at < len(self.hashes)
        seen[inside] = self.hashes[at[inside]] == mine[inside]
        before = np.zeros(len(mine), np.int64)
        before[seen] = self._counts[at[seen]]
        within = np.arange(len(ordered)) - np.repeat(starts, sizes)
        rank = np.empty(len(ordered), np.int64)
        rank[order] = np.repeat(before, sizes) + within
        self._counts[at[seen]] += sizes[seen]
        fresh = ~seen
        self.hashes = np.insert(self.hashes, at[fresh], mine[fresh])
        self._counts = np.insert(self._counts, at[fresh], sizes[fresh])
        self._first = np.insert(self._first, at[fresh], block["place"][order[starts[fresh]]])
        return rank

    def largest(self, top: int) -> list[tuple[int, int]]:
        """The counts and first places of the most frequent, at most so many."""
        if not len(self._counts):
            return []
        chosen = np.lexsort((self._first, -self._counts))[:top]
        return list(zip(self._counts[chosen].tolist(), self._first[chosen].tolist(), strict=True))

"""The distinct words of a corpus and their counts, in a fixed budget of memory.

Comes in: the word lists of chunks. Goes out: provisional ids for them, and at the end every
distinct word with its exact count, in a stream. Knows nothing of pairs or of the vocabulary.

Words get provisional ids in order of appearance. When `BUDGET` words are in memory their list is
written to disk and a new generation begins, with ids from 0 again; a word that comes back then has
an id in each generation. At the end the generations are sorted and merged, so a count is exact
however many words there are, and memory holds one generation.

    words-000     the words of generation 0 by id, UTF-8, a line feed after each
"""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError

BUDGET = 1 << 18
"""Words of a generation, about; with their ids 40 MB."""

_CHARACTERS = 1 << 23
"""Characters of a generation, about: words can be long."""


class Words:
    """The words seen so far.

    Attributes:
        sizes: the number of words in every finished generation.
        checksums: CRC-32 of the file of each.
    """

    def __init__(
        self, folder: Path, sizes: Sequence[int] = (), checksums: Sequence[int] = ()
    ) -> None:
        """Begins a generation after finished ones, whose files stand in the folder.

        Args:
            folder: where the files go.
            sizes: the words of each finished generation.
            checksums: the CRC-32 of each of their files.

        Raises:
            ChatbotError: a file is not the one that the checksum belongs to.
        """
        self._folder = folder
        self.sizes, self.checksums = list(sizes), list(checksums)
        for generation, checksum in enumerate(checksums):
            path = _path(folder, generation)
            if not path.exists() or zlib.crc32(path.read_bytes()) != checksum:
                raise ChatbotError(
                    f"{path}: damaged (truncated or changed). Build from all files again, without "
                    "--add."
                )
        self._ids: dict[str, int] = {}
        self._characters = 0

    @property
    def generation(self) -> int:
        """The generation that ids are given in now, from 0."""
        return len(self.sizes)

    def add(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The ids of distinct words, all of one generation: `generation` after the call."""
        if len(self._ids) >= BUDGET or self._characters >= _CHARACTERS:
            self.close()
        ids = self._ids
        before = len(ids)
        found = np.fromiter((ids.setdefault(word, len(ids)) for word in words), np.int32)
        if len(ids) > before:
            self._characters += sum(map(len, itertools.islice(reversed(ids), len(ids) - before)))
        return found

    def close(self) -> None:
        """Writes the words of the generation, if there are any."""
        if self._ids:
            data = "".join(f"{word}\n" for word in self._ids).encode()
            _path(self._folder, self.generation).write_bytes(data)
            self.sizes.append(len(self._ids))
            self.checksums.append(zlib.crc32(data))
        self._ids, self._characters = {}, 0


def words_of(folder: Path, generation: int) -> list[str]:
    """The words of a generation by id."""
    return _path(folder, generation).read_bytes().decode().split("\n")[:-1]


def _path(folder: Path, generation: int) -> Path:
    return folder / f"words-{generation:03}"


class Counts:
    """Every distinct word with its count, on disk.

    Attributes:
        distinct: how many words there are.
        total: the sum of their counts.
    """

    def __init__(self, scratch: Path, folder: Path, counts: Sequence[Path]) -> None:
        """Merges generations.

        Args:
            scratch: a folder for files of the merging.
            folder: where the generations stand.
            counts: for each generation a `.npy` file with the count of every word.
        """
        runs = [
            _sorted_run(scratch / f"run-{generation:03}", folder, generation, np.load(path))
            for generation, path in enumerate(counts)
        ]
        self.distinct = self.total = 0
        self._path = scratch / "counts"
        merged = heapq.merge(*map(_read, runs), key=itemgetter(0))
        with self._path.open("w", encoding="utf-8", newline="\n") as file:
            for word, group in itertools.groupby(merged, itemgetter(0)):
                count = sum(map(itemgetter(1), group))
                file.write(f"{word}\t{count}\n")
                self.distinct += 1
                self.total += count
        for run in runs:
            run.unlink()

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """The words and their counts, in the order of code points; as often as asked for."""
        return _read(self._path)


def _sorted_run(path: Path, folder: Path, generation: int, counts: NDArray[np.int64]) -> Path:
    words = words_of(folder, generation)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for word, count in sorted(zip(words, counts.tolist(), strict=True)):
            if count:
                file.write(f"{word}\t{count}\n")
    return path


def _read(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            word, count = line.rsplit("\t", 1)
            yield word, int(count)

"""The token store: encoded pairs on disk, read window by window.

Comes in: pairs as ids, in the order they shall have. Goes out: any run of consecutive pairs, by a
few large reads; never the whole store. Knows nothing of text, of sampling or of the network.

`pairs.store` is one file as drawn in `shard`, or a folder of shards `00000`, `00001`, …: files of
that kind, each with a run of the pairs, that can be copied side by side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import IO, Self

import numpy as np

from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.shard import Header, Opener, Shard, token_width, write_shard
from chatbot.errors import ChatbotError

__all__ = ["EncodedPairs", "Header", "Ranges", "TokenStore", "token_width", "write_store"]

Ranges = Sequence[tuple[int, int]]
"""Runs of consecutive pairs, each from its first to one past its last."""


def write_store(path: Path, header: Header, parts: Iterable[EncodedPairs], shards: int = 1) -> None:
    """Writes a store, for the caller to rename into place.

    Args:
        path: where to write: a file, or a folder if there are several shards.
        header: all but its checksums; its pairs and tokens must be those of `parts`.
        parts: the pairs in store order, a bounded number at a time.
        shards: into how many files.
    """
    if shards == 1:
        write_shard(path, header, parts)
        return
    path.mkdir()
    runs = _Runs(parts)
    bounds = [header.pairs * number // shards for number in range(shards + 1)]
    for number, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False)):
        held_out = max(last - header.train, 0) - max(first - header.train, 0)
        own = header._replace(pairs=last - first, held_out=held_out, shard=(number, shards))
        write_shard(path / _name(number), own, runs.next(last - first))


def _name(number: int) -> str:
    return f"{number:05d}"


class _Runs:
    """Pairs that come part by part, given out in runs of any length."""

    def __init__(self, parts: Iterable[EncodedPairs]) -> None:
        self._parts = iter(parts)
        self._rest = EncodedPairs.concatenate([])

    def next(self, count: int) -> Iterator[EncodedPairs]:
        """The next so many pairs, part by part."""
        while count:
            part = self._rest if len(self._rest) else next(self._parts)
            taken = min(count, len(part))
            self._rest = part.take(np.arange(taken, len(part)))
            yield part if taken == len(part) else part.take(np.arange(taken))
            count -= taken


def open_file(name: str) -> IO[bytes]:
    """Opens a file of this machine's, or of what is mounted there."""
    return Path(name).open("rb", buffering=0)


class TokenStore:
    """A token store opened for reading; holds a file handle and a header a shard, no pairs."""

    def __init__(
        self, path: Path | str, *, verify: bool = True, opener: Opener = open_file
    ) -> None:
        """Opens a store.

        Args:
            path: where it stands; a string is any name that `opener` knows.
            verify: whether to read all once to check every section (about 1 GB/s).
            opener: opens its files.

        Raises:
            ChatbotError: no such store, one that cannot be read, not a store, another format
                number, truncated or damaged, or shards that do not belong together.
        """
        self.path = path
        self._verify, self._opener = verify, opener
        local = isinstance(path, Path)
        anew = f"Build it anew: chatbot build-vocab --restart --model {Path(path).parent}."
        self._again = anew if local else "Copy it there anew, from where it was built."
        with ExitStack() as opened:
            try:
                self._shards = self._open(opened)
            except FileNotFoundError as error:
                build = f"Build it first: chatbot build-vocab --model {Path(path).parent}."
                raise ChatbotError(
                    f"{path}: no token store yet. {build if local else 'Copy one there.'}"
                ) from error
            except OSError as error:
                raise ChatbotError(f"{path}: cannot be read ({error}).") from error
            self._files = opened.pop_all()
        sizes = [shard.header.pairs for shard in self._shards]
        self._starts = list(accumulate(sizes, initial=0))
        self.header = self._shards[0].header._replace(
            pairs=self._starts[-1],
            held_out=sum(shard.header.held_out for shard in self._shards),
            tokens=sum(shard.header.tokens for shard in self._shards),
            shard=(0, 1),
        )

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(self, *details: object) -> None:
        """Closes the files."""
        self.close()

    def close(self) -> None:
        """Closes the files."""
        self._files.close()

    def read(self, ranges: Ranges) -> EncodedPairs:
        """The pairs of some runs, one run after the other; three reads for each run and shard.

        Raises:
            ChatbotError: a file ends early, or cannot be read any more.
        """
        try:
            return EncodedPairs.concatenate(
                [part for first, last in ranges for part in self._run(first, last)]
            )
        except OSError as error:
            raise ChatbotError(f"{self.path}: cannot be read ({error}).") from error

    def parts(self, first: int, last: int, most: int) -> Iterator[EncodedPairs]:
        """The pairs from the first to one past the last, at most so many at a time; as `read`."""
        for begin in range(first, last, most):
            yield self.read([(begin, min(begin + most, last))])

    def _run(self, first: int, last: int) -> Iterator[EncodedPairs]:
        number = bisect_right(self._starts, first) - 1
        while first < last:
            start, end = self._starts[number], min(last, self._starts[number + 1])
            yield self._shards[number].run(first - start, end - start)
            first, number = end, number + 1

    def _open(self, opened: ExitStack) -> list[Shard]:
        """All shards, one where the store is a file."""
        try:
            one = self._shard(str(self.path), opened)
        except OSError as error:
            try:
                first = self._shard(f"{self.path}/{_name(0)}", opened)
            except OSError:
                raise error from None
        else:
            number, many = one.header.shard
            if many > 1:
                raise ChatbotError(
                    f"{self.path}: shard {_name(number)} of a store of {many}. Name the folder "
                    "that has all of them."
                )
            return [one]
        shards = [first]
        for number in range(1, first.header.shard[1]):
            name = f"{self.path}/{_name(number)}"
            try:
                shard = self._shard(name, opened)
            except FileNotFoundError as error:
                many = first.header.shard[1]
                raise ChatbotError(
                    f"{name}: missing; the store has {many} shards. {self._again}"
                ) from error
            if _common(shard, number) != _common(first, 0):
                raise ChatbotError(f"{name}: a shard of another store. {self._again}")
            shards.append(shard)
        return shards

    def _shard(self, name: str, opened: ExitStack) -> Shard:
        shard = Shard(name, self._again, verify=self._verify, opener=self._opener)
        opened.callback(shard.close)
        return shard


def _common(shard: Shard, number: int) -> Header:
    """What all shards of a store say alike, and whether one is the one it should be."""
    which, many = shard.header.shard
    return shard.header._replace(
        pairs=0, held_out=0, tokens=0, checksums={}, shard=(which - number, many)
    )

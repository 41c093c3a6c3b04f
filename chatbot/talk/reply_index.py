"""Which training pairs have a reply, found without reading all of them.

Comes in: a token store. Goes out: beside it a file that, asked for a reply, tells how many pairs
have it and where the first of them stands. A reply takes milliseconds where to read the
store of millions of pairs takes seconds.

The file, little-endian, `replies.index`:

    a line      JSON: "chatbot-replies", format number, the store's identity, pairs of each run
    each run    16 bytes a pair: their replies' numbers, u64, ascending; then, in the same order and
                among equals ascending, where they stand, u64: file << 32 | line

A reply's number is made of its ids; that two different ones have the same is as good as
impossible. It is made a run at a time, so memory is bounded. It has no checksum: to look at all of
it would cost what it saves. Whatever does not fit the store is made anew.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, indices_of_runs
from chatbot.corpus.store import TokenStore
from chatbot.folder import put_in_place

CHUNK = 1 << 15
"""Pairs that are read at a time."""

_RUN = 1 << 20
_SEED, _PLACES = 64, 2_048
_MAGIC, FORMAT = "chatbot-replies", 1

Numbers = NDArray[np.uint64]


class Copies(NamedTuple):
    """Training pairs with one and the same reply.

    Attributes:
        pairs: how many there are.
        place: the file and the line of the first, `talk.tsv:17`; empty for none.
    """

    pairs: int
    place: str


def numbers_of(replies: Sequence[Sequence[int]]) -> Numbers:
    """The numbers of replies, [replies]."""
    tokens = np.array([id for reply in replies for id in reply], np.int64)
    return _numbers(tokens, np.array([len(reply) for reply in replies], np.int64))


def numbers_in(pairs: EncodedPairs) -> Numbers:
    """The numbers of the replies of pairs, [pairs]."""
    lengths = pairs.reply_lengths.astype(np.int64)
    return _numbers(pairs.tokens[indices_of_runs(pairs.bounds[1::2], lengths)], lengths)


def _numbers(tokens: NDArray[Any], lengths: NDArray[np.int64]) -> Numbers:
    factors = np.random.default_rng(_SEED).integers(0, 1 << 64, _PLACES, np.uint64)
    places = indices_of_runs(np.zeros_like(lengths), lengths) % _PLACES
    terms = (tokens.astype(np.uint64) + np.uint64(1)) * factors[places]
    sums = np.append(np.uint64(0), np.cumsum(terms, dtype=np.uint64))
    ends = np.cumsum(lengths)
    found: Numbers = sums[ends] - sums[ends - lengths] + lengths.astype(np.uint64)
    return found


def write(store: TokenStore, path: Path, run: int = _RUN) -> None:
    """Writes the index of a store, whole or not at all.

    Args:
        store: the token store.
        path: the file.
        run: pairs of a run, 40 bytes of memory each.

    Raises:
        OSError: it cannot be written.
    """
    pairs = store.header.train
    if shutil.disk_usage(path.parent).free < 32 * pairs:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # training may need what is left
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    sizes = [min(run, pairs - first) for first in range(0, pairs, run)]
    try:
        with temporary.open("wb") as file:
            file.write(json.dumps([*_about(store), sizes]).encode() + b"\n")
            for first, size in zip(range(0, pairs, run), sizes, strict=True):
                for part in _sorted(store, first, first + size):
                    file.write(part.astype("<u8").tobytes())
        put_in_place(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def find(store: TokenStore, path: Path, reply: Sequence[int]) -> Copies | None:
    """The training pairs that have a reply, by the index; None if there is none of this store.

    Args:
        store: the token store.
        path: the file.
        reply: ids, without EOS.
    """
    (wanted,) = numbers_of([reply])
    count, least = 0, []
    try:
        for numbers, places in _runs(store, path):
            first, last = np.searchsorted(numbers, [wanted, wanted + np.uint64(1)])
            if last > first:
                count += int(last - first)
                least.append(int(places[first]))
        return Copies(count, place_of(store, min(least)) if least else "")
    except (OSError, ValueError, TypeError, IndexError):
        return None


def place_of(store: TokenStore, place: int) -> str:
    """The file and the line, from their number in the index."""
    return f"{store.header.files[place >> 32]['name']}:{place & 0xFFFFFFFF}"


def _sorted(store: TokenStore, first: int, last: int) -> Iterator[Numbers]:
    """The numbers and the places of some pairs."""
    numbers, places = np.empty(last - first, np.uint64), np.empty(last - first, np.uint64)
    at = 0
    for pairs in store.parts(first, last, CHUNK):
        here = slice(at, at + len(pairs))
        numbers[here] = numbers_in(pairs)
        places[here] = places_in(pairs)
        at = here.stop
    order = np.lexsort((places, numbers))
    yield numbers[order]
    yield places[order]


def places_in(pairs: EncodedPairs) -> Numbers:
    """Where pairs stand in the corpora, as a number, [pairs]."""
    sources = pairs.sources.astype(np.uint64)
    found: Numbers = sources[:, 0] << np.uint64(32) | sources[:, 1]
    return found


def _runs(store: TokenStore, path: Path) -> Iterator[tuple[Numbers, Numbers]]:
    """Numbers and places of each run, on disk.

    Raises:
        OSError, ValueError, TypeError: there is no whole index of this store.
    """
    with path.open("rb") as file:
        *about, sizes = json.loads(file.readline())
        start = file.tell()
    if about != _about(store) or path.stat().st_size != start + 16 * sum(sizes):
        raise ValueError("of another store")
    for size in sizes:
        both = np.memmap(path, "<u8", "r", start, (2, size))
        yield both[0], both[1]
        start += 16 * size


def _about(store: TokenStore) -> list[Any]:
    """What an index says of itself, but for its sizes."""
    header = store.header
    return [
        _MAGIC,
        FORMAT,
        f"{header.train} {' '.join(header.checksums[name] for name in sorted(header.checksums))}",
    ]

"""How long does `/why` look for a reply among the training pairs, with and without its index?

    python benchmarks/copies.py [--pairs 4000000]

Writes a store of invented pairs, as long as those of subtitles, in a folder of its own; asks how
many pairs have the reply of some of them by reading the store, indexes it, and asks the index.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from record import save

from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import Header, TokenStore, write_store
from chatbot.talk import reply_index
from chatbot.talk.copies import copies_of

_VOCABULARY, _PART, _SCANS, _ASKED = 20_000, 1 << 16, 3, 100


def main() -> None:
    """Writes, asks, and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=4_000_000)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as scratch:
        store, index = Path(scratch) / "pairs.store", Path(scratch) / "replies.index"
        tokens = sum(len(part.tokens) for part in invented(pairs))
        write_store(store, header_of(pairs, tokens), invented(pairs))
        with TokenStore(store, verify=False) as opened:
            asked = opened.read([(0, _ASKED)])
            bounds, ids = asked.bounds, asked.tokens.tolist()
            replies = [ids[a:b] for a, b in zip(bounds[1::2], bounds[2::2], strict=True)]
            by_reading = [timed(copies_of, opened, reply) for reply in replies[:_SCANS]]
            made, _ = timed(reply_index.write, opened, index)
            by_index = [timed(reply_index.find, opened, index, reply) for reply in replies]
        assert [found for _, found in by_reading] == [found for _, found in by_index[:_SCANS]]
        found = {
            "pairs": pairs,
            "store_bytes": store.stat().st_size,
            "index_bytes": index.stat().st_size,
            "seconds_by_reading": statistics.median(seconds for seconds, _ in by_reading),
            "seconds_to_index": made,
            "milliseconds_by_index": 1e3 * statistics.median(seconds for seconds, _ in by_index),
        }
    save("copies", found)


def invented(pairs: int) -> Iterator[EncodedPairs]:
    """The pairs, the same at every call."""
    generator = np.random.default_rng(7)
    for first in range(0, pairs, _PART):
        count = min(_PART, pairs - first)
        lengths = generator.integers(1, 15, 2 * count)
        tokens = generator.zipf(1.3, lengths.sum()) % (_VOCABULARY - 4) + 4
        sources = np.zeros((count, 4), np.int64)
        sources[:, 1] = np.arange(first, first + count) + 1
        bounds = np.append(0, np.cumsum(lengths))
        yield EncodedPairs(tokens.astype(np.int32), bounds, sources)


def header_of(pairs: int, tokens: int) -> Header:
    """What the store says of itself."""
    return Header(
        pairs=pairs,
        held_out=0,
        tokens=tokens,
        width=2,
        vocabulary="",
        corpus="",
        settings={},
        cleaning={},
        dropped={},
        files=[{"name": "invented.tsv"}],
        lengths=[[], []],
        checksums={},
    )


def timed(what: Callable[..., Any], *arguments: object) -> tuple[float, Any]:
    """The seconds of a call, and what it gave."""
    began = time.perf_counter()
    found = what(*arguments)
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()

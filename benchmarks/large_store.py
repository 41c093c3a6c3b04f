"""Token stores of any size made of a real one, without a corpus of that size.

Comes in: a real store, and how many pairs. Goes out: a store, written by the package's own writer;
either of real pairs, over and over, or of ids drawn at random. Random pairs have the lengths of a
real pair drawn at random, and ids drawn one by one from all real ones: as frequent as there, but in
an order that makes nearly every n-gram a new one, so that tables of n-grams become as large as they
can.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, bounds_of
from chatbot.corpus.store import TokenStore, write_store

AT_ONCE = 200_000
"""Pairs made at a time."""


def made_store(real: Path, path: Path, pairs: int, seed: int = 0) -> None:
    """Writes a store of so many pairs, none held out.

    Args:
        real: the store to draw from.
        path: where to write.
        pairs: how many, at least 1.
        seed: of the draws; it and `pairs` decide every byte.
    """
    with TokenStore(real) as store:
        source = store.read([(0, store.header.train)])
        header = store.header
    lengths = np.stack([source.question_lengths, source.reply_lengths], 1)
    drawn = _drawn(lengths, pairs, seed)
    header = header._replace(
        pairs=pairs, held_out=0, openings=0, tokens=sum(int(part.sum()) for part in drawn)
    )
    write_store(path, header, _parts(drawn, source.tokens, seed))


def stretched_store(real: Path, path: Path, pairs: int) -> None:
    """Writes a store of so many of the real pairs to train on, from the first one again and again.

    Args:
        real: the store to read; the pairs that it holds out are held out again.
        path: where to write.
        pairs: how many to train on, at least 1.
    """
    with TokenStore(real) as store:
        header = store.header
        runs = [
            (first, min(first + AT_ONCE, header.train, pairs - before))
            for before in range(0, pairs, header.train)
            for first in range(0, min(header.train, pairs - before), AT_ONCE)
        ]
        runs = [*runs, (header.train, header.pairs)]
        parts = (store.read([run]) for run in runs)
        tokens = sum(len(part.tokens) for part in parts)
        total = pairs + header.held_out
        header = header._replace(pairs=total, openings=0, tokens=tokens)
        write_store(path, header, (store.read([run]) for run in runs))


def _drawn(lengths: NDArray[np.int64], pairs: int, seed: int) -> list[NDArray[np.uint16]]:
    """Tokens of question and reply of every pair, [at most AT_ONCE, 2] each."""
    generator = np.random.default_rng([seed, 0])
    small = lengths.astype(np.uint16)
    sizes = [min(AT_ONCE, pairs - first) for first in range(0, pairs, AT_ONCE)]
    return [small[generator.integers(len(small), size=size)] for size in sizes]


def _parts(
    drawn: list[NDArray[np.uint16]], tokens: NDArray[np.int32], seed: int
) -> Iterator[EncodedPairs]:
    generator = np.random.default_rng([seed, 1])
    for number, lengths in enumerate(drawn):
        bounds = bounds_of(lengths.ravel().astype(np.int64))
        ids = tokens[generator.integers(len(tokens), size=bounds[-1])]
        sources = np.zeros((len(lengths), 4), np.int64)
        sources[:, 1] = np.arange(len(lengths)) + number * AT_ONCE
        yield EncodedPairs(ids, bounds, sources)

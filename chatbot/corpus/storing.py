"""The segmented corpus and its vocabulary -> the token store.

Comes in: pairs in provisional ids, part by part, and the ways to the final ones. Goes out: the
store, training pairs first, held-out pairs last, each in the order of their hashes. Memory holds
one part at a time. Knows nothing of how the vocabulary was chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.choosing import Chosen
from chatbot.corpus.doctor.census import LENGTH_BINS, histogram
from chatbot.corpus.doctor.survey import FileFacts
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.recoding import Recoding
from chatbot.corpus.repeats import Marks
from chatbot.corpus.sampler import scramble
from chatbot.corpus.segmented import Progress, Segmented
from chatbot.corpus.spill import PARTS, Block, sizes_of
from chatbot.corpus.store import Header, token_width, write_store
from chatbot.corpus.tokenizer import make_speller
from chatbot.corpus.words import words_of
from chatbot.errors import ChatbotError


def store_pairs(
    segmented: Segmented,
    marks: Marks,
    chosen: Chosen,
    dropped: dict[str, int],
    path: Path,
    progress: Callable[[Progress], None] = lambda progress: None,
    *,
    shards: int = 1,
) -> Header:
    """Writes the store.

    Args:
        segmented: the corpus.
        marks: pairs left out.
        chosen: its vocabulary.
        dropped: how many pairs were left out, by reason, for the header.
        path: where to write; a file beside it is used meanwhile.
        progress: told now and then how far it is.
        shards: in how many files.

    Returns:
        The header of the store, its checksums aside.

    Raises:
        ChatbotError: all pairs would be held out.
    """
    writer = _Writer(segmented, marks, chosen)
    summary = writer.summarise()
    pairs = segmented.spill.pairs - marks.count
    if summary.held_out == pairs:
        raise ChatbotError(f"--holdout: holds out all {pairs:,} pairs. Leave some to train on.")
    header = Header(
        pairs=pairs + summary.openings,
        held_out=summary.held_out,
        openings=summary.openings,
        tokens=chosen.tokens + summary.tokens,
        width=token_width(len(chosen.vocabulary)),
        vocabulary=chosen.vocabulary.digest,
        corpus=summary.digest,
        settings=chosen.vocabulary.config.as_dict(),
        cleaning=segmented.cleaning.as_dict(),
        dropped=dropped,
        files=[_described(facts) for facts in segmented.files],
        lengths=summary.lengths.tolist(),
        checksums={},
    )
    with path.with_suffix(".held").open("w+b") as aside:
        write_store(path, header, writer.parts(aside, header.pairs, progress), shards)
    path.with_suffix(".held").unlink()
    return header


def _described(facts: FileFacts) -> dict[str, Any]:
    """What the store keeps of a corpus file."""
    kept = ("name", "format", "encoding", "pairs", "skipped", "dropped")
    return {name: getattr(facts, name) for name in kept}


@dataclass
class _Summary:
    held_out: int
    openings: int
    tokens: int
    """of the openings"""
    digest: str
    lengths: NDArray[np.int64]


class _Writer:
    """Goes through the parts of a segmented corpus in store order."""

    def __init__(self, segmented: Segmented, marks: Marks, chosen: Chosen) -> None:
        self._segmented, self._marks, self._chosen = segmented, marks, chosen
        self._recoding = lru_cache(maxsize=1)(lambda path: Recoding.load(path))

    def _blocks(self, part: int) -> Iterator[tuple[Block, Recoding]]:
        for generation, path in enumerate(self._chosen.recodings):
            block = self._segmented.spill.read(part, generation).keep(self._marks.parts[part])
            if len(block.rows):
                yield block, self._recoding(path)

    def summarise(self) -> _Summary:
        """What the header needs to know of the pairs before they are written."""
        held_out = openings = tokens = 0
        digest = hashlib.sha256()
        lengths = np.zeros((2, LENGTH_BINS), np.int64)
        for part in range(PARTS):
            orders, kept = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
            for block, recoding in self._blocks(part):
                orders.append(self._segmented.order(block.rows))
                held, opening = self._chosen_of(block.rows)
                kept.append(orders[-1][held])
                held_out += int(held.sum())
                openings += int(opening.sum())
                orders.append(_of_openings(orders[-1][opening]))
                sizes = recoding.sizes(block.rows, block.ids)
                alone = sizes[opening, 0]
                tokens += int(alone.sum())
                asked = np.append(sizes[~held, 0], np.ones_like(alone))
                said = np.append(sizes[~held, 1], alone)
                lengths += [histogram(asked), histogram(said + 1)]
            digest.update(np.sort(np.concatenate(orders)).tobytes())
            digest.update(np.sort(np.concatenate(kept)).tobytes())
        return _Summary(held_out, openings, tokens, digest.hexdigest(), lengths)

    def _chosen_of(self, rows: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows are held out, and of which others the question is learned as an opening."""
        held = self._chosen.held_out.among(rows["stretch"], self._segmented.pair_hashes(rows))
        return held, self._chosen.openings.any() & (rows["opens"] > 0) & ~held

    def parts(
        self, aside: IO[bytes], total: int, progress: Callable[[Progress], None]
    ) -> Iterator[EncodedPairs]:
        """The training pairs in store order, then the held-out pairs, meanwhile put aside."""
        done = 0
        for part in range(PARTS):
            pairs, held = self._sorted_part(part)
            done += len(pairs)
            progress(Progress("writing", done, done, total))
            if held.any():
                kept = pairs.take(np.flatnonzero(held))
                for array in (kept.tokens, kept.bounds, kept.sources):
                    np.save(aside, array)
                pairs = pairs.take(np.flatnonzero(~held))
            if len(pairs):
                yield pairs
        end = aside.tell()
        aside.seek(0)
        while aside.tell() < end:
            yield EncodedPairs(np.load(aside), np.load(aside), np.load(aside))

    def _sorted_part(self, part: int) -> tuple[EncodedPairs, NDArray[np.bool_]]:
        """The pairs and openings of a part in store order, and which are held out."""
        encoded, held, orders = [], [np.zeros(0, np.bool_)], [np.zeros(0, np.uint64)]
        for block, recoding in self._blocks(part):
            rows, ids = block.rows, block.ids
            mine, opening = self._chosen_of(rows)
            places = self._segmented.order(rows)
            encoded += [recoding.pairs(rows, ids), recoding.openings(rows, ids, opening)]
            held += [mine, np.zeros(int(opening.sum()), np.bool_)]
            orders += [places, _of_openings(places[opening])]
        pairs = EncodedPairs.concatenate(encoded)
        file, line = pairs.sources[:, 0], pairs.sources[:, 1]
        order = np.lexsort((line, file, np.concatenate(orders)))
        return pairs.take(order), np.concatenate(held)[order]


def _of_openings(orders: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The places of openings in the store, as hashes of those of their pairs, in the same part."""
    bits = np.uint64(PARTS.bit_length() - 1)
    rest = np.uint64(64) - bits
    return orders >> rest << rest | scramble(orders) >> bits


def texts_at(segmented: Segmented, places: Sequence[int]) -> list[str]:
    """The replies at some places of the spill, as text."""
    tokenizer = make_speller(segmented.settings.tokenizer)
    found = dict.fromkeys(places, "")
    wanted = {(place >> 32, place & 0xFFFFFFFF): place for place in places}
    parts = sorted({part for part, _ in wanted})
    for generation in range(len(segmented.words.sizes)):
        words: list[str] = []
        for part in parts:
            block = segmented.spill.read(part, generation)
            ends = np.cumsum(sizes_of(block.rows))
            numbers = [number for of, number in wanted if of == part]
            for at in np.flatnonzero(np.isin(block.numbers, numbers)).tolist():
                words = words or words_of(segmented.folder, generation)
                ids = block.ids[int(ends[at]) - int(block.rows["reply"][at]) : int(ends[at])]
                place = wanted[part, int(block.numbers[at])]
                found[place] = tokenizer.text(words[id] for id in ids.tolist())
    return [found[place] for place in places]

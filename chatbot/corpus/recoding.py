"""Provisional ids -> final ids.

Comes in: chunks of cut pairs, and later the vocabulary chosen by the counts of their words. Goes
out: provisional ids, one for each distinct word in order of appearance; then pairs with the ids of
the vocabulary. Knows nothing of files.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.cutting import Chunk
from chatbot.corpus.encoded import EncodedPairs, bounds_of, indices_of_runs
from chatbot.corpus.tokenizer import Tokenizer
from chatbot.corpus.vocabulary import UNK, Vocabulary


@dataclass
class Words:
    """All distinct words so far with their provisional ids and counts."""

    ids: dict[str, int] = field(default_factory=dict)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 12, np.int64))

    def add(self, chunk: Chunk) -> NDArray[np.int32]:
        """The chunk's ids as provisional ids; counts them."""
        ids = self.ids
        here = np.fromiter((ids.setdefault(word, len(ids)) for word in chunk.words), np.int32)
        if len(ids) > len(self.counts):
            self.counts = np.concatenate([self.counts, np.zeros(len(ids), np.int64)])
        self.counts[here] += np.bincount(chunk.ids, minlength=len(chunk.words))
        return here[chunk.ids]


class Recoding:
    """Provisional ids -> final ids, several for a word that is spelled.

    Attributes:
        lengths: final ids of every word, int64.
        unknown: UNK among them, int64.
        lost: characters of every word that its final ids do not give back, int64.
    """

    def __init__(self, words: Words, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
        """Spells every word that is not in the vocabulary, once."""
        spelled = [vocabulary.encode([word], tokenizer) for word in words.ids]
        self.lengths = np.fromiter(map(len, spelled), np.int64, len(spelled))
        self.starts = bounds_of(self.lengths)[:-1]
        self.flat = np.fromiter(itertools.chain.from_iterable(spelled), np.int32)
        per_unk = np.fromiter(map(_hidden, words.ids), np.int64, len(spelled))
        if vocabulary.config.rare == "characters":
            per_unk = np.minimum(per_unk, 1)
        unknown = np.add.reduceat(self.flat == UNK, self.starts) if len(spelled) else per_unk
        self.unknown = unknown.astype(np.int64)
        self.lost = self.unknown * per_unk

    def pairs(self, rows: NDArray[Any], ids: NDArray[np.int32]) -> EncodedPairs:
        """The rows, in their order, with final ids."""
        halves = np.stack([rows["question"], rows["reply"]], 1).ravel().astype(np.int64)
        ends = bounds_of(halves)
        lengths = self.lengths[ids]
        tokens = self.flat[indices_of_runs(self.starts[ids], lengths)]
        lost = np.diff(bounds_of(self.lost[ids])[ends])[1::2]
        sources = np.stack([rows["file"], rows["line"], rows["characters"], lost], 1)
        return EncodedPairs(tokens, bounds_of(lengths)[ends], sources.astype(np.int64))


def _hidden(word: str) -> int:
    return 0 if word == "##" else len(word)

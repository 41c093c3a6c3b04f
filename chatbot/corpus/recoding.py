"""Provisional ids -> final ids.

Comes in: the words of a generation, and the vocabulary chosen by the counts of all. Goes out: pairs
with the ids of the vocabulary. Knows nothing of how the words were counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, bounds_of, indices_of_runs
from chatbot.corpus.tokenizer import Tokenizer
from chatbot.corpus.vocabulary import UNK, Vocabulary


class Recoding:
    """Provisional ids of one generation -> final ids, several for a word that is spelled.

    Attributes:
        lengths: final ids of every word, int64.
        flat: the final ids, word after word, int32.
        unknown: UNK among those of every word, int64.
        lost: characters of every word that its final ids do not give back, int64.
    """

    def __init__(
        self,
        lengths: NDArray[np.int64],
        flat: NDArray[np.int32],
        unknown: NDArray[np.int64],
        lost: NDArray[np.int64],
    ) -> None:
        """Puts the parts together; most callers want `of` or `load`."""
        self.lengths, self.flat, self.unknown, self.lost = lengths, flat, unknown, lost
        self._starts = bounds_of(lengths)[:-1]

    @classmethod
    def of(cls, words: Sequence[str], tokenizer: Tokenizer, vocabulary: Vocabulary) -> Self:
        """Spells every word that is not in the vocabulary, once."""
        spelled = [vocabulary.encode([word], tokenizer) for word in words]
        lengths = np.fromiter(map(len, spelled), np.int64, len(spelled))
        flat = np.fromiter(itertools.chain.from_iterable(spelled), np.int32)
        per_unk = np.fromiter(map(_hidden, words), np.int64, len(spelled))
        if vocabulary.config.rare == "characters":
            per_unk = np.minimum(per_unk, 1)
        unknown = per_unk
        if len(spelled):
            unknown = np.add.reduceat(flat == UNK, bounds_of(lengths)[:-1]).astype(np.int64)
        return cls(lengths, flat, unknown, unknown * per_unk)

    def save(self, path: Path) -> None:
        """Sets it aside for `load` in the scratch folder of the same build."""
        with path.open("wb") as file:
            for array in (self.lengths, self.flat, self.unknown, self.lost):
                np.save(file, array)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote."""
        with path.open("rb") as file:
            return cls(*(np.load(file) for _ in range(4)))

    def sizes(self, rows: NDArray[Any], ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """The final ids of the question and of the reply of every row, [B, 2]."""
        sizes: NDArray[np.int64] = np.diff(bounds_of(self.lengths[ids])[_halves(rows)])
        return sizes.reshape(-1, 2)

    def pairs(self, rows: NDArray[Any], ids: NDArray[np.int32]) -> EncodedPairs:
        """The rows, in their order, with final ids."""
        ends = _halves(rows)
        lengths = self.lengths[ids]
        tokens = self.flat[indices_of_runs(self._starts[ids], lengths)]
        lost = np.diff(bounds_of(self.lost[ids])[ends])[1::2]
        sources = np.stack([rows["file"], rows["line"], rows["characters"], lost], 1)
        return EncodedPairs(tokens, bounds_of(lengths)[ends], sources.astype(np.int64))

    def openings(
        self, rows: NDArray[Any], ids: NDArray[np.int32], chosen: NDArray[np.bool_]
    ) -> EncodedPairs:
        """What was asked in the chosen rows, said to no question: pairs of an empty question.

        They stand where their pairs do, on the line of the reply.
        """
        halves = np.stack([chosen, np.zeros_like(chosen)], 1).ravel()
        asked = ids[np.repeat(halves, np.diff(_halves(rows)))]
        alone = rows[chosen]  # a copy
        alone["reply"], alone["characters"] = rows["question"][chosen], rows["opens"][chosen]
        alone["question"] = 0
        return self.pairs(alone, asked)


def _halves(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Where among their provisional ids the questions and replies of some rows begin and end."""
    return bounds_of(np.stack([rows["question"], rows["reply"]], 1).ravel().astype(np.int64))


def _hidden(word: str) -> int:
    return 0 if word == "##" else len(word)

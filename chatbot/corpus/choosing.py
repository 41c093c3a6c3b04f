"""The segmented corpus -> its vocabulary.

Comes in: a segmented corpus and which of its pairs are left out. Goes out: the vocabulary, the ways
from provisional ids to its own, which pairs are held out, and what other cut-offs would have given.
Memory holds one generation of words at a time. Knows nothing of the store.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.config import DEFAULT_MIN_FREQ, CorpusConfig
from chatbot.corpus.doctor.census import LENGTH_BINS, histogram
from chatbot.corpus.doctor.survey import Cutoff
from chatbot.corpus.holdout import HeldOut, Holdout
from chatbot.corpus.recoding import Recoding
from chatbot.corpus.repeats import Marks
from chatbot.corpus.segmented import Segmented
from chatbot.corpus.spill import PARTS
from chatbot.corpus.tokenizer import JOIN, SEPARATOR, Tokenizer, make_speller
from chatbot.corpus.vocabulary import (
    SPECIAL,
    UNK,
    Candidates,
    Vocabulary,
    choose_entries,
    count_entries,
    fixed_entries,
    make_vocabulary,
)
from chatbot.corpus.words import Counts, words_of
from chatbot.errors import ChatbotError

_CUTOFFS = (*range(1, 21), 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)


_PAIRS_OF_AN_OPENING = 3
"""Pairs to an opening, at least, where openings are learned unasked."""


@dataclass
class Chosen:
    """A vocabulary, and what else the counting of words has shown.

    Attributes:
        vocabulary: the vocabulary with all its counts.
        recodings: for every generation of words the file of its `Recoding`.
        tokens: tokens of the encoded corpus.
        held_out: which pairs are held out.
        openings: histogram by words of what opens conversations, if that is learned, too, else
            zeros, int64 [LENGTH_BINS].
        words: running words of the corpus.
        distinct: distinct words among them.
        covered: running words that are entries themselves.
        characters: distinct characters of the corpus, a blank where none is expected included.
        cutoffs: what other cut-offs would give.
        lengths: histograms of questions and of replies by words, int64 [2, LENGTH_BINS].
    """

    vocabulary: Vocabulary
    recodings: list[Path]
    tokens: int
    held_out: HeldOut
    openings: NDArray[np.int64]
    words: int
    distinct: int
    covered: int
    characters: int
    cutoffs: list[Cutoff]
    lengths: NDArray[np.int64]

    @property
    def unknown(self) -> int:
        """Tokens of the encoded corpus that are UNK."""
        return self.vocabulary.counts[UNK]


def choose(
    segmented: Segmented, marks: Marks, config: CorpusConfig, fixed: Path | None, scratch: Path
) -> Chosen:
    """Chooses the vocabulary of a segmented corpus.

    Args:
        segmented: the corpus.
        marks: pairs left out.
        config: the cut-offs and the share held out.
        fixed: a file with the vocabulary to take as it is, or None.
        scratch: a folder for temporary files.

    Raises:
        ChatbotError: not one word reaches the cut-off, all pairs are held out, or `fixed` is
            unusable.
    """
    free = {name: getattr(config, name) for name in CorpusConfig.free()}
    config = dataclasses.replace(segmented.settings, **free)
    tokenizer = make_speller(config.tokenizer)
    pairs = segmented.spill.pairs - marks.count
    holdout = Holdout(config.holdout)
    paths, lengths = _count(segmented, marks, holdout, scratch)
    held_out = _held_out(segmented, marks, holdout.limit(pairs))
    words = Counts(scratch, segmented.folder, paths)
    candidates = Candidates.of(words, tokenizer, config)
    order, keep_order = None, False
    if fixed is not None:
        order, keep_order = fixed_entries(fixed, config)
    entries = set(order) if order is not None else choose_entries(candidates, config, pairs)
    if not entries:
        least = config.min_freq or DEFAULT_MIN_FREQ
        raise ChatbotError(
            f"--min-freq: not one word is seen {least} times. Give a lower one: --min-freq 1."
        )
    counted = count_entries(entries, words, tokenizer, config.rare)
    vocabulary = make_vocabulary(counted, pairs, 0, config, order if keep_order else None)
    recodings, tokens, unknown = _recodings(segmented, vocabulary, tokenizer, paths, scratch)
    return Chosen(
        vocabulary=dataclasses.replace(
            vocabulary, counts=(0, 0, pairs, unknown, *vocabulary.counts[len(SPECIAL) :])
        ),
        recodings=recodings,
        tokens=tokens,
        held_out=held_out,
        openings=lengths[2] * _with_openings(config.openings, held_out, lengths[2].sum(), pairs),
        words=words.total,
        distinct=words.distinct,
        covered=sum(n for word, n in words if word in entries),
        characters=_distinct_characters(words),
        cutoffs=cutoffs_of(words, words.total, candidates),
        lengths=lengths[:2],
    )


def _distinct_characters(words: Iterable[tuple[str, int]]) -> int:
    """How many characters words are made of; what is no text of the corpus is no character."""
    found: set[str] = set()
    for word, _ in words:
        if word not in (JOIN, SEPARATOR):
            found.update(word)
    return len(found)


def _count(
    segmented: Segmented, marks: Marks, holdout: Holdout, scratch: Path
) -> tuple[list[Path], NDArray[np.int64]]:
    """Counts the words of every generation into a file of its own.

    And questions, replies and openings by their lengths, [3, LENGTH_BINS].
    """
    lengths = np.zeros((3, LENGTH_BINS), np.int64)
    paths = []
    for generation, size in enumerate(segmented.words.sizes):
        counts = np.zeros(size, np.int64)
        for part in range(PARTS):
            block = segmented.spill.read(part, generation).keep(marks.parts[part])
            if len(block.rows):
                counts += np.bincount(block.ids, minlength=size)
                holdout.add(block.rows["stretch"])
                asked, said = block.rows["question"], block.rows["reply"]
                opening = asked[block.rows["opens"] > 0]
                lengths += [histogram(side) for side in (asked, said, opening)]
        paths.append(scratch / f"counts-{generation:03}.npy")
        np.save(paths[-1], counts)
    return paths, lengths


def _with_openings(asked: bool | None, held_out: HeldOut, openings: int, pairs: int) -> bool:
    """Whether openings are learned: never where no pair is held out.

    Where each question opens a conversation they would be half of what is learned, and questions
    may be of another kind than replies.
    """
    wanted = asked if asked is not None else _PAIRS_OF_AN_OPENING * openings <= pairs
    return wanted and held_out.distinct > 0


def _held_out(segmented: Segmented, marks: Marks, below: int) -> HeldOut:
    """Which pairs are held out where their keys are below a limit."""

    def read() -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
        """Keys and hashes of all pairs, a part at a time."""
        for part in range(PARTS):
            rows = segmented.spill.read(part).keep(marks.parts[part]).rows
            yield rows["stretch"], segmented.pair_hashes(rows)

    return HeldOut.of(below, segmented.spill.pairs - marks.count, read)


def _recodings(
    segmented: Segmented,
    vocabulary: Vocabulary,
    tokenizer: Tokenizer,
    counts: list[Path],
    scratch: Path,
) -> tuple[list[Path], int, int]:
    """The way to the final ids for every generation; all tokens, and how many are UNK."""
    paths, tokens, unknown = [], 0, 0
    for generation, path in enumerate(counts):
        n = np.load(path)
        recoding = Recoding.of(words_of(segmented.folder, generation), tokenizer, vocabulary)
        tokens += int((recoding.lengths * n).sum())
        unknown += int((recoding.unknown * n).sum())
        paths.append(scratch / f"recoding-{generation:03}")
        recoding.save(paths[-1])
    return paths, tokens, unknown


def cutoffs_of(
    words: Iterable[tuple[str, int]], total: int, candidates: Candidates
) -> list[Cutoff]:
    """What every cut-off would give, had the vocabulary room for all.

    Args:
        words: every distinct word with its count.
        total: the sum of these counts.
        candidates: the characters with theirs.
    """
    characters = candidates.characters
    entries: Counter[int] = Counter(characters.values())  # by the count that decides
    covered: Counter[int] = Counter()
    for word, n in words:
        deciding = characters.get(word, n)
        covered[deciding] += n
        if word not in characters:
            entries[deciding] += 1
    found = []
    for least in _CUTOFFS:
        size = sum(many for n, many in entries.items() if n >= least)
        known = sum(running for n, running in covered.items() if n >= least)
        found.append(Cutoff(least, len(SPECIAL) + size, 1 - known / total if total else 0.0))
    return found

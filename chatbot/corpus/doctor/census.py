"""What can be counted about pairs while they pass: lengths, scripts, echoes, blanks between words.

Comes in: the questions and replies of a chunk. Goes out: a `Census`, counts that add up. Knows
nothing of words, of files or of what the counts mean; `advice` judges them.

It runs beside the cutting of every pair, so it works on all characters of a chunk at once, as one
array of code points: 1 us a pair.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chatbot.corpus.doctor.scripts import BLANK, HAN, LATIN, LETTER, SIMPLIFIED, TRADITIONAL, kinds
from chatbot.corpus.formats.people import SPEAKERS, STAMPED

LENGTH_BINS = 1025
"""Bins of a length histogram: 0 to 1,023, and all longer ones together."""

SCRIPTS = ("simplified", "traditional", "chinese", "mixed", "latin", "other")
"""Scripts of an utterance: Chinese of one script, or told by no character; Chinese with Latin
words; Latin letters; anything else, or no letters at all."""

JUDGED_CHARACTERS = 6
"""Chinese characters from which on an utterance shows whether it is cut into words: in a shorter
one, two blanks may as well be punctuation."""

WORD_CHARACTERS = 2.2
"""Chinese characters in a row, on average, up to which blanks are taken to stand between words.
Words cut by jieba have 1.5 to 1.8 in conversations; what subtitles put between their blanks is
phrases of 4 to 8."""

_STAMPS = frozenset("[0123456789")
"""What an utterance with a date and a time in front begins with."""


def _none_yet() -> NDArray[np.int64]:
    return np.zeros((2, LENGTH_BINS), np.int64)


@dataclass
class Census:
    """What was counted about some pairs.

    A question that brings earlier turns along, a line each, is judged by its last one.

    Attributes:
        pairs: how many.
        echoes: pairs whose reply equals the question.
        utterances: questions and replies, so that one that is both counts twice.
        judged: utterances with at least `JUDGED_CHARACTERS` Chinese characters.
        segmented: of these, the ones already cut into words or characters by blanks.
        named: utterances that begin with the name of a speaker.
        stamped: utterances that begin with a date and a time.
        scripts: utterances by script, see `SCRIPTS`.
        characters: histograms of questions, earlier turns and the line ends between them included,
            and of replies by characters, int64 [2, LENGTH_BINS].
    """

    pairs: int = 0
    echoes: int = 0
    utterances: int = 0
    judged: int = 0
    segmented: int = 0
    named: int = 0
    stamped: int = 0
    scripts: Counter[str] = field(default_factory=Counter)
    characters: NDArray[np.int64] = field(default_factory=_none_yet)

    def add(self, other: Census) -> None:
        """Takes in what was counted about other pairs."""
        self.pairs += other.pairs
        self.echoes += other.echoes
        self.utterances += other.utterances
        self.judged += other.judged
        self.segmented += other.segmented
        self.named += other.named
        self.stamped += other.stamped
        self.scripts.update(other.scripts)
        self.characters += other.characters

    def as_dict(self) -> dict[str, Any]:
        """The counts as values ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {
            "scripts": dict(self.scripts),
            "characters": [np.trim_zeros(side, "b").tolist() for side in self.characters],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Census:
        """The counts that `as_dict` gave."""
        characters = _none_yet()
        for side, counts in zip(characters, values["characters"], strict=True):
            side[: len(counts)] = counts
        known = {"scripts": Counter(values["scripts"]), "characters": characters}
        return cls(**{**values, **known})

    @classmethod
    def of(cls, questions: Sequence[str], replies: Sequence[str]) -> Census:
        """Counts some pairs.

        Args:
            questions: one for each reply; if there are earlier turns before it, a line each.
            replies: one line each.
        """
        if not replies:
            return cls()
        asked = [question.rpartition("\n")[2] for question in questions]
        utterances = [*asked, *replies]
        judged, segmented, scripts = _judge(utterances)
        lengths = [histogram([len(one) for one in side]) for side in (questions, replies)]
        return cls(
            pairs=len(replies),
            echoes=sum(map(str.__eq__, asked, replies)),
            utterances=2 * len(replies),
            judged=judged,
            segmented=segmented,
            named=sum(SPEAKERS.match(u) is not None for u in utterances if ":" in u or "：" in u),
            stamped=sum(STAMPED.match(u) is not None for u in utterances if u[:1] in _STAMPS),
            scripts=scripts,
            characters=np.stack(lengths),
        )


def histogram(lengths: ArrayLike) -> NDArray[np.int64]:
    """How many have each length, int64 [LENGTH_BINS]; the last bin counts all longer ones."""
    return np.bincount(np.minimum(lengths, LENGTH_BINS - 1), minlength=LENGTH_BINS)


def _judge(utterances: list[str]) -> tuple[int, int, Counter[str]]:
    """Utterances long enough to judge, those cut into words, and all by script."""
    text = "\n".join(utterances) + "\n"
    # Lone surrogates, from JSON escapes, are no characters of UTF-32 but may stand in a str.
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    kind = kinds()[points]
    lengths = np.fromiter(map(len, utterances), np.int64, len(utterances)) + 1
    starts = np.cumsum(lengths) - lengths
    han = np.add.reduceat(kind & HAN, starts, dtype=np.int64)
    judged = han >= JUDGED_CHARACTERS
    segmented = judged & (han <= WORD_CHARACTERS * _pieces(kind, starts))
    return int(judged.sum()), int(segmented.sum()), _scripts(kind, starts, han)


def _pieces(kind: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The parts between blanks that hold Chinese characters, in every utterance."""
    telling = np.flatnonzero(kind & (HAN | BLANK))
    blank = kind[telling] == BLANK
    opens = np.zeros(len(kind), bool)
    opens[telling[1:]] = blank[:-1] & ~blank[1:]
    opens[telling[:1]] = not blank[0]
    return np.add.reduceat(opens, starts, dtype=np.int64)


def _scripts(
    kind: NDArray[np.uint8], starts: NDArray[np.int64], han: NDArray[np.int64]
) -> Counter[str]:
    """Utterances by script."""
    bits = np.bitwise_or.reduceat(kind, starts)
    latin = (kind & LATIN) != 0
    words = np.zeros(len(kind), bool)
    words[:-1] = latin[:-1] & latin[1:]
    has_words = np.logical_or.reduceat(words, starts)
    simplified = np.add.reduceat((kind & SIMPLIFIED) != 0, starts, dtype=np.int64)
    traditional = np.add.reduceat((kind & TRADITIONAL) != 0, starts, dtype=np.int64)
    chinese = (han > 0) & ((bits & LETTER) == 0)
    plain = chinese & ~has_words
    counts = {
        "simplified": plain & (simplified > traditional),
        "traditional": plain & (traditional > simplified),
        "chinese": plain & (traditional == simplified),
        "mixed": chinese & has_words,
        "latin": (han == 0) & ((bits & LATIN) != 0) & ((bits & LETTER) == 0),
    }
    found = Counter({name: int(members.sum()) for name, members in counts.items()})
    found["other"] = len(starts) - found.total()
    return +found

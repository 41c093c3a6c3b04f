"""What is known of corpora once they have been read: the facts, and nothing made of them.

Comes in: what the pass over the corpora counted. Goes out: dataclasses, and the same as values
ready for JSON. Knows nothing of what is good or bad (`advice`) or of how it is shown (`cli`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import DEFAULT_MIN_FREQ, CorpusConfig
from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.files.encodings import spoken

SIDES = ("questions", "replies")
"""The rows of a table of two histograms."""


@dataclass
class FileFacts:
    """What is known of one corpus file.

    Attributes:
        name: the name of the file, without its folder; of two that belong together, of both.
        format: the format it was read in.
        evidence: why this format, a clause that can be checked.
        encoding: the Python codec it was decoded with.
        pairs: pairs that came of it, after cleaning.
        skipped: lines or records that gave nothing, by reason.
        dropped: pairs left out by cleaning, by rule.
        bad_bytes: places that are not in the encoding, each of a byte or more.
        faults: where some of them stand.
        mixed: lines found in another encoding, by encoding.
        normalised: utterances changed, by rule.
        first: its first pairs, as they are learned from.
        digest: the same for the same pairs in any order, another for others.
        path: the file as it was named; empty where it was read by an earlier build, as no file has
            a path of this machine in it.
    """

    name: str
    format: str
    evidence: str = ""
    encoding: str = "utf-8"
    pairs: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    bad_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    mixed: dict[str, int] = field(default_factory=dict)
    normalised: dict[str, int] = field(default_factory=dict)
    first: list[list[str]] = field(default_factory=list)
    digest: int = 0
    path: str = ""

    @property
    def shown(self) -> str:
        """What tells it from other files: its path, where that is known."""
        return self.path or self.name

    @property
    def spoken_encoding(self) -> str:
        """What people call its encoding, or the two of two files."""
        return "+".join(map(spoken, self.encoding.split("+")))

    @property
    def spoken_mixed(self) -> dict[str, int]:
        """Lines found in another encoding, by what people call it."""
        return {spoken(encoding): lines for encoding, lines in self.mixed.items()}

    def as_dict(self) -> dict[str, Any]:
        """The facts as values ready for JSON, the path aside."""
        facts = dataclasses.asdict(self)
        del facts["path"]
        return facts

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FileFacts:
        """The facts that `as_dict` gave."""
        return cls(**values)


@dataclass
class Cutoff:
    """What a `--min-freq` would give, were there no `--max-size`.

    Attributes:
        min_freq: how often a word or character has to be seen.
        entries: size of the vocabulary, special entries included.
        unknown: share of the running words that would be no entry themselves, 0 to 1.
    """

    min_freq: int
    entries: int
    unknown: float


def _none_yet() -> NDArray[np.int64]:
    return np.zeros((2, LENGTH_BINS), np.int64)


def _no_openings() -> NDArray[np.int64]:
    return np.zeros(LENGTH_BINS, np.int64)


@dataclass
class Survey:
    """What is known of corpora.

    Attributes:
        files: each file.
        left_out: files in folders and archives that were left out, and why.
        census: what was counted about the pairs as they passed.
        dropped: pairs left out by cleaning, by rule.
        pairs: pairs that are left.
        distinct_pairs: different ones among all `census.pairs` that were read, repeats included.
        distinct_questions: different questions among those.
        distinct_replies: different replies among those.
        top_replies: the most frequent replies with their counts, most frequent first.
        tokens: histograms of questions and replies by words and marks, as they are cut, before
            rare words are spelled; no ends included; int64 [2, LENGTH_BINS].
        openings: histogram of what is learned as said to no question, in the same way.
        words: running words, marks included.
        distinct_words: different words.
        distinct_characters: different characters.
        cutoffs: what vocabularies of several sizes would leave out, ascending by `min_freq`.
        chosen: what the vocabulary of the settings leaves out, with its true size.
        text_bytes: bytes of the files on disk.
        seconds: how long reading took.
        peak_bytes: the most memory the reading process took.
        settings: the `CorpusConfig` it was cut with.
        cleaning: the `CleaningConfig` that was applied.
    """

    files: list[FileFacts] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    census: Census = field(default_factory=Census)
    dropped: dict[str, int] = field(default_factory=dict)
    pairs: int = 0
    distinct_pairs: int = 0
    distinct_questions: int = 0
    distinct_replies: int = 0
    top_replies: list[tuple[str, int]] = field(default_factory=list)
    tokens: NDArray[np.int64] = field(default_factory=_none_yet)
    openings: NDArray[np.int64] = field(default_factory=_no_openings)
    words: int = 0
    distinct_words: int = 0
    distinct_characters: int = 0
    cutoffs: list[Cutoff] = field(default_factory=list)
    chosen: Cutoff | None = None
    text_bytes: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    cleaning: dict[str, Any] = field(default_factory=dict)

    def vocabulary(self, max_size: int | None = None) -> Cutoff:
        """What a vocabulary leaves out; between two known cut-offs, a mean of theirs.

        Args:
            max_size: most entries, special ones included; default: that of the settings.
        """
        if max_size is None and self.chosen is not None:
            return self.chosen
        least = self.settings.get("min_freq") or DEFAULT_MIN_FREQ
        most = max_size or self.settings.get("max_size") or CorpusConfig().max_size
        known = [one for one in self.cutoffs if one.min_freq >= least] or self.cutoffs[-1:]
        if not known:
            return Cutoff(least, 0, 0.0)
        size = min(known[0].entries, most)
        entries = [one.entries for one in reversed(known)]
        unknown = [one.unknown for one in reversed(known)]
        return Cutoff(least, size, float(np.interp(size, entries, unknown)))

    def as_dict(self) -> dict[str, Any]:
        """The facts ready for JSON: shares from 0 to 1, seconds, bytes, counts; never rounded."""
        facts = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name not in ("census", "tokens")
        }
        facts["files"] = [file.as_dict() | {"path": file.shown} for file in self.files]
        for file in facts["files"]:
            del file["digest"]
        facts["cutoffs"] = [dataclasses.asdict(cutoff) for cutoff in self.cutoffs]
        facts["chosen"] = dataclasses.asdict(self.vocabulary())
        facts["openings"] = int(self.openings.sum())
        facts["top_replies"] = [[reply, count] for reply, count in self.top_replies]
        census = self.census
        return {
            "pairs": self.pairs,
            **facts,
            "echoes": census.echoes,
            "utterances": census.utterances,
            "judged": census.judged,
            "segmented": census.segmented,
            "named": census.named,
            "stamped": census.stamped,
            "scripts": dict(census.scripts),
            "characters": _both(census.characters),
            "tokens": _both(self.tokens),
        }


def _both(lengths: NDArray[np.int64]) -> dict[str, Any]:
    return {
        side: {
            "median": percentile(counts, 0.5),
            "p95": percentile(counts, 0.95),
            "p99": percentile(counts, 0.99),
            "longest": percentile(counts, 1.0),
            "histogram": np.trim_zeros(counts, "b").tolist(),
        }
        for side, counts in zip(SIDES, lengths, strict=True)
    }


def percentile(counts: NDArray[np.int64], share: float) -> int:
    """The least length that at least this share of what was counted does not pass.

    Args:
        counts: a histogram, its last bin for all that is longer.
        share: above 0, up to 1.

    Returns:
        A length, 0 where nothing was counted; the number of the last bin means "or more".
    """
    total = int(counts.sum())
    if not total:
        return 0
    enough = np.cumsum(counts) >= share * total
    return int(np.flatnonzero(enough)[0])


def longer(counts: NDArray[np.int64], length: int) -> float:
    """The share of what was counted that is longer than a length; 0 where nothing was counted."""
    total = int(counts.sum())
    return float(counts[length + 1 :].sum() / total) if total else 0.0

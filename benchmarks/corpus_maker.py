"""Large corpora, made of a real one: its sentences with other words in them, and fresh words.

    python benchmarks/corpus_maker.py CORPUS FOLDER PAIRS... [--seed N]

CORPUS is a file of one question<TAB>reply a line, plain or .gz, in the order of its talks. Comes
in: that corpus. Goes out: for each PAIRS a file in FOLDER, and its facts as JSON beside it; what is
there already is kept. A smaller corpus of the same seed is the beginning of a larger one.

How: runs of lines in which each reply is the next question are drawn at random, whole, so lengths,
punctuation and the share of lines that continue a talk are the real ones. In every utterance the
Chinese words of two or more characters and the Latin words are exchanged for others. Utterances
that the real corpus says more than once are set phrases, of which a share stays as it is.

Words are drawn as a Pitman-Yor process would go on after the real corpus (Pitman and Yor, 1997,
https://doi.org/10.1214/aop/1024404422, with concentration 0): a known word with probability
(count - b) / n, a fresh one with probability b V / n, where b is the exponent of Heaps' law
V = K n^b, fitted to the real corpus of V distinct among n words. A fresh word has a rank r beyond
V, drawn with p(r) ~ r^(-1/b), so that common fresh words come back and distinct words go on to grow
as n^b. The word of a rank is two or three real characters, picked by a hash of the rank: no list of
them is kept, and memory does not depend on PAIRS.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import bounds_of, indices_of_runs
from chatbot.corpus.sampler import scramble

VERSION = 1
"""Part of the name of every file made; raised when a seed begins to give another text."""

KEPT = 0.65
"""Share of the set phrases that stay, which makes equal pairs as frequent as in the real corpus."""

RANKS = 0.083
"""What is added to b in p(r). Found by trial: a segmenter takes some made words apart and joins
others with their neighbours; so corrected, the distinct words that it finds follow the law."""

CHUNK = 10_000
"""Runs of lines drawn at a time."""

FITTED = 16
"""Heaps' law is fitted to the last so many-fold growth of the real corpus, as b falls slowly."""

_KINDS = (re.compile(r"[\u4e00-\u9fff]{2,}"), re.compile(r"[A-Za-z]{2,}"))
"""The words that are exchanged, each for one of its kind; fresh words are of the first."""


@dataclass
class Law:
    """Heaps' law: among n running words there are `factor` n^`exponent` distinct ones."""

    factor: float
    exponent: float

    @classmethod
    def fit(cls, n: NDArray[np.int64], distinct: NDArray[np.int64]) -> Law:
        """The law that comes nearest to some points of a curve, in logarithms."""
        exponent, shift = np.polyfit(np.log(n), np.log(distinct), 1)
        return cls(float(np.exp(shift)), float(exponent))

    def at(self, n: float) -> int:
        """The distinct words among n."""
        return int(self.factor * n**self.exponent + 0.5)


@dataclass
class Drawn:
    """Something to draw from: ids or characters, and the cumulative share of each."""

    values: NDArray[Any]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, values: Sequence[Any], weights: Sequence[float]) -> Drawn:
        """Draws each value in proportion to its weight."""
        shares = np.cumsum(np.asarray(weights, float))
        return cls(np.asarray(values), shares / shares[-1])

    def at(self, x: NDArray[np.float64]) -> NDArray[Any]:
        """The values at numbers from 0 to 1."""
        places = np.searchsorted(self.shares, x, side="right")
        return self.values[np.minimum(places, len(self.values) - 1)]


@dataclass
class Original:
    """A real corpus of U utterances in R runs, taken apart.

    Attributes:
        pieces: the distinct strings that utterances are put together from, the last of each
            utterance with a line feed.
        layout: the pieces of all utterances end to end; -1 - k stands for a word of kind k, int64.
        bounds: where the pieces of every utterance begin, and where the last end, [U + 1].
        runs: the first utterance of every run of lines, and U, [R + 1].
        words: for every kind its words, as pieces.
        characters: the characters of Chinese words.
        fresh: the chance of a fresh word instead of a Chinese one.
        law: of the words that jieba finds in questions and replies.
        facts: what is recorded of the corpus.
    """

    pieces: NDArray[np.object_]
    layout: NDArray[np.int64]
    bounds: NDArray[np.int64]
    runs: NDArray[np.int64]
    words: list[Drawn]
    characters: Drawn
    fresh: float
    law: Law
    facts: dict[str, Any]


@cache
def read(source: Path) -> Original:
    """Takes a real corpus apart; cuts it with jieba, half a minute for 200,000 pairs."""
    import jieba

    jieba.setLogLevel(logging.ERROR)
    utterances, runs = _utterances(source)
    cut = [jieba.lcut(text) for text in utterances]
    counts = Counter(word for words in cut for word in words if not word.isspace())
    law, curve = _law(cut, runs, counts)
    pieces: dict[str, int] = {}
    layout, bounds = _layout(utterances, cut, pieces)
    kinds = [[word for word in counts if kind.fullmatch(word)] for kind in _KINDS]
    chinese = sum(counts[word] for word in kinds[0])
    characters = Counter(one for word in kinds[0] for one in word * counts[word])
    words = [
        Drawn.of(
            [pieces.setdefault(word, len(pieces)) for word in kind],
            [counts[word] - law.exponent for word in kind],
        )
        for kind in kinds
    ]
    return Original(
        pieces=np.array(list(pieces), object),
        layout=layout,
        bounds=bounds,
        runs=runs,
        words=words,
        characters=Drawn.of(list(characters), list(characters.values())),
        fresh=law.exponent * len(counts) / chinese,
        law=law,
        facts={"distinct_words": len(counts), "curve": curve},
    )


def _utterances(source: Path) -> tuple[list[str], NDArray[np.int64]]:
    """The utterances of a file, each once though a reply is the next question; and the runs."""
    utterances, runs, before = list[str](), list[int](), None
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            question, reply = line.rstrip("\n").split("\t")
            if question != before:
                runs.append(len(utterances))
                utterances.append(question)
            utterances.append(reply)
            before = reply
    return utterances, np.array([*runs, len(utterances)], np.int64)


def _law(
    cut: Sequence[Sequence[str]], runs: NDArray[np.int64], counts: Counter[str]
) -> tuple[Law, list[list[int]]]:
    """Heaps' law of the words on both sides of all pairs, and the curve it was fitted to."""
    numbers = {word: number for number, word in enumerate(counts)}
    ids = [[numbers[word] for word in words if word in numbers] for words in cut]
    bounds = bounds_of(np.array([len(one) for one in ids], np.int64))
    asked = np.setdiff1d(np.arange(len(ids)), runs[1:] - 1)
    sides = np.stack([asked, asked + 1], 1).ravel()
    flat = np.array([number for one in ids for number in one], np.int64)
    running = flat[indices_of_runs(bounds[sides], np.diff(bounds)[sides])]
    first = np.sort(np.unique(running, return_index=True)[1])
    n = np.geomspace(len(running) / FITTED, len(running), 25).astype(np.int64)
    distinct = np.searchsorted(first, n)
    return Law.fit(n, distinct), np.stack([n, distinct], 1).tolist()


def _layout(
    utterances: Sequence[str], cut: Sequence[Sequence[str]], pieces: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lays all utterances out in pieces; see `Original`."""
    often = {text for text, count in Counter(utterances).items() if count > 1}
    stays = np.random.default_rng(0).random(len(utterances)) < KEPT
    layout, bounds = list[int](), [0]
    for text, words, stay in zip(utterances, cut, stays, strict=True):
        same, fixed = "", stay and text in often
        for word in words:
            kind = next((k for k, one in enumerate(_KINDS) if one.fullmatch(word)), None)
            if fixed or kind is None:
                same += word
                continue
            if same:
                layout.append(pieces.setdefault(same, len(pieces)))
            layout.append(-1 - kind)
            same = ""
        layout.append(pieces.setdefault(same + "\n", len(pieces)))
        bounds.append(len(layout))
    return np.array(layout, np.int64), np.array(bounds, np.int64)


def pairs_of(original: Original, seed: int) -> Iterator[tuple[list[str], list[str]]]:
    """Questions and their replies, made without end, a chunk at a time."""
    chunk = 0
    while True:
        rng = np.random.default_rng([VERSION, seed, chunk])
        run = rng.integers(0, len(original.runs) - 1, CHUNK)
        sizes = original.runs[run + 1] - original.runs[run]
        said = np.array(_made(original, indices_of_runs(original.runs[run], sizes), rng), object)
        ends = bounds_of(sizes)
        questions, replies = np.ones(len(said), np.bool_), np.ones(len(said), np.bool_)
        questions[ends[1:] - 1] = replies[ends[:-1]] = False
        yield said[questions].tolist(), said[replies].tolist()
        chunk += 1


def _made(original: Original, utterances: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """Utterances like some real ones, with other words."""
    starts, ends = original.bounds[utterances], original.bounds[utterances + 1]
    ids = original.layout[indices_of_runs(starts, ends - starts)]
    slots = [np.flatnonzero(ids == -1 - kind) for kind in range(len(_KINDS))]
    for at, words in zip(slots, original.words, strict=True):
        ids[at] = words.at(rng.random(len(at)))
    parts = original.pieces[ids]
    fresh = slots[0][rng.random(len(slots[0])) < original.fresh]
    exponent = 1 / (original.law.exponent + RANKS) - 1
    ranks = original.facts["distinct_words"] * rng.random(len(fresh)) ** (-1 / exponent)
    parts[fresh] = _fresh_words(original.characters, ranks.astype(np.uint64))
    return "".join(parts.tolist()).split("\n")[:-1]


def _fresh_words(characters: Drawn, ranks: NDArray[np.uint64]) -> list[str]:
    """The words of some ranks: two characters or, of 5 in 16, three."""
    bits = scramble(ranks)
    first, second, third = (
        characters.at(((bits >> np.uint64(shift)) & np.uint64(0xFFFFF)) / 2**20)
        for shift in (0, 20, 40)
    )
    words = np.char.add(first, second)
    long = (bits >> np.uint64(60)) < np.uint64(5)
    return np.where(long, np.char.add(words, third), words).tolist()  # type: ignore[no-any-return]


def made_corpus(source: Path, folder: Path, pairs: int, seed: int = 0) -> dict[str, Any]:
    """Makes a corpus unless it is there.

    Returns:
        Its facts: `path`, `pairs`, `bytes`, `law`, ... as the JSON beside it has them.
    """
    path = folder / f"{source.name.split('.')[0]}-made{VERSION}-seed{seed}-{pairs}.tsv"
    about = path.with_suffix(".json")
    known = {"version": VERSION, "seed": seed, "pairs": pairs, "source": source.name}
    known["source_crc32"] = f"{zlib.crc32(source.read_bytes()):08x}"
    if about.exists() and path.exists():
        facts = json.loads(about.read_text(encoding="utf-8"))
        if known.items() <= facts.items() and facts["bytes"] == path.stat().st_size:
            return {"path": str(path), **facts}
    folder.mkdir(parents=True, exist_ok=True)
    original = read(source)
    began = time.monotonic()
    part, left = path.with_suffix(".part"), pairs
    with part.open("wb") as file:
        for questions, replies in pairs_of(original, seed):
            lines = map("{}\t{}\n".format, questions[:left], replies[:left])
            file.write("".join(lines).encode())
            left -= min(left, len(questions))
            if not left:
                break
    part.replace(path)
    facts = {
        **known,
        "bytes": path.stat().st_size,
        "bytes_per_pair": round(path.stat().st_size / pairs, 2),
        "seconds": round(time.monotonic() - began, 1),
        "law": asdict(original.law),
        "real": original.facts,
    }
    about.write_text(json.dumps(facts, ensure_ascii=False) + "\n", encoding="utf-8")
    return {"path": str(path), **facts}


def main() -> None:
    """Makes the corpora that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pairs", type=int, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for pairs in asked.pairs:
        facts = made_corpus(asked.corpus.resolve(), asked.folder, pairs, asked.seed)
        shown = {name: value for name, value in facts.items() if name != "real"}
        print(json.dumps(shown, ensure_ascii=False))


if __name__ == "__main__":
    main()

"""The segmented corpus: every pair cut into words, before any vocabulary is chosen.

Comes in: corpora. Goes out: a folder with their pairs in provisional ids, the words those stand
for, and what was found out on the way. The vocabulary can be chosen from it again and again, and
more corpora added, without cutting any text twice. Knows nothing of vocabularies or of training.

    segmented/
      manifest       chatbot-segmented 3 89ab01ef {"settings": {…}, …}   format number, CRC-32, JSON
      part-00 …      the pairs: spill.py
      words-000 …    the words: words.py

The CRC-32 covers the JSON, which holds a CRC-32 of every other file. No file has a time or a
machine path in it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.cutting import Chunk, cut_in_order
from chatbot.corpus.doctor.census import Census
from chatbot.corpus.doctor.survey import FileFacts
from chatbot.corpus.files.encodings import UTF8
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.repeats import AllHashes
from chatbot.corpus.sampler import scramble
from chatbot.corpus.spill import Spill, pair_hashes
from chatbot.corpus.words import Words
from chatbot.errors import ChatbotError

FORMAT = 3
_MAGIC = "chatbot-segmented"
_WRITE = 1 << 16
"""Pairs that wait in memory before they are written: few large writes, whatever the chunks are."""
_LONG = 64
"""Ids that count as a pair among those that wait, where pairs are longer."""


class Progress(NamedTuple):
    """How far a build has come."""

    stage: str
    """what is done now, in words"""
    pairs: int
    """pairs done in this stage"""
    done: int
    """bytes of the corpus files read; of later stages, pairs"""
    total: int
    """bytes of all corpus files, 0 where unknown; of later stages, all pairs"""


@dataclass
class Segmented:
    """A segmented corpus in a folder.

    Attributes:
        folder: where its files stand.
        settings: how text was cut.
        cleaning: what was left out while cutting.
        files: what was found in every corpus, in order.
        census: what was counted over all of them.
        spill: the pairs.
        words: the words in every generation.
        vocab: name and CRC-32 of the vocabulary that was brought; None where one was chosen.
    """

    folder: Path
    settings: CorpusConfig
    cleaning: CleaningConfig
    files: list[FileFacts]
    census: Census
    spill: Spill
    words: Words
    vocab: str | None = None
    _waiting: list[tuple[NDArray[Any], NDArray[np.int32], NDArray[np.uint64]]] = field(
        default_factory=list
    )

    @classmethod
    def new(cls, folder: Path, settings: CorpusConfig, cleaning: CleaningConfig) -> Segmented:
        """Begins one in a new folder."""
        folder.mkdir()
        return cls(folder, settings, cleaning, [], Census.of([], []), Spill(folder), Words(folder))

    def add(
        self,
        corpora: Sequence[Corpus],
        hashes: AllHashes | None,
        *,
        cleaning: CleaningConfig,
        user_dict: Path | None = None,
        workers: int = 1,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        """Cuts corpora and appends their pairs.

        Args:
            corpora: what to read, in this order.
            hashes: where the hashes of all pairs go, if repeats are to be found.
            cleaning: which pairs are left out while cutting.
            user_dict: words for the segmenter.
            workers: processes that cut.
            progress: told now and then how far it is.

        Raises:
            ChatbotError: as `cut_in_order`; also a corpus without a pair, or one that is there.
        """
        before, generation, waiting = len(self.files), self.words.generation, 0
        reading = _Reading(corpora)
        pairs = self.spill.pairs
        for chunk in cut_in_order(
            corpora, self.settings, cleaning, user_dict=user_dict, workers=workers
        ):
            mapping = self.words.add(chunk.words)
            if waiting >= _WRITE or self.words.generation != generation:
                self._write(generation, hashes)
                generation, waiting = self.words.generation, 0
            chunk.rows["file"] += before
            chunk.rows["serial"] = np.arange(pairs, pairs + len(chunk.rows))
            pairs += len(chunk.rows)
            waiting += max(len(chunk.rows), len(chunk.ids) // _LONG)
            self._take(chunk, corpora[chunk.file], mapping)
            progress(Progress("reading", pairs, reading.done(chunk.file), reading.total))
        self._write(generation, hashes)
        for corpus in corpora:
            corpus.check()
            self.files.append(_facts_of(corpus))
            _refuse_twin(self.files[-1], self.files[:before])

    def _take(self, chunk: Chunk, corpus: Corpus, mapping: NDArray[np.int32]) -> None:
        """Takes in what a chunk says; its pairs wait to be written with others."""
        corpus.pairs += len(chunk.rows)
        corpus.skipped += chunk.skipped
        corpus.dropped += chunk.dropped
        corpus.changed += chunk.changed
        corpus.first += chunk.first
        self.census.add(chunk.census)
        pairs = self.pair_hashes(chunk.rows)
        corpus.digest = (corpus.digest + int(pairs.sum())) % 2**64
        salt = _salt(corpus.name, self.settings.seed)
        order = _order(chunk.rows, pairs, salt)
        self._waiting.append((chunk.rows, mapping[chunk.ids], order))

    def _write(self, generation: int, hashes: AllHashes | None) -> None:
        if not self._waiting:
            return
        rows, ids, order = (np.concatenate(some) for some in zip(*self._waiting, strict=True))
        self._waiting.clear()
        part = (order >> np.uint64(58)).astype(np.int64)
        places = self.spill.add(generation, part, rows, ids)
        if hashes is not None:
            hashes.add(rows, places)

    def order(self, rows: NDArray[Any]) -> NDArray[np.uint64]:
        """The place of every row in the store, as a hash of the pair and of where it stands."""
        salts = np.array([_salt(one.name, self.settings.seed) for one in self.files], np.uint64)
        return _order(rows, self.pair_hashes(rows), salts[rows["file"]])

    def pair_hashes(self, rows: NDArray[Any]) -> NDArray[np.uint64]:
        """A hash of every pair as it was said: turned round or not, the same are held out."""
        return pair_hashes(rows, reverse=self.settings.reverse)

    def finish(self) -> None:
        """Writes what waits, and the manifest; the files are whole then."""
        self.words.close()
        facts = {
            "settings": self.settings.as_dict(),
            "cleaning": self.cleaning.as_dict(),
            "vocab": self.vocab,
            "files": [facts.as_dict() for facts in self.files],
            "census": self.census.as_dict(),
            "rows": self.spill.rows.tolist(),
            "writings": self.spill.writings_done,
            "words": self.words.sizes,
            "parts": [f"{one:08x}" for one in self.spill.checksums],
            "lists": [f"{one:08x}" for one in self.words.checksums],
        }
        data = json.dumps(facts, ensure_ascii=False).encode()
        first = f"{_MAGIC} {FORMAT} {zlib.crc32(data):08x} ".encode()
        (self.folder / "manifest").write_bytes(first + data)

    @classmethod
    def open(cls, folder: Path) -> Segmented:
        """Opens one that was finished; what is added goes to its own files.

        Raises:
            ChatbotError: there is none, its format is another, or it is damaged.
        """
        facts = read_manifest(folder)
        words = Words(folder, facts["words"], [int(one, 16) for one in facts["lists"]])
        checksums = [int(one, 16) for one in facts["parts"]]
        spill = Spill.resumed(folder, facts["rows"], checksums, facts["writings"])
        return cls(
            folder,
            *_settings(folder, facts),
            [FileFacts.from_dict(one) for one in facts["files"]],
            Census.from_dict(facts["census"]),
            spill,
            words,
            facts.get("vocab"),
        )


def stored_settings(folder: Path) -> tuple[CorpusConfig, CleaningConfig]:
    """The settings that a segmented corpus was made with.

    Raises:
        ChatbotError: as `Segmented.open`.
    """
    return _settings(folder, read_manifest(folder))


def _settings(folder: Path, facts: dict[str, Any]) -> tuple[CorpusConfig, CleaningConfig]:
    where = str(folder / "manifest")
    return (
        CorpusConfig.from_dict(facts["settings"], where),
        CleaningConfig.from_dict(facts["cleaning"], where),
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the manifest of a segmented corpus says; errors as of `Segmented.open`."""
    again = "Build from all files again, without --add."
    path = folder / "manifest"
    try:
        parts = path.read_bytes().split(b" ", 3)
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}). {again}") from error
    if len(parts) < 4 or parts[0] != _MAGIC.encode():
        raise ChatbotError(f"{path}: not a segmented corpus of chatbot. {again}")
    if parts[1] != str(FORMAT).encode():
        found = parts[1].decode("utf-8", "replace")
        raise ChatbotError(f"{path}: format {found}, this version reads {FORMAT}. {again}")
    if parts[2] != f"{zlib.crc32(parts[3]):08x}".encode():
        raise ChatbotError(f"{path}: damaged (truncated or changed). {again}")
    facts: dict[str, Any] = json.loads(parts[3])
    return facts


def _salt(name: str, seed: int) -> np.uint64:
    digest = hashlib.blake2b(name.encode(), digest_size=8, salt=seed.to_bytes(8, "little"))
    return np.frombuffer(digest.digest(), "<u8")[0]  # type: ignore[no-any-return]


def _order(
    rows: NDArray[Any], pairs: NDArray[np.uint64], salt: NDArray[np.uint64] | np.uint64
) -> NDArray[np.uint64]:
    return scramble(pairs ^ scramble(rows["line"].astype(np.uint64) ^ salt))


def _refuse_twin(last: FileFacts, earlier: Sequence[FileFacts]) -> None:
    for facts in earlier:
        if last.pairs and (facts.digest, facts.pairs) == (last.digest, last.pairs):
            raise ChatbotError(
                f"{last.name}: the same {last.pairs:,} pairs are in the corpus already, from "
                f"{facts.name}. Name only new files with --add."
            )


class _Reading:
    """How far the reading of some corpora is, in bytes; one after the other they are read."""

    def __init__(self, corpora: Sequence[Corpus]) -> None:
        self.total = sum(corpus.text.size for corpus in corpora)
        self._corpora = corpora
        self._current = self._before = 0

    def done(self, current: int) -> int:
        """What has been read when a chunk of corpus `current` comes."""
        for corpus in self._corpora[self._current : current]:
            self._before += corpus.text.position
        self._current = current
        return self._before + self._corpora[current].text.position


def _facts_of(corpus: Corpus) -> FileFacts:
    texts = corpus.texts
    in_database = corpus.format.reading.encoding or UTF8
    mixed: Counter[str] = Counter()
    for text in texts:
        mixed.update({name: found.lines for name, found in text.faults.foreign.items()})
    return FileFacts(
        name=corpus.name,
        format=corpus.format.name,
        evidence=corpus.reason,
        encoding="+".join(dict.fromkeys(text.encoding or in_database for text in texts)),
        pairs=corpus.pairs,
        skipped=dict(corpus.skipped),
        dropped=dict(corpus.dropped),
        bad_bytes=sum(text.faults.bad for text in texts),
        faults=[f"{text.short_name}: {said}" for text in texts for said in text.faults.sentences()],
        mixed=dict(mixed),
        normalised=dict(corpus.changed),
        first=[list(pair) for pair in corpus.first],
        digest=corpus.digest,
        path=corpus.path,
    )

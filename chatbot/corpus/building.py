"""Corpora -> vocabulary and token store, in bounded memory.

Comes in: corpora with their formats, and the settings. Goes out: `vocabulary.txt` and `pairs.store`
in the model folder, and a report. Knows nothing of training.

Two passes, and every line is cut into words once. In the first, worker processes cut chunks of pairs
into words; the pairs go as provisional ids to 64 spill files, by the leading bits of a seeded hash.
Then the counts are complete and the vocabulary is chosen. In the second pass every spill file is
sorted by hash, its ids are exchanged for the final ones, and it is appended to the store. In memory
are the distinct words and one spill file, never the corpus.
"""

from __future__ import annotations

import filecmp
import hashlib
import itertools
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CorpusConfig
from chatbot.corpus.pairs import Corpus, Pair
from chatbot.corpus.sampler import scramble
from chatbot.corpus.store import (
    EncodedPairs,
    Header,
    bounds_of,
    indices_of_runs,
    token_width,
    write_store,
)
from chatbot.corpus.tokenizer import Tokenizer, make_tokenizer
from chatbot.corpus.vocabulary import (
    SPECIAL,
    UNK,
    Vocabulary,
    choose_entries,
    make_vocabulary,
)
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, put_in_place

LENGTH_BINS = 1025

_CHUNK = 4096
_SPILLS = 64
_SMALLEST_HELD_OUT_CORPUS = 5000
_DEFAULT_SHARE = 0.01
_DEFAULT_NUMBER = 2000
_ROW = np.dtype(
    [
        ("order", "<u8"),
        ("pair", "<u8"),
        ("file", "<u4"),
        ("line", "<u4"),
        ("characters", "<u4"),
        ("question", "<u4"),
        ("reply", "<u4"),
    ]
)


@dataclass
class Report:
    """What `build` did.

    Attributes:
        vocabulary: the vocabulary written.
        header: the header of the store written.
        words: running words of the corpus.
        distinct: distinct words among them.
        covered: running words that are vocabulary entries themselves.
        unknown: tokens of the encoded corpus that are UNK.
    """

    vocabulary: Vocabulary
    header: Header
    words: int = 0
    distinct: int = 0
    covered: int = 0
    unknown: int = 0


@dataclass
class _Chunk:
    """A chunk of pairs after cutting: its own word list, and rows whose ids point into it."""

    words: list[str]
    ids: NDArray[np.int32]
    rows: NDArray[Any]


@dataclass
class _Words:
    """All distinct words so far with their provisional ids and counts."""

    ids: dict[str, int] = field(default_factory=dict)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 12, np.int64))

    def add(self, chunk: _Chunk) -> NDArray[np.int32]:
        """The chunk's ids as provisional ids; counts them."""
        ids = self.ids
        here = np.fromiter((ids.setdefault(word, len(ids)) for word in chunk.words), np.int32)
        if len(ids) > len(self.counts):
            self.counts = np.concatenate([self.counts, np.zeros(len(ids), np.int64)])
        self.counts[here] += np.bincount(chunk.ids, minlength=len(chunk.words))
        return here[chunk.ids]


def build(
    corpora: Sequence[Corpus],
    folder: ModelFolder,
    config: CorpusConfig,
    *,
    workers: int = 1,
    restart: bool = False,
    progress: Callable[[int], None] = lambda pairs: None,
) -> Report:
    """Builds the vocabulary and the token store of some corpora.

    Args:
        corpora: what to read, in this order.
        folder: the model folder to write to; made if absent.
        config: tokenizer, cut-offs, share held out, seed.
        workers: processes that cut text; the result does not depend on it.
        restart: give up the model trained in the folder, if the corpus or a setting is another.
        progress: told the number of pairs read so far, now and then.

    Raises:
        ChatbotError: a corpus cannot be read, the folder cannot be written, or it has a model
            trained on other bytes.
    """
    model = folder.path
    scratch: Path | None = None
    try:
        model.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=model))
        words = _Words()
        with _Spill(scratch) as spill, _executor(workers) as executor:
            held_below = _read_all(corpora, config, workers, executor, words, spill, progress)
            report = _finish(corpora, config, words, spill, held_below, scratch)
        _install(ModelFolder(scratch), folder, restart)
    except OSError as error:
        raise ChatbotError(
            f"{error.filename or model}: cannot be written ({error.strerror or error}). Make room "
            "or choose another folder with --model; what stood there before is untouched."
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return report


# First pass: text to provisional ids.


def _read_all(
    corpora: Sequence[Corpus],
    config: CorpusConfig,
    workers: int,
    executor: Executor | None,
    words: _Words,
    spill: _Spill,
    progress: Callable[[int], None],
) -> int:
    """Fills `words` and `spill`; gives the pair hash below which pairs are held out."""
    smallest = _Smallest(config.holdout)
    for chunk in _in_order(executor, workers, _chunks(corpora), config):
        spill.add(chunk.rows, words.add(chunk))
        smallest.add(chunk.rows["pair"])
        progress(spill.pairs)
    return smallest.limit(spill.pairs)


def _chunks(corpora: Sequence[Corpus]) -> Iterator[tuple[int, str, list[Pair]]]:
    for file, corpus in enumerate(corpora):
        pairs = corpus.pairs()
        while chunk := list(itertools.islice(pairs, _CHUNK)):
            yield file, corpus.name, chunk


def _executor(workers: int) -> _NoExecutor | ProcessPoolExecutor:
    return ProcessPoolExecutor(workers) if workers > 1 else _NoExecutor()


class _NoExecutor:
    """Stands for working in this process."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *details: object) -> None:
        return None


def _in_order(
    executor: Executor | None,
    workers: int,
    chunks: Iterator[tuple[int, str, list[Pair]]],
    config: CorpusConfig,
) -> Iterator[_Chunk]:
    """Cuts chunks in worker processes, a bounded number under way, results in order."""
    first = list(itertools.islice(chunks, 2))
    if executor is None or len(first) < 2:  # too little to be worth other processes
        for chunk in itertools.chain(first, chunks):
            yield _cut(*chunk, config)
        return
    waiting = deque(executor.submit(_cut, *chunk, config) for chunk in first)
    for chunk in chunks:
        waiting.append(executor.submit(_cut, *chunk, config))
        if len(waiting) > 2 * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_tokenizers: dict[str, Tokenizer] = {}


def _cut(file: int, name: str, pairs: list[Pair], config: CorpusConfig) -> _Chunk:
    """Cuts a chunk into words; runs in a worker process, which keeps its tokenizer."""
    if config.tokenizer not in _tokenizers:
        _tokenizers[config.tokenizer] = make_tokenizer(config.tokenizer)
    tokenizer = _tokenizers[config.tokenizer]
    ids: dict[str, int] = {}
    flat: list[int] = []
    rows = np.zeros(len(pairs), _ROW)
    salt = config.seed.to_bytes(8, "little")
    before, reply = "", list[str]()
    for row, pair in zip(rows, pairs, strict=True):
        # In a conversation a reply is the next question: every line is cut once.
        question = reply if pair.question == before else tokenizer.tokens(pair.question)
        before, reply = pair.reply, tokenizer.tokens(pair.reply)
        flat.extend(ids.setdefault(token, len(ids)) for token in question)
        flat.extend(ids.setdefault(token, len(ids)) for token in reply)
        text = f"{pair.question}\n{pair.reply}".encode()
        digest = hashlib.blake2b(text, digest_size=8, salt=salt).digest()
        row["pair"] = int.from_bytes(digest, "little")
        row["line"], row["characters"] = pair.line, len(pair.reply)
        row["question"], row["reply"] = len(question), len(reply)
    rows["file"] = file
    named = hashlib.blake2b(name.encode(), digest_size=8, salt=salt).digest()
    place = scramble(rows["line"].astype(np.uint64) ^ np.frombuffer(named, "<u8"))
    rows["order"] = scramble(rows["pair"] ^ place)
    return _Chunk(list(ids), np.asarray(flat, np.int32), rows)


class _Smallest:
    """Finds the hash below which pairs are held out, keeping a bounded number of hashes.

    Equal pairs have equal hashes, so they fall on one side together.
    """

    def __init__(self, holdout: float | None) -> None:
        self._default = holdout is None
        share = _DEFAULT_SHARE if holdout is None else holdout if holdout < 1 else 1.0
        number = _DEFAULT_NUMBER if holdout is None else 0 if holdout < 1 else int(holdout)
        self._share = int(share * 2**64)
        self._number = number
        self._seen: NDArray[np.uint64] = np.zeros(0, np.uint64)

    def add(self, hashes: NDArray[np.uint64]) -> None:
        if self._number:
            self._seen = np.concatenate([self._seen, hashes])
            keep = self._number + 1
            if len(self._seen) > 4 * keep + _CHUNK:
                self._seen = np.partition(self._seen, keep)[:keep]

    def limit(self, pairs: int) -> int:
        """The hash that the held-out pairs are below, 0 for none."""
        if self._default and pairs < _SMALLEST_HELD_OUT_CORPUS:
            return 0
        if len(self._seen) > self._number > 0:
            return min(self._share, int(np.partition(self._seen, self._number)[self._number]))
        return self._share


class _Spill:
    """Pairs with provisional ids on disk, in 64 files by the leading bits of their order."""

    def __init__(self, folder: Path) -> None:
        self.pairs = 0
        self._paths = [folder / f"spill-{i:02}" for i in range(_SPILLS)]
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> _Spill:
        self._files = [path.open("w+b") for path in self._paths]
        return self

    def __exit__(self, *details: object) -> None:
        for file in self._files:
            file.close()

    def add(self, rows: NDArray[Any], ids: NDArray[np.int32]) -> None:
        sizes = _sizes(rows)
        starts = bounds_of(sizes)[:-1]
        which = (rows["order"] >> np.uint64(58)).astype(np.int64)
        for i in np.unique(which):
            chosen = np.flatnonzero(which == i)
            np.save(self._files[i], rows[chosen])
            np.save(self._files[i], ids[indices_of_runs(starts[chosen], sizes[chosen])])
        self.pairs += len(rows)

    def read(self) -> Iterator[tuple[NDArray[Any], NDArray[np.int32]]]:
        """The content of every file in turn: rows and ids, in the order they were added."""
        for file in self._files:
            end = file.seek(0, os.SEEK_END)
            file.seek(0)
            rows, ids = [np.zeros(0, _ROW)], [np.zeros(0, np.int32)]
            while file.tell() < end:
                rows.append(np.load(file))
                ids.append(np.load(file))
            yield np.concatenate(rows), np.concatenate(ids)


# Second pass: provisional ids to final ids.


class _Recoding:
    """Provisional ids -> final ids, several for a word that is spelled."""

    def __init__(self, words: _Words, tokenizer: Tokenizer, vocabulary: Vocabulary) -> None:
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


def _finish(
    corpora: Sequence[Corpus],
    config: CorpusConfig,
    words: _Words,
    spill: _Spill,
    held_below: int,
    scratch: Path,
) -> Report:
    tokenizer = make_tokenizer(config.tokenizer)
    counts = dict(zip(words.ids, words.counts[: len(words.ids)].tolist(), strict=True))
    vocabulary = make_vocabulary(choose_entries(counts, tokenizer, config), 0, 0, config)
    recoding = _Recoding(words, tokenizer, vocabulary)
    n = words.counts[: len(words.ids)]
    unknown = int((recoding.unknown * n).sum())
    vocabulary = make_vocabulary(
        dict(zip(vocabulary.words[len(SPECIAL) :], vocabulary.counts[len(SPECIAL) :], strict=True)),
        spill.pairs,
        unknown,
        config,
    )
    vocabulary.save(ModelFolder(scratch).vocabulary)
    summary = _summarise(spill, recoding, held_below)
    if summary.held_out == spill.pairs:
        raise ChatbotError(
            f"--holdout: holds out all {spill.pairs:,} pairs. Leave some to train on."
        )
    header = Header(
        pairs=spill.pairs,
        held_out=summary.held_out,
        tokens=int((recoding.lengths * n).sum()),
        width=token_width(len(vocabulary)),
        vocabulary=vocabulary.digest,
        corpus=summary.digest,
        settings=config.as_dict(),
        files=[
            {
                "name": corpus.name,
                "format": corpus.format_name,
                "pairs": corpus.pairs_read,
                "skipped": dict(corpus.skipped),
            }
            for corpus in corpora
        ],
        lengths=summary.lengths.tolist(),
        checksums={},
    )
    write_store(ModelFolder(scratch).store, header, _sorted_parts(spill, recoding, held_below))
    covered = sum(counts[word] for word in counts if word in vocabulary.ids)
    return Report(vocabulary, header, int(n.sum()), len(counts), covered, unknown)


@dataclass
class _Summary:
    held_out: int
    digest: str
    lengths: NDArray[np.int64]


def _summarise(spill: _Spill, recoding: _Recoding, held_below: int) -> _Summary:
    """What the header needs to know of the pairs before they are written."""
    held_out, digest = 0, hashlib.sha256()
    lengths = np.zeros((2, LENGTH_BINS), np.int64)
    for rows, ids in _sorted_spills(spill):
        held = rows["pair"] < held_below
        held_out += int(held.sum())
        digest.update(rows["order"].tobytes())
        bounds = recoding.pairs(rows, ids).bounds
        sizes = np.diff(bounds).reshape(-1, 2)[~held] + [0, 1]
        for side in (0, 1):
            binned = np.minimum(sizes[:, side], LENGTH_BINS - 1)
            lengths[side] += np.bincount(binned, minlength=LENGTH_BINS)
    return _Summary(held_out, digest.hexdigest(), lengths)


def _sorted_spills(spill: _Spill) -> Iterator[tuple[NDArray[Any], NDArray[np.int32]]]:
    """Every spill file in store order."""
    for rows, ids in spill.read():
        sizes = _sizes(rows)
        starts = bounds_of(sizes)[:-1]
        order = np.lexsort((rows["line"], rows["file"], rows["order"]))
        yield rows[order], ids[indices_of_runs(starts[order], sizes[order])]


def _sizes(rows: NDArray[Any]) -> NDArray[np.int64]:
    """The tokens of every pair, both sides together."""
    return rows["question"].astype(np.int64) + rows["reply"]


def _sorted_parts(spill: _Spill, recoding: _Recoding, held_below: int) -> Iterator[EncodedPairs]:
    """The training pairs in store order, then the held-out pairs in store order."""
    for held_out in (False, True):
        for rows, ids in _sorted_spills(spill):
            chosen = np.flatnonzero((rows["pair"] < held_below) == held_out)
            if len(chosen):
                yield recoding.pairs(rows, ids).take(chosen)


def _install(built: ModelFolder, folder: ModelFolder, restart: bool) -> None:
    """Puts the finished files into place; a trained model keeps its own unless `restart`."""
    if folder.trained:
        if _same(built.vocabulary, folder.vocabulary) and _same(built.store, folder.store):
            return
        if not restart:
            raise ChatbotError(
                f"{folder.path}: a model was trained here on another corpus or with other settings."
                " Choose another folder with --model, or give it up with --restart."
            )
        folder.forget_training()
    put_in_place(built.vocabulary, folder.vocabulary)
    put_in_place(built.store, folder.store)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)

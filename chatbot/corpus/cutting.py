"""Conversations -> chunks of pairs with provisional ids, cut in worker processes.

Comes in: corpora, and the settings of normalising, cleaning and cutting. Goes out: chunks in the
order of the corpora, whatever the number of workers, each with its own word list. Knows nothing of
the vocabulary or of files on disk.
"""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import queue
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.cleaning import Filter
from chatbot.corpus.dialogue import LaidTurns, Pairing, Talks, pair_up, turns_of
from chatbot.corpus.doctor.census import Census
from chatbot.corpus.encoded import bounds_of, indices_of_runs
from chatbot.corpus.holdout import stretches
from chatbot.corpus.normalise import Normaliser
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.sampler import scramble
from chatbot.corpus.spill import ROW, hash_of_pairs
from chatbot.corpus.tokenizer import END, SEPARATOR, make_tokenizer
from chatbot.errors import ChatbotError

CHUNK = 8192
"""Turns in a chunk, about."""

FIRST = 3
"""Pairs of each corpus that are shown to the user."""

_Task = tuple[int, LaidTurns, int]
"""The corpus, its turns, and how many of their pairs to show: what `Cutter.cut` takes."""


@dataclass
class Chunk:
    """A chunk of B pairs of one corpus after cutting.

    Attributes:
        words: its distinct words, in order of appearance.
        ids: places in `words`, question and reply of every pair in turn, int32.
        rows: what `ROW` says of every pair, [B]; their file is `file`.
        file: which of the corpora.
        skipped: pairs that came to nothing, by reason.
        dropped: pairs left out on purpose, by reason.
        changed: turns that normalisation changed, by rule.
        census: what else was counted.
        first: the first few pairs as text, of a corpus' first chunk only.
    """

    words: list[str]
    ids: NDArray[np.int32]
    rows: NDArray[Any]
    file: int
    skipped: Counter[str]
    dropped: Counter[str]
    changed: Counter[str]
    census: Census
    first: list[tuple[str, str]]


class Cutter:
    """Cuts chunks; lives in a worker process as long as it does."""

    def __init__(
        self, config: CorpusConfig, cleaning: CleaningConfig, user_dict: Path | None = None
    ) -> None:
        """Makes the tokenizer, the normaliser and the filter.

        Args:
            config: the settings of the corpus.
            cleaning: which pairs are left out.
            user_dict: where the words for the segmenter stand, if there are any.

        Raises:
            ChatbotError: a file or a package that the settings ask for is missing or faulty.
        """
        self._config = config
        self._normaliser = Normaliser(config)
        self._tokenizer = make_tokenizer(config.tokenizer, user_dict)
        self._filter = Filter(cleaning, self._normaliser.text)
        self._salt = config.seed.to_bytes(8, "little")

    def cut(self, file: int, turns: LaidTurns, first: int) -> Chunk:
        """Cuts the turns of some conversations of corpus `file`; shows its `first` pairs."""
        skipped, dropped = Counter[str](), Counter[str]()
        self._normaliser.changed.clear()
        texts = self._normaliser.texts(turns.texts)
        characters = np.fromiter(map(len, texts), np.int64, len(texts))
        hashes = self._hashes(texts)
        pairing = pair_up(turns, characters > 0, self._config.context, skipped)
        talks = Talks.of(turns, pairing, hashes)
        pairing = self._filter(pairing, texts, hashes, characters, dropped)
        alone = hash_of_pairs(hashes[pairing.question], hashes[pairing.reply])
        keys = stretches(alone, talks.goes_on(pairing))
        opens = characters[pairing.question] * talks.opened[pairing.reply]
        if self._config.reverse:
            pairing, opens = pairing.turned_round(), np.zeros_like(opens)
        words, ids, sizes = self._cut_turns(texts)
        ids, questions, replies = self._pair_ids(pairing, ids, sizes, characters > 0)
        rows = np.zeros(len(pairing.reply), ROW)
        rows["asked"] = self._asked(pairing, hashes)
        rows["said"], rows["stretch"] = hashes[pairing.reply], keys
        rows["file"], rows["characters"] = file, characters[pairing.reply]
        rows["line"] = turns.lines[np.maximum(pairing.question, pairing.reply)]
        rows["question"], rows["reply"], rows["opens"] = questions, replies, opens
        asked = self._questions(pairing, texts)
        said = [texts[place] for place in pairing.reply.tolist()]
        return Chunk(
            words,
            ids,
            rows,
            file,
            skipped,
            dropped,
            Counter(self._normaliser.changed),
            Census.of(asked, said),
            list(zip(asked[:first], said[:first], strict=True)),
        )

    def _questions(self, pairing: Pairing, texts: Sequence[str]) -> list[str]:
        """Each question behind its earlier turns, a line each."""
        if not self._config.context:
            return [texts[place] for place in pairing.question.tolist()]
        spans = zip(pairing.first.tolist(), pairing.question.tolist(), strict=True)
        return ["\n".join(filter(None, texts[first : last + 1])) for first, last in spans]

    def _hashes(self, texts: Sequence[str]) -> NDArray[np.uint64]:
        """A seeded hash of each text."""
        salt, blake2b = self._salt, hashlib.blake2b
        digests = [blake2b(one.encode(), digest_size=8, salt=salt).digest() for one in texts]
        return np.frombuffer(b"".join(digests), "<u8")

    def _asked(self, pairing: Pairing, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """A hash of each question with its earlier turns."""
        found = hashes[pairing.question]
        for back in range(1, self._config.context + 1):
            place = pairing.question - back
            there = place >= pairing.first
            found[there] = scramble(scramble(found[there]) ^ hashes[place[there]])
        return found

    def _cut_turns(
        self, texts: Sequence[str]
    ) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]]:
        """The distinct words of some turns, the ids of all their tokens, tokens of each turn.

        A separator follows each turn and is not counted among its tokens; it is id 0.
        """
        ids: defaultdict[str, int] = defaultdict()
        ids.default_factory = ids.__len__
        ids[END] = 0
        flat = self._tokenizer.cut(texts)
        found = np.fromiter(map(ids.__getitem__, flat), np.int32, len(flat))
        ends = np.flatnonzero(found == 0)
        sizes = np.diff(ends, prepend=-1) - 1
        return [SEPARATOR, *itertools.islice(ids, 1, None)], found, sizes

    @staticmethod
    def _pair_ids(
        pairing: Pairing,
        ids: NDArray[np.int32],
        sizes: NDArray[np.int64],
        filled: NDArray[np.bool_],
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """The ids of all pairs, and the tokens of each question and of each reply."""
        starts = bounds_of(sizes + 1)[:-1]
        spans = pairing.question + 2 - pairing.first
        turn = indices_of_runs(pairing.first, spans)
        ends = bounds_of(spans)[1:] - 1  # where in `turn` the replies are
        turn[ends] = pairing.reply
        lengths = sizes[turn] + 1
        lengths[ends - 1] -= 1
        lengths[ends] -= 1
        lengths[~filled[turn]] = 0
        total = np.diff(bounds_of(lengths)[bounds_of(spans)])
        replies = lengths[ends]
        return ids[indices_of_runs(starts[turn], lengths)], total - replies, replies


def cut_in_order(
    corpora: Sequence[Corpus],
    config: CorpusConfig,
    cleaning: CleaningConfig,
    *,
    user_dict: Path | None = None,
    workers: int = 1,
) -> Iterator[Chunk]:
    """Cuts all conversations of some corpora, a bounded number of chunks under way at any time.

    Args:
        corpora: what to read, in this order.
        config: how text is normalised, paired and cut.
        cleaning: which pairs are left out.
        user_dict: words for the segmenter.
        workers: processes that cut; with 1, or a single chunk, this process cuts.

    Raises:
        ChatbotError: a corpus cannot be read, a setting cannot be followed, or a worker was killed.
    """
    chunks = _chunks(corpora, config.context)
    first = list(itertools.islice(chunks, 2))
    chunks = itertools.chain(first, chunks)
    if workers == 1 or len(first) < 2:  # too little to be worth other processes
        cutter = Cutter(config, cleaning, user_dict)
        for chunk in chunks:
            yield cutter.cut(*chunk)
        return
    Cutter(config, cleaning, user_dict)  # its errors belong here, not into a worker
    pool: list[_Worker] = []
    sent = received = 0
    try:
        for chunk in chunks:
            if len(pool) < workers:
                pool.append(_Worker(config, cleaning, user_dict))
            pool[sent % workers].send(chunk)
            sent += 1
            if sent - received > 2 * workers:
                yield pool[received % workers].receive()
                received += 1
        for waiting in range(received, sent):
            yield pool[waiting % workers].receive()
    finally:
        for worker in pool:
            worker.end()


def _chunks(corpora: Sequence[Corpus], context: int) -> Iterator[_Task]:
    for file, corpus in enumerate(corpora):
        first = FIRST
        for turns in turns_of(corpus.conversations(), CHUNK, context, corpus.skipped):
            yield file, turns, first
            first = 0


class _Worker:
    """A process that cuts, and a pipe to it that nobody else holds.

    So the pipe ends when the process dies, in the middle of sending a chunk too, and nobody waits
    for ever.
    """

    def __init__(
        self, config: CorpusConfig, cleaning: CleaningConfig, user_dict: Path | None
    ) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        how = (self._pipe, theirs, config, cleaning, user_dict)
        self._process = multiprocessing.Process(target=_work, args=how, daemon=True)
        self._process.start()
        theirs.close()

    def send(self, chunk: _Task) -> None:
        """Gives it a chunk to cut."""
        with self._watched():
            self._pipe.send(chunk)

    def receive(self) -> Chunk:
        """The first of its chunks that was not received yet."""
        with self._watched():
            chunk: Chunk = self._pipe.recv()
        return chunk

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Says why a pipe has ended."""
        try:
            yield
        except (EOFError, OSError) as error:
            self._process.join()
            if (self._process.exitcode or 0) >= 0:
                raise RuntimeError(
                    "a process that cuts text failed, as it has said above"
                ) from error
            raise ChatbotError(
                "--workers: a process that cuts text was killed, perhaps for want of memory. Use "
                "fewer with --workers."
            ) from error

    def end(self) -> None:
        """Ends it at once, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(
    ours: Connection,
    pipe: Connection,
    config: CorpusConfig,
    cleaning: CleaningConfig,
    user_dict: Path | None,
) -> None:
    """Cuts what comes in and sends it back, until it is ended by its parent, or its parent is gone.

    A Ctrl-C that both of them get is the parent's affair. What comes in is taken at once, so that
    neither waits for the other while both are sending.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ours.close()
    cutter = Cutter(config, cleaning, user_dict)
    tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(pipe, tasks), daemon=True).start()
    with suppress(BrokenPipeError, ConnectionResetError):  # the parent is gone
        while (task := tasks.get()) is not None:
            pipe.send(cutter.cut(*task))


def _take_in(pipe: Connection, tasks: queue.SimpleQueue[_Task | None]) -> None:
    try:
        with suppress(EOFError, OSError):
            while True:
                tasks.put(pipe.recv())
    finally:
        tasks.put(None)

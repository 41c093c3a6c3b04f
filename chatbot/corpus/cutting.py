"""Pairs -> chunks of provisional ids, cut in worker processes.

Comes in: corpora, and the settings of the cutting. Goes out: chunks in the order of the corpora,
whatever the number of workers, each with its own word list. Knows nothing of the vocabulary or of
files on disk.
"""

from __future__ import annotations

import hashlib
import itertools
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CorpusConfig
from chatbot.corpus.formats import Pair
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.sampler import scramble
from chatbot.corpus.spill import ROW
from chatbot.corpus.tokenizer import Tokenizer, make_tokenizer

CHUNK = 4096
"""Pairs in a chunk, at most."""


@dataclass
class Chunk:
    """A chunk of B pairs after cutting.

    Attributes:
        words: its distinct words, in order of appearance.
        ids: places in `words`, question and reply of every pair in turn, int32.
        rows: what `ROW` says of every pair, [B].
    """

    words: list[str]
    ids: NDArray[np.int32]
    rows: NDArray[Any]


def cut_in_order(
    corpora: Sequence[Corpus], config: CorpusConfig, workers: int = 1
) -> Iterator[Chunk]:
    """Cuts all pairs of some corpora, a bounded number of chunks under way at any time.

    Args:
        corpora: what to read, in this order.
        config: its tokenizer and seed are used.
        workers: processes that cut; with 1, or a single chunk, this process cuts.

    Raises:
        ChatbotError: as `Corpus.pairs`.
    """
    chunks = _chunks(corpora)
    first = list(itertools.islice(chunks, 2))
    chunks = itertools.chain(first, chunks)
    if workers == 1 or len(first) < 2:  # too little to be worth other processes
        for chunk in chunks:
            yield _cut(*chunk, config)
        return
    with ProcessPoolExecutor(workers, initializer=_leave_signals) as executor:
        waiting: deque[Future[Chunk]] = deque()
        for chunk in chunks:
            waiting.append(executor.submit(_cut, *chunk, config))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _leave_signals() -> None:
    """A worker is ended by the process that began it, not by a Ctrl-C that both of them get."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _chunks(corpora: Sequence[Corpus]) -> Iterator[tuple[int, str, list[Pair]]]:
    for file, corpus in enumerate(corpora):
        pairs = corpus.pairs()
        while chunk := list(itertools.islice(pairs, CHUNK)):
            yield file, corpus.name, chunk


_tokenizers: dict[str, Tokenizer] = {}


def _cut(file: int, name: str, pairs: list[Pair], config: CorpusConfig) -> Chunk:
    """Cuts a chunk into words; runs in a worker process, which keeps its tokenizer."""
    if config.tokenizer not in _tokenizers:
        _tokenizers[config.tokenizer] = make_tokenizer(config.tokenizer)
    tokenizer = _tokenizers[config.tokenizer]
    ids: dict[str, int] = {}
    flat: list[int] = []
    rows = np.zeros(len(pairs), ROW)
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
    return Chunk(list(ids), np.asarray(flat, np.int32), rows)

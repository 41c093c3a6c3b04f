"""Corpora -> vocabulary and token store, in bounded memory.

Comes in: corpora with their formats, and the settings. Goes out: `vocabulary.txt` and `pairs.store`
in the model folder, and a report. Knows nothing of training.

Two passes, and every line is cut into words once. In the first, worker processes cut chunks of
pairs into words; the pairs go as provisional ids to 64 spill files, by the leading bits of a seeded
hash. Then the counts are complete and the vocabulary is chosen. In the second pass every spill file
is sorted by hash, its ids are exchanged for the final ones, and it is appended to the store. In
memory are the distinct words and one spill file, never the corpus.
"""

from __future__ import annotations

import filecmp
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CorpusConfig
from chatbot.corpus.cutting import cut_in_order
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.holdout import Holdout
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.recoding import Recoding, Words
from chatbot.corpus.spill import Spill
from chatbot.corpus.store import Header, token_width, write_store
from chatbot.corpus.tokenizer import make_tokenizer
from chatbot.corpus.vocabulary import UNK, Vocabulary, choose_entries, make_vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, put_in_place

LENGTH_BINS = 1025
"""Bins of a length histogram: 0 to 1,023 tokens each, and all longer ones together."""


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
    scratch: Path | None = None
    try:
        made = not folder.path.exists()
        folder.path.mkdir(parents=True, exist_ok=True)
        for left in folder.path.glob(".building-*"):  # by a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.path))
        with Spill(scratch) as spill:
            words, held_below = _read_all(corpora, config, workers, spill, progress)
            report = _finish(corpora, config, words, spill, held_below, scratch)
        _install(ModelFolder(scratch), folder, restart)
    except OSError as error:
        raise ChatbotError(
            f"{error.filename or folder.path}: cannot be written ({error.strerror or error}). Make "
            "room or choose another folder with --model; what stood there before is untouched."
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
            if made and not any(folder.path.iterdir()):
                folder.path.rmdir()
    return report


def _read_all(
    corpora: Sequence[Corpus],
    config: CorpusConfig,
    workers: int,
    spill: Spill,
    progress: Callable[[int], None],
) -> tuple[Words, int]:
    """The first pass: fills `spill`; gives the words, and the hash held-out pairs are below."""
    words, holdout = Words(), Holdout(config.holdout)
    for chunk in cut_in_order(corpora, config, workers):
        spill.add(chunk.rows, words.add(chunk))
        holdout.add(chunk.rows["pair"])
        progress(spill.pairs)
    return words, holdout.limit(spill.pairs)


def _finish(
    corpora: Sequence[Corpus],
    config: CorpusConfig,
    words: Words,
    spill: Spill,
    held_below: int,
    scratch: Path,
) -> Report:
    """The second pass: chooses the vocabulary, writes it and the store to `scratch`."""
    n = words.counts[: len(words.ids)]
    counts = dict(zip(words.ids, n.tolist(), strict=True))
    vocabulary, recoding = _choose(words, counts, spill.pairs, config)
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
        files=[_described(corpus) for corpus in corpora],
        lengths=summary.lengths.tolist(),
        checksums={},
    )
    write_store(ModelFolder(scratch).store, header, _sorted_parts(spill, recoding, held_below))
    covered = sum(n for word, n in counts.items() if word in vocabulary.ids)
    return Report(vocabulary, header, int(n.sum()), len(counts), covered, vocabulary.counts[UNK])


def _choose(
    words: Words, counts: dict[str, int], pairs: int, config: CorpusConfig
) -> tuple[Vocabulary, Recoding]:
    """The vocabulary with all its counts, and the way from provisional ids to its own."""
    tokenizer = make_tokenizer(config.tokenizer)
    entries = choose_entries(counts, tokenizer, config, pairs)
    if not entries:
        raise ChatbotError(
            f"--min-freq: not one word is seen {config.min_freq} times. Lower it, or leave it out."
        )
    recoding = Recoding(words, tokenizer, make_vocabulary(entries, pairs, 0, config))
    unknown = int((recoding.unknown * words.counts[: len(words.ids)]).sum())
    return make_vocabulary(entries, pairs, unknown, config), recoding


def _described(corpus: Corpus) -> dict[str, Any]:
    """What the header says of one corpus that has been read."""
    return {
        "name": corpus.name,
        "format": corpus.format_name,
        "pairs": corpus.pairs_read,
        "skipped": dict(corpus.skipped),
    }


@dataclass
class _Summary:
    held_out: int
    digest: str
    lengths: NDArray[np.int64]


def _summarise(spill: Spill, recoding: Recoding, held_below: int) -> _Summary:
    """What the header needs to know of the pairs before they are written."""
    held_out, digest = 0, hashlib.sha256()
    lengths = np.zeros((2, LENGTH_BINS), np.int64)
    for rows, ids in spill.read():
        held = rows["pair"] < held_below
        held_out += int(held.sum())
        digest.update(rows["order"].tobytes())
        bounds = recoding.pairs(rows, ids).bounds
        sizes = np.diff(bounds).reshape(-1, 2)[~held] + [0, 1]
        for side in (0, 1):
            binned = np.minimum(sizes[:, side], LENGTH_BINS - 1)
            lengths[side] += np.bincount(binned, minlength=LENGTH_BINS)
    return _Summary(held_out, digest.hexdigest(), lengths)


def _sorted_parts(spill: Spill, recoding: Recoding, held_below: int) -> Iterator[EncodedPairs]:
    """The training pairs in store order, then the held-out pairs in store order."""
    for held_out in (False, True):
        for rows, ids in spill.read():
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

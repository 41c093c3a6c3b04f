"""Word vectors of a corpus itself: which words stand beside which, and which answer which.

Comes in: pairs as ids. Goes out: a vector for every entry that has company. NumPy and SciPy; knows
nothing of the network or of TensorFlow.

Words and their contexts are counted, and what was counted more often than by chance is reduced to
few dimensions (Levy, Goldberg and Dagan 2015, "Improving distributional similarity with lessons
learned from word embeddings", sections 2.1 and 3):

    M[w, c] = n(w, c) / (n(w, c) + 1)  max(0, log(n(w, c) n / (n(w) n'(c))))
    M       = U S V^T,  vectors  U S^0.8

n'(c) is n(c)^0.75, scaled to the same sum, so that rare contexts count less; the factor before it
doubts what was seen seldom (Pantel and Lin 2002, "Discovering word senses from text", section 3).
Five kinds of context stand side by side in M, each with its own counts: the word before, the word
after, the words two and three away, and the words of the other side of the pair, apart for
questions and replies. The decomposition is that of Halko, Martinsson and Tropp 2011, "Finding
structure with randomness", algorithm 4.4, on M M^T, so that nothing as wide as M is dense.
"""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import iadd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, bounds_of
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.errors import ChatbotError

MOST_ENTRIES = 30_000
"""Only so many of the most frequent entries are counted, so that memory stays bounded."""

MOST_TOKENS = 4_000_000
"""Counting ends with the pairs that reach this many tokens, likewise."""

_FEW_TOKENS = 100_000
_RUN = 10_000
_OF_A_SIDE = 8  # words of question and reply that are counted with each other, from their beginning
_AWAY = (2, 3)
_SMOOTHING = 0.75
_WEIGHTING = 0.8
_ITERATIONS = 4
_MOST_DIRECTIONS = 256
_OVERSAMPLING = 16
_ROWS = 1_000

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Sparse = Any  # scipy.sparse.csr_array, which is imported only where it is needed


def vectors_of_first(
    parts: Iterable[EncodedPairs], size: int, width: int, *, seed: int = 0, threads: int = 1
) -> tuple[NDArray[np.int64], Floats]:
    """`word_vectors` of the first pairs, computed by another process unless they are few.

    What is used for it, some 350 MB for many pairs, goes back to the system with that process; in a
    process that trains, 60 MB of it stayed.

    Args:
        parts: pairs as ids; read until they have `MOST_TOKENS` tokens.
        size: as there, like all others.
        width: numbers in a vector, E.
        seed: of the directions that the decomposition begins with.
        threads: how many products are computed at a time.

    Raises:
        ChatbotError: the other process came to an end before it was done.
    """
    pairs = EncodedPairs.concatenate(list(_first(parts)))
    if len(pairs.tokens) < _FEW_TOKENS:
        return word_vectors(pairs, size, width, seed=seed, threads=threads)
    asked = io.BytesIO()
    numbers = np.array([size, width, seed, threads])
    np.savez(asked, tokens=pairs.tokens, bounds=pairs.bounds, numbers=numbers)
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import {__name__} as found; found.child()"],
        input=asked.getbuffer(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C is for the process that trains
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        why = f" ({said[0]})" if said else ""
        raise ChatbotError(
            "the word vectors of the corpus: the process that computes them ended with "
            f"{done.returncode}{why}. Free memory for it, or train with --first-vectors random."
        )
    with np.load(io.BytesIO(done.stdout)) as found:
        return found["ids"], found["rows"]


def child() -> None:
    """What the other process does: pairs from standard input, vectors to standard output."""
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as asked:
        bounds = asked["bounds"]
        sources = np.zeros((len(bounds) // 2, 4), np.int64)
        pairs = EncodedPairs(asked["tokens"], bounds, sources)
        size, width, seed, threads = asked["numbers"].tolist()
    ids, rows = word_vectors(pairs, size, width, seed=seed, threads=threads)
    np.savez(sys.stdout.buffer, ids=ids, rows=rows)


def _first(parts: Iterable[EncodedPairs]) -> Iterator[EncodedPairs]:
    tokens = 0
    for part in parts:
        yield part
        tokens += len(part.tokens)
        if tokens >= MOST_TOKENS:
            return


def word_vectors(
    pairs: EncodedPairs, size: int, width: int, *, seed: int = 0, threads: int = 1
) -> tuple[NDArray[np.int64], Floats]:
    """The vectors of the entries of a vocabulary, each of length 1.

    Args:
        pairs: pairs as ids.
        size: entries of the vocabulary, V.
        width: numbers in a vector, E.
        seed: of the directions that the decomposition begins with.
        threads: how many products are computed at a time.

    Returns:
        Entries that were seen beside others, ascending, int64 [N], and their vectors, [N, E].
    """
    size = min(size, MOST_ENTRIES)
    matrices = [_information(one) for one in _contexts(*_counted(pairs, size))]
    with ThreadPoolExecutor(threads) as pool:
        rows = _reduced(matrices, width, np.random.default_rng(seed), pool.map)
    lengths = np.linalg.norm(rows, axis=1)
    ids = np.flatnonzero(lengths > 1e-6 * max(1e-30, lengths.max(initial=0)))
    return ids, rows[ids] / lengths[ids, None]


def _contexts(after: Sparse, away: Sparse, across: Sparse) -> Iterator[Sparse]:
    """The counts of each of the five kinds of context."""
    yield after.T.tocsr()
    yield after
    yield away + away.T
    yield across
    yield across.T.tocsr()


def _information(counts: Sparse) -> Sparse:
    """M of one kind of context, from its counts; both sparse, [V, V]."""
    from scipy.sparse import coo_array

    of_words, of_contexts = (np.asarray(counts.sum(axis), np.float64) for axis in (1, 0))
    total = max(1.0, of_words.sum())
    with np.errstate(divide="ignore"):  # of a word that was not seen, which has no counts to divide
        of_words = np.log(of_words / total).astype(np.float32)
        smoothed = _SMOOTHING * np.log(of_contexts)
    of_contexts = (smoothed + np.log(total / max(1e-30, np.exp(smoothed).sum()))).astype(np.float32)
    found = counts.tocoo()
    values = np.log(found.data)
    values -= of_words[found.row]
    values -= of_contexts[found.col]
    values *= found.data / (found.data + 1)
    kept = values > 0
    return coo_array((values[kept], (found.row[kept], found.col[kept])), counts.shape).tocsr()


def _counted(pairs: EncodedPairs, size: int) -> list[Sparse]:
    """How often a word has another right after it, further after it, and in the question.

    A side begins with GO and ends with EOS. Sparse, [V, V] each.
    """
    from scipy.sparse import coo_array, csr_array

    found = [csr_array((size, size), dtype=np.float32) for _ in range(3)]
    for first in range(0, len(pairs), _RUN):
        part = pairs.take(np.arange(first, min(first + _RUN, len(pairs))))
        ids, side = _whole(part)
        near = [_apart(ids, side, distance) for distance in (1, *_AWAY)]
        for number, some in enumerate(([near[0]], near[1:], _across(part))):
            words, others = (np.concatenate(one) for one in zip(*some, strict=True))
            kept = (words < size) & (others < size)
            at = (words[kept], others[kept])
            ones = np.ones(len(at[0]), np.float32)
            found[number] = found[number] + coo_array((ones, at), shape=(size, size)).tocsr()
    return found


def _whole(pairs: EncodedPairs) -> tuple[Ints, Ints]:
    """All sides in turn with GO and EOS around each: their ids, and which side each stands in."""
    sides = np.arange(len(pairs.bounds) - 1, dtype=np.int32)
    lengths = np.diff(pairs.bounds)
    bounds = bounds_of(lengths + 2)
    side = np.repeat(sides, lengths + 2)
    ids = np.empty(bounds[-1], np.int32)
    ids[bounds[:-1]], ids[bounds[1:] - 1] = GO, EOS
    ids[np.arange(len(pairs.tokens)) + 2 * np.repeat(sides, lengths) + 1] = pairs.tokens
    return ids, side


def _apart(ids: Ints, side: Ints, distance: int) -> tuple[Ints, Ints]:
    """The words that have another so far after them in the same side, and those others."""
    inside = side[:-distance] == side[distance:]
    return ids[:-distance][inside], ids[distance:][inside]


def _across(pairs: EncodedPairs) -> list[tuple[Ints, Ints]]:
    """Words of replies, and words of their questions."""
    questions, replies = pairs.bounds[:-1:2], pairs.bounds[1::2]
    asked, said, found = pairs.question_lengths, pairs.reply_lengths, []
    for i, j in itertools.product(range(_OF_A_SIDE), repeat=2):
        there = (said > i) & (asked > j)
        found.append((pairs.tokens[replies[there] + i], pairs.tokens[questions[there] + j]))
    return found


def _reduced(
    matrices: Sequence[Sparse],
    width: int,
    random: np.random.Generator,
    each: Callable[..., Iterable[Floats]],
) -> Floats:
    """U S^0.8 of matrices that stand side by side, its directions turned at random, [V, E].

    Of many directions only the first ones are found, so that memory stays bounded. Turned, because
    the first of them would outweigh all others wherever numbers are compared one by one, as Adam
    and dropout do.
    """
    size = matrices[0].shape[0]
    most = min(width, _MOST_DIRECTIONS)
    q = random.standard_normal((size, min(most + _OVERSAMPLING, size)), np.float32)
    for _ in range(_ITERATIONS):
        q = _orthonormal(_total(each(partial(_through, q=q), matrices)))
    values, directions = np.linalg.eigh(_total(each(partial(_projected, q=q), matrices)))
    found = min(most, len(values))
    values, directions = values[::-1][:found], directions[:, ::-1][:, :found]
    scaled = directions * np.maximum(values, 0) ** (_WEIGHTING / 2)
    turned = np.linalg.qr(random.standard_normal((width, width)))[0][:found]
    return np.asarray(q @ (scaled @ turned).astype(np.float32))


def _through(matrix: Sparse, q: Floats) -> Floats:
    """M M^T q of one matrix."""
    return np.asarray(matrix @ (matrix.T @ q))


def _projected(matrix: Sparse, q: Floats) -> NDArray[np.float64]:
    """q^T M M^T q of one matrix."""
    return _squared(matrix.T @ q)


def _orthonormal(m: Floats) -> Floats:
    """An orthonormal basis of the columns, less those that depend on others."""
    values, directions = np.linalg.eigh(_squared(m))
    kept = values > 1e-12 * values.max(initial=0)
    scaled: Floats = (directions[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return m @ scaled


def _squared(m: Floats) -> NDArray[np.float64]:
    """m^T m, a few rows at a time."""
    parts = (m[first : first + _ROWS].astype(np.float64) for first in range(0, len(m), _ROWS))
    return _total(part.T @ part for part in parts)


def _total(some: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """The sum of arrays, in their order; the first is changed."""
    return reduce(iadd, some)

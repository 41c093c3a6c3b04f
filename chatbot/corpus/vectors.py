"""Pre-trained word vectors for the entries of a vocabulary.

Comes in: a file of word vectors and a vocabulary. Goes out: the ids that the file has vectors for,
those vectors as they stand in the file, and how much of the vocabulary and of the running words
they cover. Knows nothing of the network.

The file is word2vec's text format, which GloVe (without the first line) and fastText write too:
UTF-8, plain or compressed, of any size:

    2000000 4                  optional: the lines that follow, and the width E
    的 0.0131 -0.5 1e-3 0.25    a word, then E numbers, blanks between
    你好 0.2 0.1 -0.07 0.4

It is read once, line by line, and only what the vocabulary has is parsed and kept: memory is that
of the vectors of its entries. The first line of a word counts. An entry that is a character
joined to the one before it (`##a`, see `tokenizer`) takes the vector of the character itself if
the file has none of its own; the marks for blanks take none. A line of an entry that has another
number of numbers is left out and counted; other lines are only counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.files.unpacking import Stream
from chatbot.corpus.tokenizer import BLANK, JOIN
from chatbot.corpus.vocabulary import EOS, SPECIAL, Vocabulary
from chatbot.errors import ChatbotError

_LONGEST_LINE = 1 << 20
_BLOCK = 1 << 17
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Coverage:
    """How much of a vocabulary a file of vectors knows.

    Attributes:
        covered: entries that it has a vector for.
        entries: entries that could have one, the special ones not included.
        running: share of the tokens of the corpus that are covered entries; the ends of replies
            are not counted, unknown tokens are.
        width: numbers in a vector, E.
        left_out: lines of entries that had another number of them.
    """

    covered: int
    entries: int
    running: float
    width: int
    left_out: int


@dataclass(frozen=True)
class Vectors:
    """The vectors of some entries.

    Attributes:
        ids: the entries, ascending, int64 [N].
        rows: their vectors as the file has them, float32 [N, E].
        coverage: how much of the vocabulary they are.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.float32]
    coverage: Coverage


def read_vectors(path: Path, vocabulary: Vocabulary, width: int | None = None) -> Vectors:
    """The vectors that a file has for the entries of a vocabulary.

    Args:
        path: the file drawn above.
        vocabulary: the entries.
        width: the numbers that a vector must have, E; without it the file decides.

    Raises:
        ChatbotError: the file cannot be read, is none of vectors, has vectors of another width,
            something that is no number, or more or fewer lines than it says, or knows no entry.
    """
    sources = _sources(vocabulary)
    found, there, left_out = _collect(path, {word for words in sources for word in words}, width)
    rows = {
        id: next(found[word] for word in words if word in found)
        for id, words in enumerate(sources)
        if any(word in found for word in words)
    }
    if not rows:
        raise ChatbotError(
            f"{path}: no vector of width {there} for any entry of the vocabulary. Name a file of "
            "word vectors in the language of the corpus, in UTF-8."
        )
    if not any(row.any() for row in rows.values()):
        raise ChatbotError(f"{path}: all its vectors are zero. Name another file.")
    ids = np.fromiter(rows, np.int64, len(rows))
    counts = vocabulary.unigram.astype(np.float64)
    counts[EOS] = 0
    running = float(counts[ids].sum() / max(1.0, counts.sum()))
    entries = len(vocabulary) - len(SPECIAL)
    coverage = Coverage(len(ids), entries, running, there, left_out)
    return Vectors(ids, np.stack(list(rows.values())), coverage)


def _sources(vocabulary: Vocabulary) -> list[tuple[bytes, ...]]:
    """For every id the words whose vector it may take; the first one that is found is taken."""
    sources: list[tuple[bytes, ...]] = []
    for id, word in enumerate(vocabulary.words):
        if id < len(SPECIAL) or word in (BLANK, JOIN):
            sources.append(())
        elif len(word) == len(JOIN) + 1 and word.startswith(JOIN):
            sources.append((word.encode(), word[-1].encode()))
        else:
            sources.append((word.encode(),))
    return sources


def _collect(
    path: Path, missing: set[bytes], width: int | None
) -> tuple[dict[bytes, NDArray[np.float32]], int, int]:
    """The vectors of words, [E] each; E; the lines of words that have another width.

    Words that are found are taken out of `missing`, so a second line of a word costs nothing.
    """
    found: dict[bytes, NDArray[np.float32]] = {}
    count = left_out = 0
    promised, there, lines = _without_header(path)
    if width not in (None, there):
        raise ChatbotError(
            f"--embedding {width}: the vectors in {path} have width {there}. Leave the option "
            "out, or name vectors of that width."
        )
    for number, line in lines:
        count += 1
        word, _, rest = line.partition(b" ")
        if word not in missing:
            continue
        numbers = rest.split()
        if len(numbers) != there:
            left_out += 1
            continue
        found[word] = _parsed(numbers, f"{path}:{number}")
        missing.remove(word)
    if promised not in (None, count):
        raise ChatbotError(
            f"{path}: {count:,} vectors where its first line says {promised:,}. Get the whole "
            "file, or delete the first line to take it as it is."
        )
    return found, there, left_out


def _without_header(path: Path) -> tuple[int | None, int, Iterator[tuple[int, bytes]]]:
    """How many vectors the file says it has, if it does; their width; their numbered lines."""
    lines = _lines(path)
    first = next(lines, (1, b""))
    word, _, rest = first[1].partition(b" ")
    numbers = rest.split()
    if word.isdigit() and len(numbers) == 1 and numbers[0].isdigit() and int(numbers[0]):
        return int(word), int(numbers[0]), lines
    if not numbers:
        raise ChatbotError(
            f"{path}: not a file of word vectors. It takes a word and its numbers a line, blanks "
            "between (word2vec's text format)."
        )
    return None, len(numbers), itertools.chain([first], lines)


def _parsed(numbers: list[bytes], where: str) -> NDArray[np.float32]:
    """The numbers of a line, float32 [E]."""
    try:
        with np.errstate(over="ignore"):
            row = np.array(numbers, np.float32)
    except ValueError:
        row = None
    if row is None or not np.isfinite(row).all():
        raise ChatbotError(f"{where}: not finite numbers behind its word. Delete the line.")
    return row


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1.

    Raises:
        ChatbotError: the file cannot be read, is binary, or has a line over 1 MiB.
    """
    with Stream(str(path), path) as stream:
        head = stream.take(_BLOCK)
        if b"\0" in head:
            raise ChatbotError(
                f"{path}: binary. Convert it to text, a word and its numbers a line."
            )
        number, rest = 1, b""
        blocks = iter(lambda: stream.read(_BLOCK), b"")
        for block in itertools.chain([head.removeprefix(_BOM)], blocks, [b"\n"]):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if line and not line.isspace():
                    yield number, line
                number += 1
            if len(rest) > _LONGEST_LINE:
                raise ChatbotError(f"{path}:{number}: line over 1 MiB, so no word vector.")

"""What simple models say to the same questions, so that a bot's numbers can be read.

Comes in: a token store to learn from, and pairs to judge. Goes out: losses of n-grams, and replies
that were given to the nearest question. Both learn from training pairs only, of a large store from
its first ones, which are a random sample of all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.learn.ngrams import Ngrams

ORDERS = {1: "unigrams", 2: "bigrams", 3: "trigrams"}

_CHUNK = 1 << 14
_MOST_QUESTIONS = 500_000
"""Questions that are looked at for the nearest one."""


def nats_of(ngrams: Ngrams, pairs: EncodedPairs) -> float:
    """The summed loss of replies, their ends included, in nats."""
    before = ngrams.order - 1
    contexts, entries = [], []
    for first, last in zip(pairs.bounds[1::2], pairs.bounds[2::2], strict=True):
        reply = [*pairs.tokens[first:last].tolist(), EOS]
        row = [GO] * before + reply
        contexts += [row[n : n + before] for n in range(len(reply))]
        entries += reply
    arrays = np.array(contexts, np.int32).reshape(len(entries), before), np.array(entries, np.int32)
    return -float(ngrams.log_probabilities(*arrays).sum(dtype=np.float64))


class Nearest:
    """Answers with the reply to the training question that is most like the one asked.

    Questions are bags of words weighted by TF-IDF and compared by their cosine (Salton and Buckley
    1988, "Term-weighting approaches in automatic text retrieval"); the first of equals is taken.
    """

    def __init__(self, store: TokenStore, size: int) -> None:
        """Reads the training questions.

        Args:
            store: the token store.
            size: entries of the vocabulary, V.
        """
        self._store, self._size = store, size
        parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        count = 0
        for pairs in store.parts(0, store.header.train, _CHUNK):
            lengths = pairs.question_lengths
            rows = np.repeat(np.arange(len(pairs)) + count, lengths)
            halves = np.repeat(np.arange(2 * len(pairs)) % 2 == 0, np.diff(pairs.bounds))
            parts.append((rows, pairs.tokens[halves].astype(np.int64)))
            count += len(pairs)
            if count >= _MOST_QUESTIONS:
                break
        rows, tokens = (np.concatenate(part) for part in zip(*parts, strict=True))
        keys, times = np.unique(tokens * count + rows, return_counts=True)
        self._rows = (keys % count).astype(np.int32)
        self._bounds = np.searchsorted(keys // count, np.arange(size + 1))
        self._idf = np.log(count / np.maximum(np.diff(self._bounds), 1)).astype(np.float32)
        weights = times * np.repeat(self._idf, np.diff(self._bounds))
        norms = np.sqrt(np.bincount(self._rows, weights**2, count))
        self._weights = (weights / np.maximum(norms, 1e-12)[self._rows]).astype(np.float32)
        self._count = count

    def replies(self, questions: Sequence[Sequence[int]]) -> list[list[int]]:
        """The reply to the nearest question of each, as ids."""
        found = []
        for question in questions:
            scores = np.zeros(self._count, np.float32)
            tokens, times = np.unique(np.asarray(question, np.int64), return_counts=True)
            for token, n in zip(tokens.tolist(), times.tolist(), strict=True):
                here = slice(self._bounds[token], self._bounds[token + 1])
                scores[self._rows[here]] += n * self._idf[token] * self._weights[here]
            found.append(int(scores.argmax()))
        pairs = [self._store.read([(row, row + 1)]) for row in found]
        return [one.tokens[one.bounds[1] :].tolist() for one in pairs]

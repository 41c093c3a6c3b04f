"""How likely an entry is after the few before it, by counts: the n-grams of the replies.

Comes in: replies as ids. Goes out: probabilities of the next entry, exact and normalised over the
vocabulary. Plain NumPy; knows nothing of questions, of the network or of TensorFlow.

Interpolated Kneser-Ney smoothing (Chen and Goodman 1999, "An empirical study of smoothing
techniques for language modeling", section 2.7), for the order n and then every lower one:

    p_n(w | h) = max(c(h w) - D_n, 0) / c(h) + D_n N1+(h .) / c(h) p_{n-1}(w | h less its first)

c(h) counts the occurrences of all entries after h, N1+(h .) how many different ones followed. The
highest order counts occurrences; a lower one counts in how many different contexts its n-gram has
been seen. D_n = n1 / (n1 + 2 n2), from the n-grams counted once and twice, or a share of that: what
is mixed with something smoother is best less smooth itself. p_0 is uniform; where h was never seen,
p_n is p_{n-1}. A reply begins after as many GO as the order needs, and ends in EOS.

What is counted must be judged as if it had not been: with `leave_out` the probability of an entry
is what the counts would say without this one occurrence of it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, indices_of_runs
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.learn.followers import Tree
from chatbot.learn.lookup import Lookup
from chatbot.learn.smoothing import Level, descend, distinct

MOST_TOKENS = 1_750_000
"""Counting ends after the replies that reach this many tokens, so that memory stays bounded."""

NUMBERS = 1 << 63
"""Size ** order is below this: an n-gram is one number of 64 bits."""

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Ngrams:
    """Counts of n-grams, and the probabilities they give.

    Attributes:
        order: the greatest n.
        size: entries of the vocabulary, V.
        pairs: how many pairs were counted, the first ones of the store.
        share: of what Kneser and Ney take off a count, so much is taken.
    """

    def __init__(self, order: int, size: int, pairs: int, share: float, packed: bytes) -> None:
        """Takes what `to_bytes` gave, and the numbers in it."""
        self.order, self.size, self.pairs, self.share = order, size, pairs, share
        self._packed = packed

    @classmethod
    def count(
        cls, parts: Iterable[EncodedPairs], order: int, size: int, share: float = 1.0
    ) -> Ngrams:
        """Counts the n-grams of replies.

        Args:
            parts: pairs as ids; read until they have `MOST_TOKENS` tokens of replies.
            order: the greatest n, at least 1, with size ** order below `NUMBERS`.
            size: entries of the vocabulary, V.
            share: of what Kneser and Ney take off a count, so much is taken; above 0, at most 1.
        """
        found: list[Longs] = []
        pairs = tokens = 0
        for part in parts:
            found.append(_keys(part, order, size))
            pairs, tokens = pairs + len(part), tokens + len(found[-1])
            if tokens >= MOST_TOKENS:
                break
        keys = np.concatenate(found)
        del found
        keys, counts = distinct(keys)
        file = io.BytesIO()
        np.savez(
            file,
            about=np.asarray([order, size, pairs]),
            share=np.asarray(share),
            steps=_packed(np.diff(keys, prepend=0)),
            counts=_packed(counts.astype(np.int32)),
        )
        return cls(order, size, pairs, share, file.getvalue())

    def log_probabilities(
        self, contexts: NDArray[np.int32], entries: NDArray[np.int32], *, leave_out: bool = False
    ) -> NDArray[np.float32]:
        """Log-probabilities of entries [N] after contexts [N, order - 1], in nats.

        Args:
            contexts: the entries before, the earliest first.
            entries: the entries.
            leave_out: the entries are among those counted; judge them as if they were not.
        """
        tables, discounts = self._tables
        key, context = entries.astype(np.int64), np.zeros(len(entries), np.int64)
        counts = []
        for n in range(1, self.order + 1):
            (count, *_), (_, total, kinds) = tables[n].find(key), tables[n - 1].find(context)
            counts.append((count, total, kinds))
            if n < self.order:
                before = contexts[:, self.order - n - 1].astype(np.int64)
                context += before * self.size ** (n - 1)
                key = context * self.size + entries
        gone = leave_out & (counts[-1][0] > 0)
        for count, total, kinds in reversed(counts):
            last = gone & (count == 1)
            count -= gone
            total -= gone
            kinds -= last
            gone = last
        p = np.full(len(entries), 1 / self.size)
        for discount, (count, total, kinds) in zip(discounts, counts, strict=True):
            kept = np.maximum(count - discount, 0) + discount * kinds * p
            p = np.where(total > 0, kept / np.maximum(total, 1), p)
        logarithms: NDArray[np.float32] = np.log(p).astype(np.float32)
        return logarithms

    def probabilities(self, contexts: NDArray[np.int32]) -> NDArray[np.float32]:
        """Probabilities of all entries, [B, V], after contexts [B, order - 1]."""
        found = np.zeros((len(contexts), self.size), np.float32)
        self.add(found, np.ones(len(contexts), np.float32), contexts)
        return found

    def add(
        self,
        probabilities: NDArray[np.float32],
        share: NDArray[np.float32],
        contexts: NDArray[np.int32],
    ) -> None:
        """Adds a share of the probabilities by the n-grams to others, where they stand.

        Args:
            probabilities: of all entries, [B, V].
            share: from 0 to 1, [B].
            contexts: the entries before, the earliest first, [B, order - 1].
        """
        for row, part, context in zip(
            probabilities, share.tolist(), contexts.tolist(), strict=True
        ):
            followers = [*self._tree.after(context)]
            # What the highest order leaves goes to the one below it, down to all entries.
            for entries, counts, discount in reversed(followers):
                each = part / int(counts.sum())
                kept = np.maximum(counts - np.float32(discount), 0)
                row[entries] += kept * np.float32(each)
                part = each * discount * np.count_nonzero(counts)
            row += self.frequencies * np.float32(part)

    def index(self) -> None:
        """Makes what judging needs now, which else its first call does; half a second."""
        _ = self._tables

    def levels(self) -> Iterator[Level]:
        """The n-grams of all orders, from the greatest down to 1."""
        with np.load(io.BytesIO(self._packed), allow_pickle=False) as file:
            keys = np.cumsum(_unpacked(file["steps"], np.int64))
            counts = _unpacked(file["counts"], np.int32)
        return descend(keys, counts, self.order, self.size, self.share)

    def to_bytes(self) -> bytes:
        """What is kept: the n-grams of the greatest order, which the others follow from."""
        return self._packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Ngrams:
        """What `to_bytes` gave, back."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            order, size, pairs = file["about"].tolist()
            share = float(file["share"]) if "share" in file else 1.0  # counted before there was one
        return cls(order, size, pairs, share, data)

    @cached_property
    def _tables(self) -> tuple[list[Lookup], list[float]]:
        """What judging needs of every n-gram, by orders from 0, and D_n from order 1.

        An n-gram has a count, and as a context c(h) and N1+(h .); whatever it lacks is 0. What is a
        context only, a row of GO, has a place too.
        """
        tables, discounts = [], []
        above: Level | None = None
        for level in self.levels():
            tables.append(_table(level.keys, level.counts, above))
            discounts.append(level.discount)
            above = level
        tables.append(_table(np.zeros(0, np.int64), np.zeros(0, np.int32), above))
        return tables[::-1], discounts[::-1]

    @cached_property
    def _tree(self) -> Tree:
        """What replying needs of them."""
        return Tree(self.levels(), self.size)

    @cached_property
    def frequencies(self) -> NDArray[np.float32]:
        """The probabilities of all entries by the lowest order, [V]."""
        entries, counts, discount = self._tree.first()
        total = int(counts.sum())
        left = discount * np.count_nonzero(counts) / total / self.size if total else 1 / self.size
        found = np.full(self.size, left, np.float32)
        found[entries] += np.maximum(counts - discount, 0) / max(total, 1)
        return found


def _keys(part: EncodedPairs, order: int, size: int) -> Longs:
    """The n-gram that ends in each token of the replies, and in their ends."""
    lengths = part.reply_lengths
    rows = lengths + order  # order - 1 of GO, the reply, EOS
    ends = np.cumsum(rows)
    tokens = np.full(int(ends[-1]) if len(ends) else 0, GO, np.int64)
    body = indices_of_runs(ends - 1 - lengths, lengths)
    tokens[body] = part.tokens[indices_of_runs(part.bounds[1::2], lengths)]
    tokens[ends - 1] = EOS
    counted = np.sort(np.concatenate([body, ends - 1]))
    keys = np.zeros(len(counted), np.int64)
    for back in range(order - 1, -1, -1):
        keys = keys * size + tokens[counted - back]
    return keys


def _packed(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(zlib.compress(numbers.tobytes(), 1), np.uint8)


def _unpacked(packed: NDArray[np.uint8], kind: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(packed.tobytes()), kind)


def _table(keys: Longs, counts: Ints, above: Level | None) -> Lookup:
    """One index of n-grams and of the contexts of the order above."""
    if above is None:
        return Lookup(keys, counts)
    numbers, _ = distinct(np.concatenate([keys, above.contexts]))
    values = np.zeros((3, len(numbers)), np.int32)
    values[0, np.searchsorted(numbers, keys)] = counts
    values[1:, np.searchsorted(numbers, above.contexts)] = above.totals, above.kinds
    return Lookup(numbers, *values)

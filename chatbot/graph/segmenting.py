"""jieba as a graph of TensorFlow's own operations: `corpus.segmenter`'s twin.

Comes in: the characters of a line, and which of them stand in blocks that are to be cut. Goes out:
where words end. Holds the dictionary and the tables of the hidden Markov model, so that a program
that loads the graph needs neither jieba nor this package.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.segmenter import BLOCK, JiebaSegmenter
from chatbot.learn.tf import tf

Tensor = Any

_NEVER = -1e300
_in_block = re.compile(f"{BLOCK}+").fullmatch
_FROM = [[3, 2], [1, 0], [1, 0], [3, 2]]
"""The states from which B, M, E and S are reached, the one preferred among equals first."""


def table(keys: list[str], values: NDArray[Any], default: float) -> tf.lookup.StaticHashTable:
    """What strings stand for, and what all others do."""
    known = tf.lookup.KeyValueTensorInitializer(tf.constant(keys), tf.constant(values))
    return tf.lookup.StaticHashTable(known, tf.constant(default, values.dtype))


class GraphSegmenter(tf.Module):  # type: ignore[misc]
    """Cuts as a `JiebaSegmenter` does."""

    def __init__(self, segmenter: JiebaSegmenter) -> None:
        """Takes the segmenter whose words and tables are used."""
        super().__init__(name="segmenter")
        words = segmenter.known()
        shares = {word: share for word, share in words.shares.items() if _in_block(word)}
        self._shares = table(list(shares), np.array(list(shares.values())), _NEVER)
        self._longest = max(map(len, shares))
        self._unknown = words.unknown
        self._numbers = table(list(words.emissions), np.arange(1, len(words.emissions) + 1), 0)
        rows = [[words.impossible] * 4, *words.emissions.values()]
        self._emissions = tf.constant(np.array(rows))
        self._starts = tf.constant(np.array(words.starts))
        self._steps = tf.constant(np.array(words.steps))
        self._forbidden = None
        if words.forbidden:
            self._forbidden = table(sorted(words.forbidden), np.ones(len(words.forbidden)), 0.0)

    def ends(self, characters: Tensor, inside: Tensor, over: Tensor, ascii: Tensor) -> Tensor:
        """Whether a word ends with each character.

        Args:
            characters: of a line, string [N], N at least 1.
            inside: which of them stand in blocks, [N]; the others are words of their own.
            over: with which of them a block is over, [N].
            ascii: which of them are ASCII letters or digits, [N].
        """
        sizes = self._sizes(characters, inside, over)
        _, begins = tf.scan(
            lambda carried, now: (
                tf.where(now[1] == carried[0], now[1] + now[0], carried[0]),
                now[1] == carried[0],
            ),
            (sizes, tf.range(tf.size(sizes))),
            (0, False),
        )
        last = tf.concat([begins[1:], [True]], 0)
        loose = begins & last & inside
        found, unclear = self._found(characters, loose, over, ascii)
        last = tf.where(unclear, found, last)
        if self._forbidden is not None:
            words, number = joined(characters, last)
            bad = tf.gather(self._forbidden.lookup(words) > 0, number)
            last |= bad & unclear & ~ascii
        return last

    def _sizes(self, characters: Tensor, inside: Tensor, over: Tensor) -> Tensor:
        """Characters of the word that begins at each place, on the likeliest path, int32 [N].

        See `JiebaSegmenter._ends`; from the last character to the first.
        """
        length = tf.size(characters)
        padded = tf.concat([characters, tf.fill([self._longest], "")], 0)
        within = tf.concat([inside[:1], inside[1:] & ~over[:-1]], 0)
        within = tf.concat([within, tf.fill([self._longest], False)], 0)
        word, whole = tf.fill([length], ""), inside
        shares = []
        for more in range(self._longest):
            word = tf.strings.join([word, padded[more : more + length]])
            if more:
                whole &= within[more : more + length]
            shares.append(
                tf.where(whole, self._shares.lookup(word), tf.constant(_NEVER, tf.float64))
            )

        def step(carried: tuple[Tensor, Tensor], now: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
            """The best paths from the next few places, and the word, one character earlier."""
            after = tf.where(now[2], tf.zeros_like(carried[0]), carried[0])
            values = tf.reverse(now[0] + after, [0])  # of equals the longer word
            size = self._longest - tf.argmax(values, output_type=tf.int32)
            known = tf.reduce_max(values) > _NEVER / 2
            size = tf.where(known, size, 1)
            best = tf.where(known, tf.reduce_max(values), self._unknown + after[0])
            return tf.concat([tf.where(now[1], best, 0)[None], after[:-1]], 0), size

        start = tf.zeros([self._longest], tf.float64), 1
        _, sizes = tf.scan(step, (tf.stack(shares, 1), inside, over), start, reverse=True)
        return sizes

    def _found(
        self, characters: Tensor, loose: Tensor, over: Tensor, ascii: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Where words end in runs that the dictionary leaves single, and which places those are."""
        other = over | tf.concat([loose[1:] != loose[:-1], [True]], 0)
        runs, number = joined(characters, other)
        listed = tf.gather(self._shares.lookup(runs) > _NEVER, number)
        alone = tf.gather(
            tf.math.unsorted_segment_sum(tf.ones_like(number), number, tf.size(runs)) < 2, number
        )
        unclear = loose & ~listed & ~alone
        # Letters and digits are a word; of Chinese characters the hidden Markov model decides.
        last = other | tf.concat([ascii[1:] != ascii[:-1], [True]], 0)
        return tf.where(ascii, last, self._path(characters, last)), unclear

    def _path(self, characters: Tensor, last: Tensor) -> Tensor:
        """Where words end on the likeliest path of each run; `last` is where runs end (Viterbi)."""
        emissions = tf.gather(self._emissions, self._numbers.lookup(characters))
        first = tf.concat([[True], last[:-1]], 0)

        def forward(
            carried: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]
        ) -> tuple[Tensor, Tensor]:
            """The likeliest paths to B, M, E and S, and whether the first of `_FROM` is before."""
            values = tf.gather(carried[0], _FROM) + self._steps + now[0][:, None]
            values = tf.where(now[1], (self._starts + now[0])[:, None], values)
            return tf.reduce_max(values, 1), values[:, 0] >= values[:, 1]

        start = tf.zeros([4], tf.float64), tf.fill([4], False)
        values, preferred = tf.scan(forward, (emissions, first), start)
        final = tf.where(values[:, 3] >= values[:, 2], 3, 2)
        before = tf.where(preferred, [row[0] for row in _FROM], [row[1] for row in _FROM])

        def back(carried: tuple[Tensor, Tensor], now: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
            """The state before, and the state."""
            state = tf.where(now[1], now[2], carried[0])
            return now[0][state], state

        _, states = tf.scan(back, (before, last, final), (0, 0), reverse=True)
        return states >= 2


def joined(characters: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """The words that end where `last` says [W], and the word of each character [N]."""
    number = tf.cumsum(tf.cast(last, tf.int64), exclusive=True)
    parts = tf.RaggedTensor.from_value_rowids(characters, number, validate=False)
    return tf.strings.reduce_join(parts, axis=-1), number

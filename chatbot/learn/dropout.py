"""What is left out of the network in a training step.

Comes in: rows, shares and a key. Goes out: rows with some of it zero, drawn by the key alone. Knows
nothing of the network.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chatbot.learn.tf import tf

Tensor = Any


class Dropped(NamedTuple):
    """What is left out in a training step.

    Attributes:
        units: share of the elements of embeddings and output vectors, and of what goes from layer
            to layer (Zaremba et al. 2014: only connections between layers), a number or a tensor;
            rounded to 256ths, so that a byte decides on each.
        words: share of the tokens of questions, whose embedding is zero for the step (Iyyer et al.
            2015, word dropout), so that a reply does not hang on every word of its question.
        key: seed of the step, int32 [2]; its second element plus 0 to 3 is used, with the first
            element plus 0, 1 and so on.
        variational: whether all rows of a sequence lose the same elements, and hidden states lose
            some, too, where they enter the gates (Gal and Ghahramani 2016, "A theoretically
            grounded application of dropout in recurrent neural networks").
    """

    units: float | Tensor
    words: float
    key: Tensor
    variational: bool = False

    @property
    def nothing(self) -> bool:
        """Whether no elements are left out."""
        return isinstance(self.units, float) and not round(self.units * 256)

    def units_of(self, x: Tensor, place: int, ranks: Tensor | None = None) -> Tensor:
        """Rows with elements left out, the others scaled up.

        Args:
            x: rows, [R, width].
            place: a number of its own for every use in a step.
            ranks: the sequence of every row, [R]; only read for variational dropout.
        """
        if self.nothing:
            return x
        if self.variational and ranks is not None:
            return x * tf.gather(self.factors((tf.reduce_max(ranks) + 1, x.shape[1]), place), ranks)
        level = self._level()
        drawn = _bytes(tf.shape(x)[0], x.shape[1], self._key(place))
        return tf.where(drawn >= tf.cast(level, tf.uint8), x * (256 / (256 - level)), 0.0)

    def states_of(self, sequences: Tensor, units: int, place: int) -> Tensor | None:
        """Factors on the hidden states of each sequence, [sequences, units], if they lose any."""
        if self.nothing or not self.variational:
            return None
        return self.factors((sequences, units), place)

    def factors(self, shape: tuple[Tensor, int], place: int) -> Tensor:
        """0 for what is left out, what scales the others up for them, float32 of a shape."""
        level = self._level()
        drawn = _bytes(*shape, self._key(place))
        return tf.where(drawn >= tf.cast(level, tf.uint8), 256 / (256 - level), 0.0)

    def words_of(self, x: Tensor, place: int) -> Tensor:
        """Rows with some left out whole."""
        if not self.words:
            return x
        drawn = tf.random.stateless_uniform([tf.shape(x)[0], 1], self._key(place))
        return tf.where(drawn >= self.words, x, 0.0)

    def _level(self) -> Tensor:
        return tf.round(self.units * 256)

    def _key(self, place: int) -> Tensor:
        return self.key + [place // 4, place % 4]


def _bytes(rows: Tensor, width: int, key: Tensor) -> Tensor:
    """Random bytes, [rows, width]; four come of every number drawn."""
    words = tf.random.stateless_uniform([rows, -(-width // 4)], key, None, None, tf.int32)
    return tf.reshape(tf.bitcast(words, tf.uint8), [-1, 4 * words.shape[1]])[:, :width]


NOTHING_DROPPED = Dropped(0.0, 0.0, None)

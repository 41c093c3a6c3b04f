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
        units: share of the elements of embeddings and output vectors (Zaremba et al. 2014: only
            connections between layers), a number or a tensor; rounded to 256ths, so that a byte
            decides on each.
        words: share of the tokens of questions, whose embedding is zero for the step (Iyyer et al.
            2015, word dropout), so that a reply does not hang on every word of its question.
        key: seed of the step, int32 [2]; its second element plus 0 to 3 is used.
    """

    units: float | Tensor
    words: float
    key: Tensor

    def units_of(self, x: Tensor, place: int) -> Tensor:
        """Rows with elements left out, the others scaled up."""
        if isinstance(self.units, float) and not round(self.units * 256):
            return x
        level = tf.round(self.units * 256)
        drawn = _bytes_like(x, self.key + [0, place])
        return tf.where(drawn >= tf.cast(level, tf.uint8), x * (256 / (256 - level)), 0.0)

    def words_of(self, x: Tensor, place: int) -> Tensor:
        """Rows with some left out whole."""
        if not self.words:
            return x
        drawn = tf.random.stateless_uniform([tf.shape(x)[0], 1], self.key + [0, place])
        return tf.where(drawn >= self.words, x, 0.0)


def _bytes_like(x: Tensor, key: Tensor) -> Tensor:
    """Random bytes in the shape of x, [rows, width]; four come of every number drawn."""
    width = x.shape[1]
    words = tf.random.stateless_uniform([tf.shape(x)[0], -(-width // 4)], key, None, None, tf.int32)
    return tf.reshape(tf.bitcast(words, tf.uint8), [-1, 4 * words.shape[1]])[:, :width]


NOTHING_DROPPED = Dropped(0.0, 0.0, None)

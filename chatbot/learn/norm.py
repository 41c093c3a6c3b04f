"""Layer normalisation.

Comes in: rows. Goes out: the same with mean and spread of their own taken out. Knows nothing of
what they are.
"""

from __future__ import annotations

from typing import Any

from chatbot.learn.tf import tf

Tensor = Any

EPSILON = 1e-5


class LayerNorm(tf.Module):  # type: ignore[misc]
    """Layer normalisation (Ba et al. 2016, "Layer normalization", eq. 4)."""

    def __init__(self, name: str, width: int) -> None:
        """Begins with gains of 1 and biases of 0."""
        super().__init__(name=name)
        self.gain = tf.Variable(tf.ones([width]), name=f"{name}_gain")
        self.bias = tf.Variable(tf.zeros([width]), name=f"{name}_bias")

    def __call__(self, x: Tensor) -> Tensor:
        """Rows [R, width] less their mean, over their standard deviation, times gain, plus bias."""
        x = tf.cast(x, tf.float32)
        x -= tf.reduce_mean(x, 1, keepdims=True)
        variance = tf.reduce_mean(tf.square(x), 1, keepdims=True)
        return x * tf.math.rsqrt(variance + EPSILON) * self.gain + self.bias

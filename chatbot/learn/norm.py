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
        return _normalised(tf.cast(x, tf.float32), self.gain.value(), self.bias.value())


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _normalised(x: Tensor, gain: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
    """The rows, and how their gradient goes back; TensorFlow's own keeps more of them in memory."""
    x -= tf.reduce_mean(x, 1, keepdims=True)
    over_spread = tf.math.rsqrt(tf.reduce_mean(tf.square(x), 1, keepdims=True) + EPSILON)
    x *= over_spread

    def gradient(up: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of rows, gain and bias."""
        inner = up * gain
        along = tf.reduce_mean(inner * x, 1, keepdims=True)
        rows = (inner - tf.reduce_mean(inner, 1, keepdims=True) - x * along) * over_spread
        return rows, tf.reduce_sum(up * x, 0), tf.reduce_sum(up, 0)

    return x * gain + bias, gradient

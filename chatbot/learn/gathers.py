"""Rows in another arrangement, with gradients that are gathers too.

Comes in: rows and index arrays of `packing`. Goes out: rows. Knows nothing of what they hold.
"""

from __future__ import annotations

from typing import Any

from chatbot.learn.tf import tf

Tensor = Any


def permuted(x: Tensor, forward: Tensor, inverse: Tensor) -> Tensor:
    """Rows of x in another arrangement: gathers forward, and gathers its gradient back.

    TensorFlow's own gradient of a gather adds rows up one by one, as indices might repeat. Here
    they repeat only "nowhere", whose gradient is zero (see `packing`).

    Args:
        x: rows, [..., U]; leading axes are flattened.
        forward: for every place of the result the row of x.
        inverse: for every row of x its place in the flattened result, in the shape of x.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor) -> tuple[Tensor, Any]:
        """The rows, and how their gradient goes back."""
        flat = [-1, x.shape[-1]]

        def gradient(up: Tensor) -> Tensor:
            """The gradient of every row, gathered from its place."""
            return tf.gather(tf.reshape(up, flat), inverse)

        return tf.gather(tf.reshape(x, flat), forward), gradient

    return run(x)


def last_rows(states: Tensor, last: Tensor, place: Tensor) -> Tensor:
    """The states after the last token of every question, [B, U]."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(states: Tensor) -> tuple[Tensor, Any]:
        """The states, and how their gradient goes back."""

        def gradient(up: Tensor) -> Tensor:
            """The gradient of all states: that of the last ones, zero elsewhere."""
            return tf.gather(tf.concat([up, tf.zeros_like(up[:1])], 0), place)

        return tf.gather(states, last), gradient

    return run(states)

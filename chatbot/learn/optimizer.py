"""Adam, with the gradient clipped and the embedding updated only where a batch touched it.

Comes in: gradients and a learning rate. Goes out: changed weights. Knows nothing of schedules.

Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, with the efficient
order of computation at the end of section 2; the gradient's global norm is clipped before (Pascanu
et al. 2013). Departures: beta2 is 0.99, not 0.999, as runs are short; the moments of an embedding
row stand still in steps that do not touch it, so the cost of a step does not depend on the size of
the vocabulary; rows can be frozen, or learn slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chatbot.learn.tf import tf

Tensor = Any

_BETA1 = 0.9
_BETA2 = 0.99
_EPSILON = 1e-8

SLOW = 0.03
"""The rate of slow rows, as a share of that of all other weights."""


class Adam(tf.Module):  # type: ignore[misc]
    """The moments of all weights, and the update."""

    def __init__(
        self,
        embedding: tf.Variable,
        matrices: Sequence[tf.Variable],
        *,
        freezing: bool = False,
        slowing: bool = False,
    ) -> None:
        """Begins with moments of zero, nothing frozen and nothing slow.

        Args:
            embedding: the weights updated by rows, [V, E].
            matrices: the weights updated as a whole.
            freezing: whether rows can be frozen; which ones is then saved with the moments.
            slowing: whether rows can be slow, which learn at `SLOW` times the rate; likewise.
        """
        super().__init__(name="adam")
        self._embedding, self._matrices = embedding, list(matrices)
        zeros = [tf.Variable(tf.zeros_like(v)) for _ in range(2) for v in (embedding, *matrices)]
        count = 1 + len(self._matrices)
        self.first, self.second = zeros[:count], zeros[count:]
        self.steps = tf.Variable(0, dtype=tf.int64)
        none = np.zeros(embedding.shape[0], np.bool_)
        self.frozen = tf.Variable(none) if freezing else None
        self.slow = tf.Variable(none) if slowing else None

    @property
    def marks(self) -> list[tf.Variable]:
        """Which rows are frozen and which slow, as far as rows can be, bool [V]."""
        return [marks for marks in (self.frozen, self.slow) if marks is not None]

    def forget(self) -> None:
        """Begins anew: moments of zero, as if no step had been taken; rows keep their marks."""
        for variable in (*self.first, *self.second, self.steps):
            variable.assign(tf.zeros_like(variable))

    def apply(
        self, touched: Tensor, rows: Tensor, gradients: Sequence[Tensor], rate: Tensor, clip: float
    ) -> Tensor:
        """Changes the weights by one step, or leaves all as they are if the gradient is not finite.

        Frozen rows have no gradient: they and their moments stand still, and what would have
        changed them takes no part in the norm.

        Args:
            touched: the embedding rows of the batch, int32 [K], distinct.
            rows: their gradient, [K, E].
            gradients: the gradients of the other weights, in their order.
            rate: the learning rate.
            clip: largest global norm of the gradient.

        Returns:
            The global norm before clipping.
        """
        if self.frozen is not None:
            rows = tf.where(tf.gather(self.frozen, touched)[:, None], 0.0, rows)
        squares = [tf.reduce_sum(gradient * gradient) for gradient in (rows, *gradients)]
        norm = tf.sqrt(tf.add_n(squares))
        factor = clip / tf.maximum(norm, clip)
        if tf.math.is_finite(norm):
            self.steps.assign_add(1)
            n = tf.cast(self.steps, tf.float32)
            power1, power2 = tf.pow(_BETA1, n), tf.pow(_BETA2, n)
            self._apply_rows(touched, rows * factor, rate * tf.sqrt(1 - power2) / (1 - power1))
            for variable, m, v, gradient in zip(
                self._matrices, self.first[1:], self.second[1:], gradients, strict=True
            ):
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.handle,
                    m=m.handle,
                    v=v.handle,
                    beta1_power=power1,
                    beta2_power=power2,
                    lr=rate,
                    beta1=_BETA1,
                    beta2=_BETA2,
                    epsilon=_EPSILON,
                    grad=gradient * factor,
                )
        return norm

    def _apply_rows(self, touched: Tensor, gradient: Tensor, rate: Tensor) -> None:
        first, second = self.first[0], self.second[0]
        m = _BETA1 * tf.gather(first, touched) + (1 - _BETA1) * gradient
        v = _BETA2 * tf.gather(second, touched) + (1 - _BETA2) * gradient * gradient
        first.scatter_update(tf.IndexedSlices(m, touched))
        second.scatter_update(tf.IndexedSlices(v, touched))
        change = rate * m / (tf.sqrt(v) + _EPSILON)
        if self.slow is not None:
            change *= tf.where(tf.gather(self.slow, touched), SLOW, 1.0)[:, None]
        self._embedding.scatter_sub(tf.IndexedSlices(change, touched))

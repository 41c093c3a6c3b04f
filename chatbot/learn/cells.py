"""One time step of a recurrent layer, forward and backward: LSTM and GRU.

Comes in: what the inputs and the hidden state give the gates, and the carried state. Goes out: the
new states, and gradients. Knows nothing of time, rows or weights; `recurrent` runs through both.

Every cell stores four gates, [n, U] each, for its way back, and carries one float32 state from step
to step beside the hidden state, which is of the type that matrix products are computed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from chatbot.learn.tf import tf

Tensor = Any

STORED = 4
"""Gates that are stored for the way back, and biases, of every cell."""


class Cell(Protocol):
    """A kind of cell.

    Attributes:
        gates: how many the kernels have.
    """

    gates: int

    def step(
        self, inputs: Tensor, hidden: Tensor, bias: Tensor, before: Tensor
    ) -> tuple[Sequence[Tensor], Tensor, Tensor]:
        """One step.

        Args:
            inputs: what the inputs give the gates, their biases in it, [n, gates U].
            hidden: what the hidden state gives them, [n, gates U].
            bias: float32 [4U]; those past the gates' are not in `inputs`.
            before: the state carried, float32 [n, U].

        Returns:
            Gates to be stored, the state carried on, and the hidden state, float32 [n, U] each.
        """

    def back(
        self, gates: Sequence[Tensor], state: Tensor, before: Tensor, d_hidden: Tensor, d: Tensor
    ) -> tuple[Sequence[Tensor], Tensor]:
        """The way back through a step.

        Args:
            gates: what `step` gave to be stored.
            state: the state it carried on.
            before: the state it began from.
            d_hidden: gradient of the hidden state.
            d: gradient of the state carried on.

        Returns:
            Gradients for the four biases, and of the state it began from but for what comes by
            the gates.
        """

    def of_inputs(self, d_gates: Tensor) -> Tensor:
        """The part of the gradient of the biases [n, 4U] that is the inputs' product's."""

    def of_hidden(self, d_gates: Tensor) -> Tensor:
        """The same for the hidden state's product."""


class Lstm:
    """Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, as Keras has it.

    Gates in the order i, f, g, o:

        i, f, o = sigmoid(x W + h R + b)      g = tanh(x W + h R + b)
        c' = f c + i g                        h' = o tanh(c')
    """

    gates = 4

    def step(
        self, inputs: Tensor, hidden: Tensor, bias: Tensor, before: Tensor
    ) -> tuple[Sequence[Tensor], Tensor, Tensor]:
        """See `Cell`; the state carried is c."""
        i, f, g, o = tf.split(tf.cast(inputs + hidden, tf.float32), 4, 1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * before + i * g
        return (i, f, g, o), c, o * tf.tanh(c)

    def back(
        self, gates: Sequence[Tensor], state: Tensor, before: Tensor, d_hidden: Tensor, d: Tensor
    ) -> tuple[Sequence[Tensor], Tensor]:
        """See `Cell`."""
        i, f, g, o = gates
        tanh_c = tf.tanh(state)
        d = d + d_hidden * o * (1 - tanh_c * tanh_c)
        by_gates = (
            d * g * i * (1 - i),
            d * before * f * (1 - f),
            d * i * (1 - g * g),
            d_hidden * tanh_c * o * (1 - o),
        )
        return by_gates, d * f

    def of_inputs(self, d_gates: Tensor) -> Tensor:
        """See `Cell`."""
        return d_gates

    def of_hidden(self, d_gates: Tensor) -> Tensor:
        """See `Cell`."""
        return d_gates


class Gru:
    """Cho et al. 2014 in cuDNN's form, where the reset gate works on the product.

    Gates in the order r, z, g; the fourth bias is that of the state inside g:

        r, z = sigmoid(x W + h R + b)         g = tanh(x W_g + b_g + r (h R_g + b_m))
        h' = (1 - z) g + z h

    Keras's `GRU(reset_after=True)` is the same, with z, r, g in this order.
    """

    gates = 3

    def step(
        self, inputs: Tensor, hidden: Tensor, bias: Tensor, before: Tensor
    ) -> tuple[Sequence[Tensor], Tensor, Tensor]:
        """See `Cell`; the state carried is h, so that it is added up in float32."""
        x_r, x_z, x_g = tf.split(tf.cast(inputs, tf.float32), 3, 1)
        h_r, h_z, m = tf.split(tf.cast(hidden, tf.float32), 3, 1)
        m += bias[3 * m.shape[1] :]
        r, z = tf.sigmoid(x_r + h_r), tf.sigmoid(x_z + h_z)
        g = tf.tanh(x_g + r * m)
        h = (1 - z) * g + z * before
        return (r, z, g, m), h, h

    def back(
        self, gates: Sequence[Tensor], state: Tensor, before: Tensor, d_hidden: Tensor, d: Tensor
    ) -> tuple[Sequence[Tensor], Tensor]:
        """See `Cell`."""
        r, z, g, m = gates
        d = d + d_hidden
        d_g = d * (1 - z) * (1 - g * g)
        by_gates = (d_g * m * r * (1 - r), d * (before - g) * z * (1 - z), d_g, d_g * r)
        return by_gates, d * z

    def of_inputs(self, d_gates: Tensor) -> Tensor:
        """See `Cell`."""
        return d_gates[:, : 3 * d_gates.shape[1] // 4]

    def of_hidden(self, d_gates: Tensor) -> Tensor:
        """See `Cell`."""
        units = d_gates.shape[1] // 4
        return tf.concat([d_gates[:, : 2 * units], d_gates[:, 3 * units :]], 1)


CELLS: dict[str, Cell] = {"lstm": Lstm(), "gru": Gru()}

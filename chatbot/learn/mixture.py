"""The network's probabilities mixed with those of n-grams.

Comes in: output vectors, the loss of each row by the network and by the counts. Goes out: the loss
of the mixture. Holds the counts, so that they go with the weights into every checkpoint.

The probability of an entry is

    (1 - s) p_network + s p_ngrams      s = sigmoid(w . v + b)

with a share s for every row, from its output vector v: counts know frequent phrases and rare words
from the first step on, the network knows the question. Mixing a network with n-grams is as old as
the field (Bengio et al. 2003, "A neural probabilistic language model", section 4.2), the learned
share is a mixture of experts (Jacobs et al. 1991, "Adaptive mixtures of local experts").

The share learns from the likelihood of the mixture, the network from its own alone: learning from
the mixture's it would leave to the counts what they know early, and stop learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.tf import tf

Tensor = Any

_FIRST_SHARE = -0.5
"""b at the beginning: 38 % by the counts."""


class Counts(tf.train.experimental.PythonState):  # type: ignore[misc]
    """N-grams as a part of a checkpoint.

    Attributes:
        ngrams: the counts; None until they are set or restored.
    """

    def __init__(self) -> None:
        """Begins without counts."""
        self.ngrams: Ngrams | None = None

    def serialize(self) -> bytes:
        """The counts as TensorFlow's checkpoints keep them."""
        return b"" if self.ngrams is None else self.ngrams.to_bytes()

    def deserialize(self, data: bytes) -> None:
        """Takes the counts of a checkpoint."""
        self.ngrams = Ngrams.from_bytes(data) if data else None


class Mixture(tf.Module):  # type: ignore[misc]
    """The share of the n-grams, and their counts."""

    def __init__(self, units: int) -> None:
        """Begins with one share for all rows; `counts.ngrams` has to be set."""
        super().__init__(name="mixture")
        self.weight = tf.Variable(tf.zeros([units, 1]), name="share_weight")
        self.bias = tf.Variable([_FIRST_SHARE], name="share_bias")
        self.counts = Counts()

    @property
    def ngrams(self) -> Ngrams:
        """The counts.

        Raises:
            ChatbotError: there are none; a checkpoint was written without them.
        """
        if self.counts.ngrams is None:
            raise ChatbotError("the counts of n-grams are missing. Train anew with --restart.")
        return self.counts.ngrams

    def counted(self, runs: Sequence[tuple[int, int]]) -> bool:
        """Whether some of these pairs of the store were counted, which are its first ones."""
        return min(first for first, _ in runs) < self.ngrams.pairs

    def share(self, vectors: Tensor) -> Tensor:
        """The share of the n-grams for output vectors [N, U], from 0 to 1, [N]."""
        return tf.sigmoid(self._logits(vectors))

    def nats(self, vectors: Tensor, network: Tensor, given: Tensor) -> Tensor:
        """The loss of each row by the mixture, in nats, [N].

        Args:
            vectors: output vectors, [N, U]; no gradient reaches them.
            network: the loss of each row by the network, in nats, [N]; likewise.
            given: log-probability of each row's label by the n-grams, [N].
        """
        logits = self._logits(tf.stop_gradient(vectors))
        by_network = tf.math.log_sigmoid(-logits) - tf.stop_gradient(network)
        return -tf.reduce_logsumexp(tf.stack([by_network, tf.math.log_sigmoid(logits) + given]), 0)

    def _logits(self, vectors: Tensor) -> Tensor:
        return (tf.matmul(vectors, self.weight) + self.bias)[:, 0]

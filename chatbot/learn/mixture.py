"""The network's probabilities mixed with those of n-grams and of the question's words.

Comes in: output vectors, the loss of each row by the network and by the others. Goes out: the loss
of the mixture. Holds the counts, so that they go with the weights into every checkpoint.

The probability of an entry is

    s_0 p_network + s_1 p_ngrams + s_2 p_question      s = softmax(0, w_1 . v + b_1, w_2 . v + b_2)

with shares s for every row, from its output vector v: counts know frequent phrases and rare words
from the first step on, the network knows what follows from the question, and what is said again is
said in its words. Mixing a network with n-grams is as old as the field (Bengio et al. 2003, "A
neural probabilistic language model", section 4.2), learned shares are a mixture of experts (Jacobs
et al. 1991, "Adaptive mixtures of local experts"). What the others say: `ngrams`, `experts`.

The shares, and the output vectors as far as shares follow from them, learn from the likelihood of
the mixture; what the network says learns from its own alone: learning from the mixture's it would
leave to the others what they know early, and stop learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.tf import tf

Tensor = Any

SHARE = 0.8
"""Of what Kneser and Ney take off a count, so much is taken where the network is mixed in, which is
smooth enough: found by trying 0.4 to 1 on subtitles, and no worse on counselling."""

_FIRST = (-0.5, -3.5)
"""b at the beginning: 37 % by the counts, 2 % by the question; without it 38 % by the counts."""


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
    """The shares, and the counts of the n-grams."""

    def __init__(self, units: int, *, copying: bool) -> None:
        """Begins with the same shares for all rows; `counts.ngrams` has to be set.

        Args:
            units: width of output vectors, U.
            copying: whether the words of the question have a share.
        """
        super().__init__(name="mixture")
        first = _FIRST[: 1 + copying]
        self.weight = tf.Variable(tf.zeros([units, len(first)]), name="share_weight")
        self.bias = tf.Variable(first, name="share_bias")
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

    def shares(self, vectors: Tensor) -> Tensor:
        """The shares for output vectors [N, U], the network's first, [N, 1 + experts]."""
        return tf.exp(self._log_shares(vectors))

    def nats(self, vectors: Tensor, network: Tensor, given: Tensor) -> Tensor:
        """The loss of each row by the mixture, in nats, [N].

        Args:
            vectors: output vectors, [N, U].
            network: the loss of each row by the network, in nats, [N]; no gradient reaches it.
            given: log-probability of each row's label by each of the others, [N, experts].
        """
        said = tf.concat([-tf.stop_gradient(network)[:, None], given], 1)
        return -tf.reduce_logsumexp(self._log_shares(vectors) + said, 1)

    def _log_shares(self, vectors: Tensor) -> Tensor:
        logits = tf.matmul(vectors, self.weight) + self.bias
        return tf.nn.log_softmax(tf.concat([tf.zeros_like(logits[:, :1]), logits], 1))

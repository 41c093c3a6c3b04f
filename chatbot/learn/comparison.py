"""Validations in a row compared with those before them, pair by pair on the same pairs.

Comes in: the losses of every pair at every validation. Goes out: the difference per token with its
standard error, so that a fall can be told from chance. Knows nothing of networks or of schedules.

Two kinds of chance are in it. Losses differ far more from pair to pair than those of one pair from
state to state, so differences are taken pair by pair (a paired comparison; for the same reason
Koehn 2004, "Statistical significance tests for machine translation evaluation", section 3.2,
resamples two systems on the same sentences). And at a constant learning rate the weights wander, so
one validation is lucky for all pairs at once and the next is not: how much, is seen in how the
validations of a block lie about the straight line through them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""How sure a gain has to be, one-sided."""

QUANTILE = 1.645
"""The normal distribution's at that confidence."""

_KEPT = np.dtype("<f4")


@dataclass(frozen=True)
class Judged:
    """The loss of every judged pair under one state.

    Attributes:
        nats: summed over the targets of each pair, float32 [pairs].
        tokens: targets of all pairs, EOS included.
        network: the mean loss of the network alone, nats per target token.
        bits_per_character: see `judging`; None where it is not known.
    """

    nats: NDArray[np.float32]
    tokens: int
    network: float
    bits_per_character: float | None = None

    @property
    def loss(self) -> float:
        """The mean loss, nats per target token."""
        return float(self.nats.sum(dtype=np.float64)) / self.tokens


@dataclass(frozen=True)
class Block:
    """Validations in a row, over the same pairs.

    Attributes:
        sums: the losses of every pair, added up, nats, float32, little-endian.
        means: the mean loss of each validation, nats per target token.
    """

    sums: bytes = b""
    means: tuple[float, ...] = ()

    def plus(self, judged: Judged) -> Block:
        """The block with one more validation."""
        nats = judged.nats + (np.frombuffer(self.sums, _KEPT) if self.means else 0)
        return Block(nats.astype(_KEPT).tobytes(), (*self.means, judged.loss))

    def of_pairs(self) -> NDArray[np.float64]:
        """The mean loss of every pair, [pairs]."""
        return np.frombuffer(self.sums, _KEPT).astype(np.float64) / len(self.means)

    @property
    def loss(self) -> float:
        """The mean loss, nats per target token."""
        return sum(self.means) / len(self.means)

    def about_line(self) -> tuple[float, int]:
        """The summed squares of the means about the straight line through them, and how many count.

        Two determine the line, so of n means n - 2 do.
        """
        if len(self.means) < 3:
            return 0.0, 0
        at = np.arange(len(self.means)) - (len(self.means) - 1) / 2
        means = np.asarray(self.means) - self.loss
        slope = float(at @ means) / float(at @ at)
        return float(((means - slope * at) ** 2).sum()), len(self.means) - 2


@dataclass(frozen=True)
class Difference:
    """What changed from one state to another.

    Attributes:
        mean: the later loss less the earlier, nats per target token.
        error: standard error of that.
    """

    mean: float
    error: float

    @property
    def lower(self) -> bool:
        """Whether the loss has fallen, at `CONFIDENCE`."""
        return self.mean < 0 and self.mean < -QUANTILE * self.error

    @property
    def higher(self) -> bool:
        """Whether the loss has risen, at `CONFIDENCE`."""
        return self.mean > 0 and self.mean > QUANTILE * self.error

    def __str__(self) -> str:
        """The difference and what is added and taken away at `CONFIDENCE`."""
        return f"{self.mean:+.4f} ± {QUANTILE * self.error:.4f}"


def difference(before: Block, after: Block, tokens: int) -> Difference:
    """How the validations of a block differ from those of an earlier one.

    Args:
        before: the earlier block.
        after: the later block, over the same pairs.
        tokens: targets of all pairs.
    """
    by_pair = paired(after.of_pairs() - before.of_pairs(), tokens)
    squares, free = (
        sum(both) for both in zip(before.about_line(), after.about_line(), strict=True)
    )
    wander = squares / free * (1 / len(before.means) + 1 / len(after.means)) if free else 0.0
    return Difference(by_pair.mean, (by_pair.error**2 + wander) ** 0.5)


def paired(changes: NDArray[np.float64], tokens: int) -> Difference:
    """The mean of changes pair by pair, per token, with its standard error.

    Args:
        changes: of the summed loss of every pair, nats, [pairs]; one pair alone has no error.
        tokens: targets of all pairs.
    """
    count = len(changes)
    spread = float(changes.std(ddof=1)) if count > 1 else 0.0
    return Difference(float(changes.sum()) / tokens, spread * count**0.5 / tokens)

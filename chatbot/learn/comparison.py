"""Two states of a network compared pair by pair on the same pairs.

Comes in: the loss of every pair under either state. Goes out: the difference per token with its
standard error, so that a gain can be told from chance. Knows nothing of networks or of schedules.

Losses of one network differ far more from pair to pair than those of one pair from state to state:
the difference taken pair by pair has a standard error many times smaller than either mean (a paired
comparison; for the same reason Koehn 2004, "Statistical significance tests for machine translation
evaluation", section 3.2, resamples two systems on the same sentences).
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
        network: the mean loss of the network alone, without n-grams, nats per target token.
    """

    nats: NDArray[np.float32]
    tokens: int
    network: float

    @property
    def loss(self) -> float:
        """The mean loss, nats per target token."""
        return float(self.nats.sum(dtype=np.float64)) / self.tokens

    def to_bytes(self) -> bytes:
        """The losses of the pairs, float32, little-endian."""
        return self.nats.astype(_KEPT).tobytes()


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


def difference(before: bytes, after: Judged) -> Difference:
    """How a state differs from an earlier one.

    Args:
        before: what `Judged.to_bytes` gave for the earlier state, over the same pairs.
        after: the losses under the later state.

    Raises:
        ValueError: not the same number of pairs.
    """
    earlier = np.frombuffer(before, _KEPT)
    if len(earlier) != len(after.nats):
        raise ValueError(f"{len(earlier)} pairs before, {len(after.nats)} after")
    changes = after.nats.astype(np.float64) - earlier
    return paired(changes, after.tokens)


def paired(changes: NDArray[np.float64], tokens: int) -> Difference:
    """The mean of changes pair by pair, per token, with its standard error.

    Args:
        changes: of the summed loss of every pair, nats, [pairs]; one pair alone has no error.
        tokens: targets of all pairs.
    """
    count = len(changes)
    spread = float(changes.std(ddof=1)) if count > 1 else 0.0
    return Difference(float(changes.sum()) / tokens, spread * count**0.5 / tokens)

"""When a run has gone wrong, and how often it has been mended; pure functions of state.

Comes in: the losses of steps and of validations. Goes out: a new state, and in words what is wrong.
Knows nothing of weights: `mending` brings back the last good ones.

All losses here are those of the network alone: what is mixed with it would hide a network that is
spoiled, as its share falls to nothing. Wrong is a loss or a gradient that is not finite: the
optimizer has refused it, so once is no harm; twice in a row means that the weights themselves are
bad. And divergence:

- the median of the losses of the last steps lies `MARGIN` nats a token above the least such median,
  or above the loss of the network as it was drawn; of few steps, where batches are small, `FAR`;
- a judged loss lies `MARGIN` above the least one, and the losses of training half of that above
  theirs: when a run overfits, they fall;
- both are above the judged loss of the network as it was drawn.

What a loss does by chance or by a hard window stays far below that.

Every time the run goes back to the best weights so far, with new moments, at half the rate. After
`MOST_TRIES` times without a gain between them it gives up. Adam's steps are as long as its rate,
whatever the gradient, so a rate that is too high is mended by halving, and by nothing else.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median
from typing import NamedTuple

MARGIN = 1.0
"""Nats a token above the least loss at which a run counts as diverged."""

FAR = 5.0
"""Nats a token above it at which a few steps are enough to say so."""

WORSE = 0.01
"""Nats a token above the loss of the network as drawn at which it has been spoiled."""

MOST_TRIES = 10
"""Roll-backs without a gain between them."""

_FEWEST, _MOST, _PAIRS = 5, 400, 1_000


class Step(NamedTuple):
    """What an optimizer step found.

    Attributes:
        loss: the mean loss of the batch before it, nats per token.
        network: the same of the network alone.
        norm: global norm of the gradient, before clipping; where it is not finite, neither weights
            nor moments have changed.
        tokens: real targets of the batch, of all workers.
    """

    loss: float
    network: float
    norm: float
    tokens: int = 0


@dataclass(frozen=True)
class Recovery:
    """What is known of the health of a run.

    Attributes:
        tries: roll-backs since the last gain of a validation.
        refused: steps in a row that the optimizer has refused.
        recent: the last losses of steps, nats per token.
        least: the least median of so many, at first the judged loss before them.
        judged: the least judged loss.
        start: the judged loss of the network as it was drawn.
    """

    tries: int = 0
    refused: int = 0
    recent: tuple[float, ...] = ()
    least: float = inf
    judged: float = inf
    start: float = inf


def width(batch: int) -> int:
    """How many steps a median is taken of: more for small batches, whose losses differ more.

    >>> width(1000), width(100), width(7)
    (5, 10, 142)
    """
    return min(_MOST, max(_FEWEST, _PAIRS // batch))


def after_step(recovery: Recovery, step: Step, batch: int) -> Recovery:
    """The state after a step of so many pairs."""
    if not (isfinite(step.network) and isfinite(step.norm)):
        return dataclasses.replace(recovery, refused=recovery.refused + 1)
    recent = (*recovery.recent, step.network)[-width(batch) :]
    least = recovery.least
    if len(recent) == width(batch):
        least = min(least, median(recent))
    return dataclasses.replace(recovery, refused=0, recent=recent, least=least)


def after_validation(recovery: Recovery, loss: float, *, gained: bool) -> Recovery:
    """The state after a validation with a finite loss."""
    tries = 0 if gained else recovery.tries
    first = recovery.judged == inf
    return dataclasses.replace(
        recovery,
        tries=tries,
        judged=min(recovery.judged, loss),
        start=loss if recovery.start == inf else recovery.start,
        least=min(recovery.least, loss) if first else recovery.least,
    )


def fault(recovery: Recovery, batch: int) -> str | None:
    """What is wrong after a step of so many pairs, in words, or None."""
    if recovery.refused:
        return "the loss or its gradient is not finite"
    for count, margin in ((width(batch), MARGIN), (_FEWEST, FAR)):
        now = median(recovery.recent[-count:])
        if len(recovery.recent) >= count and now > recovery.least + margin:
            return f"the loss has risen to {now:.2f}, from {recovery.least:.2f}"
    return None


def fault_of_validation(recovery: Recovery, loss: float) -> str | None:
    """What is wrong with the loss of a validation, in words, or None."""
    if not isfinite(loss):
        return "the loss of a validation is not finite"
    training = median(recovery.recent) if recovery.recent else -inf
    if loss > recovery.judged + MARGIN and training > recovery.least + MARGIN / 2:
        return f"the loss of a validation has risen to {loss:.2f}, from {recovery.judged:.2f}"
    if min(loss, training) > recovery.start + WORSE:
        return f"the network is worse than it was drawn ({loss:.3f} against {recovery.start:.3f})"
    return None


def rolled_back(recovery: Recovery, good: Recovery) -> Recovery:
    """The state after going back to a good one."""
    return dataclasses.replace(good, tries=recovery.tries + 1, refused=0, recent=())

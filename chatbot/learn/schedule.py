"""The learning rate: warm-up, decay on a plateau, annealing; dropout; pure functions of state.

Comes in: losses, and how far the run is. Goes out: a rate, and a new state. Knows nothing of files,
clocks or weights.

    rate = learning rate x warm-up x scale x annealing / 2 ^ halvings

Warm-up rises linearly over the first steps; `scale` falls when the loss stops falling (below);
annealing falls linearly to nothing at the end of a run whose end is known; every roll-back halves
the rate (see `recovery`).

Two rules decide when `scale` falls. `heldout`: a validation counts as a gain when its losses are
lower than those at the last gain, compared pair by pair, with the confidence that `comparison`
states: small gains add up until they are sure, chance alone is none. After `patience` validations
without a gain the scale is multiplied by `DECAY`, and the next `cooldown` validations are not
judged; at the floor, instead of another decay, the schedule is exhausted. Without held-out pairs
the loss of the first 2,000 training pairs, with nothing left out, is judged in the same way.
`train`, the rule of the tutorials this program descends from: whenever the loss of a step is above
the largest of the five steps before it, the scale is multiplied by `ANCESTOR_DECAY`. On a flat
noisy loss that happens every sixth step, whether or not anything is wrong.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf

from chatbot.config import TrainingConfig
from chatbot.learn.comparison import Difference, Judged, difference

DECAY = 0.4
ANCESTOR_DECAY = 0.99
LEAST_ANNEALING = 0.01
FIRST_DROPPING = 0.25
DROPPING_PASSES = 3

_ANCESTOR_MEMORY = 5


@dataclass(frozen=True)
class Schedule:
    """The state of the learning rate.

    Attributes:
        scale: product of all decays so far.
        best: least loss judged so far, nats per token.
        waited: validations since the last gain.
        cooling: validations still not judged.
        recent: the last training losses, for the rule `train`.
        exhausted: whether the rate is at its floor and the loss does not fall.
        compared: the losses of the judged pairs at the last gain, see `comparison`; empty before
            the first validation.
        gained_at: the step of that gain.
        halvings: how often a roll-back has halved the rate.
        warm_from: the step that warm-up counts from.
    """

    scale: float = 1.0
    best: float = inf
    waited: int = 0
    cooling: int = 0
    recent: tuple[float, ...] = ()
    exhausted: bool = False
    compared: bytes = b""
    gained_at: int = 0
    halvings: int = 0
    warm_from: int = 0

    def since_gain(self, judged: Judged) -> Difference | None:
        """How losses differ from those at the last gain; None at the first validation."""
        return difference(self.compared, judged) if self.compared else None


def rate(step: int, schedule: Schedule, fraction: float, config: TrainingConfig) -> float:
    """The learning rate of a step.

    Args:
        step: number of the step, from 0.
        schedule: the state.
        fraction: how much of the run is done, 0 to 1; 0 when its end is not known.
        config: learning rate and warm-up.
    """
    done = step + 1 - schedule.warm_from
    warm = min(1.0, done / config.warmup) if config.warmup else 1.0
    annealing = max(LEAST_ANNEALING, 1.0 - fraction)
    return config.learning_rate * warm * schedule.scale * annealing * 0.5**schedule.halvings


def at_full_rate(schedule: Schedule) -> Schedule:
    """The state from which a run goes on at a rate of its own: no decay counts any more."""
    return Schedule(best=schedule.best, compared=schedule.compared, gained_at=schedule.gained_at)


def halved(schedule: Schedule) -> Schedule:
    """The state from which a run goes on at half its rate."""
    return dataclasses.replace(schedule, halvings=schedule.halvings + 1)


def dropping(step: int, batch: int, pairs: int) -> float:
    """How much of the dropout is in force at a step, 0 to 1.

    A pair that is seen for the first time cannot be known by heart: dropout rises from
    `FIRST_DROPPING` to all of it over the first `DROPPING_PASSES` passes over the corpus (Morerio
    et al. 2017, "Curriculum dropout", eq. 3, here a straight line).

    Args:
        step: number of the step, from 0.
        batch: pairs of a step.
        pairs: pairs to train on.
    """
    passes = step * batch / pairs
    return min(1.0, FIRST_DROPPING + (1 - FIRST_DROPPING) * passes / DROPPING_PASSES)


def after_validation(
    schedule: Schedule, judged: Judged, step: int, config: TrainingConfig
) -> Schedule:
    """The state after a validation at a step; compare `scale` to see whether it decayed."""
    found = schedule.since_gain(judged)
    schedule = dataclasses.replace(schedule, best=min(schedule.best, judged.loss))
    if found is None or found.lower:
        kept = judged.to_bytes()
        return dataclasses.replace(schedule, compared=kept, gained_at=step, waited=0, cooling=0)
    if schedule.cooling:
        return dataclasses.replace(schedule, cooling=schedule.cooling - 1)
    waited = schedule.waited + 1
    if waited < config.patience or config.decay_on != "heldout":
        return dataclasses.replace(schedule, waited=waited)
    if schedule.scale <= config.floor:
        return dataclasses.replace(schedule, waited=waited, exhausted=True)
    scale = max(config.floor, schedule.scale * DECAY)
    return dataclasses.replace(schedule, scale=scale, waited=0, cooling=config.cooldown)


def after_step(schedule: Schedule, loss: float, config: TrainingConfig) -> Schedule:
    """The state after a training step; changes it under the rule `train` only."""
    if config.decay_on != "train":
        return schedule
    recent = schedule.recent
    scale = schedule.scale
    if len(recent) == _ANCESTOR_MEMORY and loss > max(recent):
        scale = max(config.floor, scale * ANCESTOR_DECAY)
    recent = (*recent, loss)[-_ANCESTOR_MEMORY:]
    return dataclasses.replace(
        schedule, scale=scale, recent=recent, exhausted=scale <= config.floor
    )

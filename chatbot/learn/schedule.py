"""The learning rate: warm-up, decay on a plateau, annealing; dropout; pure functions of state.

Comes in: losses in nats per token, and how far the run is. Goes out: a rate, and a new state. Knows
nothing of files, clocks or weights.

    rate = learning rate x warm-up x scale x annealing

Warm-up rises linearly over the first steps; `scale` falls when the loss stops falling (below);
annealing falls linearly to nothing at the end of a run whose end is known.

Two rules decide when `scale` falls. `heldout`: a validation counts as a gain when it beats the best
so far by `MIN_GAIN` nats; after `patience` validations without one the scale is multiplied by
`DECAY`, and the next `cooldown` validations are not judged; at the floor, instead of another decay,
the schedule is exhausted. Without held-out pairs the loss of the first 2,000 training pairs, with
nothing left out, is judged in the same way. `train`, the rule of the tutorials this program
descends from: whenever the loss of a step is above the largest of the five steps before it, the
scale is multiplied by `ANCESTOR_DECAY`. On a flat noisy loss that happens every sixth step, whether
or not anything is wrong.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf

from chatbot.config import TrainingConfig

DECAY = 0.4
ANCESTOR_DECAY = 0.99
MIN_GAIN = 0.002
LEAST_ANNEALING = 0.01
FIRST_DROPPING = 0.25
DROPPING_PASSES = 3

_ANCESTOR_MEMORY = 5


@dataclass(frozen=True)
class Schedule:
    """The state of the learning rate; JSON-ready.

    Attributes:
        scale: product of all decays so far.
        best: least loss judged so far, nats per token.
        waited: validations since the best.
        cooling: validations still not judged.
        recent: the last training losses, for the rule `train`.
        exhausted: whether the rate is at its floor and the loss does not fall.
    """

    scale: float = 1.0
    best: float = inf
    waited: int = 0
    cooling: int = 0
    recent: tuple[float, ...] = ()
    exhausted: bool = False


def rate(step: int, schedule: Schedule, fraction: float, config: TrainingConfig) -> float:
    """The learning rate of a step.

    Args:
        step: number of the step, from 0.
        schedule: the state.
        fraction: how much of the run is done, 0 to 1; 0 when its end is not known.
        config: learning rate and warm-up.
    """
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    annealing = max(LEAST_ANNEALING, 1.0 - fraction)
    return config.learning_rate * warm * schedule.scale * annealing


def at_full_rate(schedule: Schedule) -> Schedule:
    """The state from which a run goes on at a rate of its own: no decay counts any more."""
    return Schedule(best=schedule.best)


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


def after_validation(schedule: Schedule, loss: float, config: TrainingConfig) -> Schedule:
    """The state after a validation; compare `scale` to see whether it decayed."""
    if loss < schedule.best - MIN_GAIN:
        return dataclasses.replace(schedule, best=loss, waited=0, cooling=0)
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

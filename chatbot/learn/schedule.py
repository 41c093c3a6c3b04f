"""The learning rate: warm-up, decay on a plateau, annealing; dropout; pure functions of state.

Comes in: losses, and how far the run is. Goes out: a rate, and a new state. Knows nothing of files,
clocks or weights.

    rate = learning rate x warm-up x scale x annealing / 2 ^ halvings

Warm-up rises linearly over the first steps; `scale` falls when the loss stops falling (below);
annealing falls linearly to nothing at the end of a run whose end is known; every roll-back halves
the rate (see `recovery`).

Two rules decide when `scale` falls. `heldout`: validations are taken in blocks of `patience`; a
block is a gain when its loss is lower than that of the block before it, compared pair by pair, with
the confidence that `comparison` states. After a block without a gain the scale is multiplied by
`DECAY`, and the next `cooldown` validations are left out; at the floor, instead of another decay,
the schedule is exhausted. Without held-out pairs the loss of the first 2,000 training pairs, with
nothing left out, is judged in the same way.
`train`, the rule of the tutorials this program descends from: whenever the loss of a step is above
the largest of the five steps before it, the scale is multiplied by `ANCESTOR_DECAY`. On a flat
noisy loss that happens every sixth step, whether or not anything is wrong.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import inf

from chatbot.config import RATES, TrainingConfig
from chatbot.learn.comparison import CONFIDENCE, Block, Difference, Judged, difference

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
        before: the last whole block of validations; empty at first.
        block: the validations of the present one.
        cooling: validations still left out.
        recent: the last training losses, for the rule `train`.
        exhausted: whether the rate is at its floor and the loss does not fall.
        halvings: how often a roll-back has halved the rate.
        warm_from: the step that warm-up counts from.
    """

    scale: float = 1.0
    best: float = inf
    before: Block = Block()
    block: Block = Block()
    cooling: int = 0
    recent: tuple[float, ...] = ()
    exhausted: bool = False
    halvings: int = 0
    warm_from: int = 0

    def fall(self, judged: Judged) -> Difference | None:
        """What a block that ends with these losses is compared by; None if it is the first."""
        if not self.before.means:
            return None
        return difference(self.before, self.block.plus(judged), judged.tokens)


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
    full = RATES["recurrent"] if config.learning_rate is None else config.learning_rate
    return full * warm * schedule.scale * annealing * 0.5**schedule.halvings


def at_full_rate(schedule: Schedule) -> Schedule:
    """The state from which a run goes on at a rate of its own: no decay counts any more."""
    return Schedule(best=schedule.best)


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


def after_validation(schedule: Schedule, judged: Judged, config: TrainingConfig) -> Schedule:
    """The state after a validation; compare `scale` to see whether it decayed."""
    schedule = dataclasses.replace(schedule, best=min(schedule.best, judged.loss))
    if schedule.cooling:
        return dataclasses.replace(schedule, cooling=schedule.cooling - 1)
    block = schedule.block.plus(judged)
    if len(block.means) < config.patience:
        return dataclasses.replace(schedule, block=block)
    found = schedule.fall(judged)
    schedule = dataclasses.replace(schedule, before=block, block=Block())
    if found is None or found.lower or config.decay_on != "heldout":
        return schedule
    if schedule.scale <= config.floor:
        return dataclasses.replace(schedule, exhausted=True)
    scale = max(config.floor, schedule.scale * DECAY)
    return dataclasses.replace(schedule, scale=scale, cooling=config.cooldown)


def why_decayed(before: Schedule, judged: Judged, after: Schedule) -> str:
    """A decay in words, after the name of the loss.

    Args:
        before: the state before the validation.
        judged: its losses.
        after: the state after it.
    """
    block, fall = before.block.plus(judged), before.fall(judged)
    return (
        f"{block.loss:.3f} over {len(block.means)} validations, {before.before.loss:.3f} over as "
        f"many before: {fall} at {CONFIDENCE:.0%}, not surely lower: learning rate x "
        f"{after.scale / before.scale:.2g}"
    )


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

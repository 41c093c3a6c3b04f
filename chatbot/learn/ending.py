"""When a training run ends, and how far it is; pure functions of its position.

Comes in: the settings of a run, the size of its corpus, and step, seconds and schedule. Goes out:
how much is done, how much is left, and the reason to end. Knows nothing of files or of weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chatbot.config import TrainingConfig
from chatbot.learn.schedule import Schedule

CAP_EPOCHS = 200
"""Passes over the corpus after which a run without a given end stops, ..."""

CAP_STEPS = 4_000
"""... but not before this many steps."""

MEMORISED = 0.02
"""Training loss, nats per token, at which a run without held-out pairs knows them by heart."""


@dataclass(frozen=True)
class Ending:
    """The end of a run, given or not.

    Attributes:
        training: the settings of the run.
        pairs: pairs to train on.
        memorising: whether no pairs are held out, so that the training loss stands in.
    """

    training: TrainingConfig
    pairs: int
    memorising: bool

    @property
    def last_step(self) -> int | None:
        """The step the run ends at, as far as it is given in steps or epochs."""
        ends = [] if self.training.steps is None else [self.training.steps]
        if self.training.epochs is not None:
            a_pass = math.ceil(self.pairs / self.training.batch)
            ends.append(math.ceil(self.training.epochs * a_pass))
        return min(ends) if ends else None

    @property
    def cap(self) -> int:
        """The step a run without a given end stops at, at the latest."""
        return max(CAP_STEPS, CAP_EPOCHS * self.pairs // self.training.batch)

    def judged_by(self, held_out: int) -> str:
        """What a run is judged by, in words, with so many pairs held out."""
        if self.memorising:
            return "no pairs are held out: learning by heart, judged by the training loss"
        return f"{held_out:,} pairs are held out to judge by"

    def fraction(self, step: int, seconds: float) -> float:
        """How much of a run whose end is given is done, 0 to 1; 0 when it is not given."""
        done = [0.0]
        if self.last_step is not None:
            done.append(step / self.last_step)
        if self.training.minutes is not None:
            done.append(seconds / (60 * self.training.minutes))
        return min(1.0, max(done))

    def seconds_left(self, step: int, seconds: float, seconds_a_step: float) -> float | None:
        """The time to the end of a run whose end is given."""
        left = []
        if self.last_step is not None:
            left.append((self.last_step - step) * seconds_a_step)
        if self.training.minutes is not None:
            left.append(60 * self.training.minutes - seconds)
        return max(0.0, min(left)) if left else None

    def reason(self, step: int, seconds: float, schedule: Schedule) -> str | None:
        """Why the run ends here, in words, or None if it goes on."""
        if self.last_step is not None and step >= self.last_step:
            return f"all {self.last_step:,} steps done"
        if self.training.minutes is not None and seconds >= 60 * self.training.minutes:
            return f"all {self.training.minutes:g} minutes done"
        if self.last_step is not None or self.training.minutes is not None:
            return None
        if schedule.exhausted:
            return "the loss falls no further at the smallest learning rate"
        if self.memorising and schedule.best < MEMORISED:
            return f"the pairs are known by heart (training loss below {MEMORISED} nats)"
        return f"stopped at the cap of {self.cap:,} steps" if step >= self.cap else None

"""Where a training run stands, gathered from its records.

Comes in: records, in the order they happen, and the state of the schedule with each. Goes out: the
latest numbers, both losses as curves, sample replies, and what happened lately. Knows nothing of
how it is shown; what it keeps does not grow with the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from chatbot.cli.sparks import Curve
from chatbot.history import Record

if TYPE_CHECKING:
    from chatbot.learn.ending import Ending
    from chatbot.learn.schedule import Schedule

SMOOTHED = 20
"""Steps of which the smoothed training loss is the mean."""

_EVENTS = 6
_IN_SHORT: dict[str, Callable[[Record], str]] = {
    "alarm": lambda one: f"{one.alarm} at {one.step:,}",
    "checkpoint": lambda one: f"saved at {one.step:,}",
    "decay": lambda one: f"rate lowered at {one.step:,}",
    "pause": lambda one: f"disk full at {one.step:,}",
    "rollback": lambda one: f"rolled back to {one.step:,}",
}


@dataclass
class Standing:
    """What the records of a run say so far.

    Attributes:
        ending: when the run ends.
        schedule: the state of the learning rate.
        step: steps done.
        latest: the last record of progress.
        training: the smoothed training loss as it went, nats per token.
        judged: the loss of each validation as it went; of training pairs where none are held out.
        validation: the last record of a validation.
        best: least loss of a validation and its step, 0 for one before this start.
        probe: the last record with sample replies.
        events: the latest ones in a few words, newest first.
    """

    ending: Ending
    schedule: Schedule
    step: int = 0
    latest: Record | None = None
    training: Curve = field(default_factory=Curve)
    judged: Curve = field(default_factory=Curve)
    validation: Record | None = None
    best: tuple[float, int] | None = None
    probe: Record | None = None
    events: deque[str] = field(default_factory=lambda: deque(maxlen=_EVENTS))
    _losses: deque[float] = field(default_factory=lambda: deque(maxlen=SMOOTHED))

    def __post_init__(self) -> None:
        """Takes the best loss of a run that is resumed from its schedule."""
        if self.best is None and isfinite(self.schedule.best):
            self.best = self.schedule.best, 0

    @property
    def smoothed(self) -> float | None:
        """Training loss, mean of the last steps, nats per token."""
        return sum(self._losses) / len(self._losses) if self._losses else None

    def see(self, record: Record, schedule: Schedule) -> None:
        """Takes a record, and the state of the schedule at that time."""
        self.step, self.schedule = record.step, schedule
        if record.kind == "progress" and record.loss is not None:
            self.latest = record
            self._losses.append(record.loss)
            self.training.add(self.smoothed or 0.0)
        elif record.kind == "validation":
            self.validation = record
            self._judge(judged_loss(record), record.step)
        elif record.kind == "probe" and record.samples:
            self.probe = record
        if record.kind in _IN_SHORT:
            self.events.appendleft(_IN_SHORT[record.kind](record))

    def _judge(self, loss: float | None, step: int) -> None:
        if loss is None:
            return
        self.judged.add(loss)
        if self.best is None or loss < self.best[0]:
            self.best = loss, step


def judged_loss(validation: Record) -> float | None:
    """The loss of a validation: of held-out pairs, or of training pairs where there are none."""
    return validation.loss if validation.heldout_loss is None else validation.heldout_loss

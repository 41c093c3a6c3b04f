"""Into how many parts a step is cut so that training stays under a cap of memory.

Comes in: what a step does. Goes out: a number of parts, and the memory that is to be expected.
Knows nothing of TensorFlow: what things take is in `forecast`.

The parts of a batch are computed one after the other, as many at a time as there are processors,
and their gradients are added, so that the gradient is that of the whole batch (to the rounding of
sums). What a part holds between its two passes, which is most of what a step takes, shrinks with
it. The logits of the output layer are held for at most a thousand rows at a time anyhow, see
`learn.losses.chunk_of`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from chatbot.corpus.doctor.forecast import Work, workers_of
from chatbot.errors import ChatbotError
from chatbot.memory import bytes_of

SMALLEST_PART = 64
"""Pairs of a part below which another cut is not tried: on film subtitles 36 parts of 28 pairs took
no less memory than 10 parts of 100, and twice the time."""

MARGIN = 1.1
"""Factor on a forecast that is compared with a cap: a run took up to 9 % more, see `forecast`."""

_MEGABYTE = 10**6


@dataclass(frozen=True)
class Budget:
    """How a step is computed.

    Attributes:
        parts: parts of a batch.
        bytes: the most memory that the process is expected to take.
    """

    parts: int
    bytes: int

    @property
    def told(self) -> str:
        """The number of parts in words."""
        return "1 part" if self.parts == 1 else f"{self.parts} parts"


def budget(work: Work) -> Budget:
    """The fewest parts with which a run is expected to stay under its `TrainingConfig.memory`.

    Args:
        work: a step, in as many parts as there are processors.

    Raises:
        ChatbotError: it would not with any number of parts; names the smallest cap that works.
    """
    choices = _choices(work)
    if work.training.memory is None:
        return choices[0]
    cap = bytes_of(work.training.memory)
    for choice in choices:
        if choice.bytes * MARGIN <= cap:
            return choice
    least = smallest_cap(work)
    raise ChatbotError(
        f"--memory {work.training.memory}: this training takes {least} MB at the least, in steps "
        f"of {choices[-1].told}. Give --memory {least}MB or more, or take fewer --units, or "
        "a smaller vocabulary (build-vocab --max-size)."
    )


def smallest_cap(work: Work) -> int:
    """The least whole number of megabytes that `budget` agrees to."""
    return math.ceil(_choices(work)[-1].bytes * MARGIN / _MEGABYTE)


def _choices(work: Work) -> list[Budget]:
    """A step in more and more parts, whole rounds of all processors each time."""
    workers = workers_of(work.training)
    rounds, found = 1, []
    while rounds == 1 or work.batch // (rounds * workers) >= SMALLEST_PART:
        parts = rounds * workers
        found.append(Budget(parts, round(replace(work, parts=parts).bytes)))
        rounds += max(1, rounds // 4)
    return found

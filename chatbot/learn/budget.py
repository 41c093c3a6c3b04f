"""Into how many parts a step is cut so that training stays under a cap of memory.

Comes in: the settings of a run, and the lengths of its pairs. Goes out: a number of parts, and the
memory that is to be expected. Knows nothing of TensorFlow: what things take is in
`corpus.doctor.forecast`.

The parts of a batch are computed one after the other, as many at a time as there are processors,
and their gradients are added, so that the gradient is that of the whole batch (to the rounding of
sums). What a part holds between its two passes, which is most of what a step takes, shrinks with
it. The logits of the output layer are held for some thousand rows at a time anyhow, see
`losses.chunk_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatbot.corpus.doctor.forecast import Work, workers_of
from chatbot.errors import ChatbotError
from chatbot.memory import bytes_of

SMALLEST_PART = 16
"""Pairs of a part below which another cut saves next to nothing and costs much time."""

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


def budget(work: Work) -> Budget:
    """The fewest parts with which a run is expected to stay under its `TrainingConfig.memory`.

    Args:
        work: a step, in as many parts as there are processors.

    Raises:
        ChatbotError: it would not with any number of parts; names the smallest cap that works.
    """
    choices = [Budget(one.parts, round(one.bytes)) for one in _cuts(work)]
    if work.training.memory is None:
        return choices[0]
    cap = bytes_of(work.training.memory)
    for choice in choices:
        if choice.bytes <= cap:
            return choice
    least = -(-choices[-1].bytes // _MEGABYTE)
    raise ChatbotError(
        f"--memory {work.training.memory}: this training takes {least} MB at the least, in steps "
        f"of {choices[-1].parts} parts. Give --memory {least}MB or more, or take fewer --units, or "
        "a smaller vocabulary (build-vocab --max-size)."
    )


def _cuts(work: Work) -> Iterator[Work]:
    """A step in more and more parts, whole rounds of all processors each time."""
    workers = workers_of(work.training)
    rounds = 1
    while rounds == 1 or work.batch // (rounds * workers) >= SMALLEST_PART:
        yield replace(work, parts=rounds * workers)
        rounds += max(1, rounds // 4)

"""How fast a run is, over its last steps.

Comes in: the seconds, pairs and tokens of every step. Goes out: speeds. Knows nothing of clocks.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from chatbot.learn.recovery import Step
from chatbot.memory import peak_memory

_OVER = 20


class Pace:
    """The pace over the last steps.

    Attributes:
        steps: how many it has seen.
    """

    def __init__(self) -> None:
        """Has seen none."""
        self.steps = 0
        self._last: list[tuple[float, int, float]] = []

    def add(self, seconds: float, pairs: int, tokens: float) -> None:
        """Takes note of a step."""
        self.steps += 1
        self._last = [*self._last, (seconds, pairs, tokens)][-_OVER:]

    @property
    def seconds_a_step(self) -> float:
        """Mean seconds of a step."""
        return self._seconds / len(self._last)

    @property
    def pairs_per_second(self) -> float:
        """Pairs per second."""
        return sum(pairs for _, pairs, _ in self._last) / self._seconds

    @property
    def tokens_per_second(self) -> float:
        """Real target tokens per second, EOS included."""
        return sum(tokens for _, _, tokens in self._last) / self._seconds

    @property
    def _seconds(self) -> float:
        return sum(seconds for seconds, _, _ in self._last)


def progress(step: Step, pace: Pace) -> dict[str, Any]:
    """The fields of a record of progress that a step and the pace give."""
    return {
        "loss": step.loss if isfinite(step.loss) else None,
        "norm": step.norm if isfinite(step.norm) else None,
        "pairs_per_second": pace.pairs_per_second,
        "tokens_per_second": pace.tokens_per_second,
        "memory": peak_memory(),
    }

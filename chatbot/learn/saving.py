"""When a run is saved next, and whether there will be room; by the clock, for whoever watches.

Comes in: the setting `--save-every`, and steps and seconds since the last checkpoint. Goes out:
whether one is due, about how many seconds are left to the next, and bytes free. Nothing that is
trained or recorded depends on it but when checkpoints are written.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from math import inf
from pathlib import Path

_LOOK_EVERY = 5.0


def due(every: str, steps: int, seconds: float) -> bool:
    """Whether so long after the last checkpoint another is to be written.

    Args:
        every: a number of steps, or minutes such as `5m`.
        steps: since the last checkpoint.
        seconds: of training since then.
    """
    if every.endswith("m"):
        return seconds >= 60 * float(every[:-1])
    return steps >= int(every)


def seconds_to_save(every: str, steps: int, seconds: float, seconds_a_step: float) -> float:
    """About how long it is to the next checkpoint; the arguments of `due`, and a step's time."""
    if every.endswith("m"):
        return max(0.0, 60 * float(every[:-1]) - seconds)
    return max(0, int(every) - steps) * seconds_a_step


class DiskLeft:
    """The bytes free where a folder is, looked up every few seconds."""

    def __init__(self) -> None:
        """Has not looked yet."""
        self._looked, self._bytes = -inf, 0

    def bytes(self, folder: Path) -> int | None:
        """What this user may still write there; None where that is not known."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY:
            with suppress(OSError):
                self._looked, self._bytes = now, shutil.disk_usage(folder).free
        return self._bytes if self._looked > -inf else None

"""The seconds a run has trained, and whether it is to stop; of a team, what all agree on.

Comes in: the time of day, and whoever may stop the run. Goes out: seconds and reasons, the same for
all workers, as steps and schedules follow from them. Knows nothing of steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chatbot.learn.journal import Journal
from chatbot.learn.team import Team


class Clock:
    """Counts the seconds of a run but those that it waited for room."""

    def __init__(self, team: Team, stop: Callable[[], str | None], journal: Journal) -> None:
        """Takes who agrees, what is asked whether the run shall end, and who waits."""
        self._team, self._stop, self._journal = team, stop, journal
        self._began = 0.0

    def start(self, seconds: float) -> None:
        """Begins at so many seconds."""
        self._began = time.monotonic() - seconds - self._journal.waited

    def seconds_and_reason(self) -> tuple[float, str | None]:
        """The seconds so far, those of the chief; why the run is to stop, if any worker is.

        Every worker has to ask.
        """
        return self._team.agree(self._so_far(), self._stop())

    def _so_far(self) -> float:
        return time.monotonic() - self._began - self._journal.waited

"""The records of a training run as lines for people.

Comes in: records, in the order they happen. Goes out: one line on where the run stands, and the
lines that an event is worth. Knows nothing of terminals, and of when a line is shown.
"""

from __future__ import annotations

from chatbot.cli.show import duration, size
from chatbot.folder import ModelFolder
from chatbot.history import Record


class Wording:
    """What is said of one run.

    Attributes:
        folder: its model folder.
        memorising: whether no pairs are held out.
    """

    def __init__(self, folder: ModelFolder, memorising: bool, heldout_loss: float | None) -> None:
        """Takes what is known before the first record.

        Args:
            folder: the model folder.
            memorising: whether no pairs are held out.
            heldout_loss: of the last validation before, nats per token.
        """
        self.folder, self.memorising = folder, memorising
        self._heldout_loss = heldout_loss
        self._judged: tuple[int, float] | None = None

    def progress(self, record: Record) -> str:
        """Where the run stands."""
        left = "" if record.seconds_left is None else f", {duration(record.seconds_left)} left"
        judged = ", memorising" if self.memorising else _held_out(record.heldout_loss)
        loss = "not finite" if record.loss is None else f"{record.loss:.3f}"
        return (
            f"step {record.step:,}: loss {loss}{judged}, "
            f"rate {record.learning_rate:.2g}, {record.pairs_per_second:,.0f} pairs/s, "
            f"{record.tokens_per_second:,.0f} tokens/s, peak {size(record.memory or 0)}, "
            f"{duration(record.seconds or 0)}{left}"
        )

    def event(self, record: Record) -> list[str]:
        """The lines of what happened, none for most records; is to be asked of each of them."""
        step = f"step {record.step:,}: "
        if record.kind == "validation":
            self._see(record)
        elif record.kind in ("decay", "average"):
            return [f"{step}{record.note}"]
        elif record.kind == "rollback":  # which names its step: the record has that gone back to
            return [f"{record.note}"]
        elif record.kind == "alarm":
            return [f"{step}alarm: {'. '.join(one for one in (record.alarm, record.note) if one)}"]
        elif record.kind == "pause":
            return [
                f"{step}{record.note}; waiting for room, nothing is lost. Make some, and training "
                "goes on; Ctrl-C ends it with the last checkpoint"
            ]
        elif record.kind == "checkpoint":
            return [f"{step}{record.note} in {self.folder.checkpoints}"]
        elif record.kind == "stop":
            return [
                self._stopped(record),
                f"now talk to it: chatbot chat --model {self.folder.path}",
            ]
        return []

    def samples(self, record: Record) -> list[str]:
        """The sample replies of a probe."""
        step = f"step {record.step:,}: "
        return [f"{step}{legible(a)} → {legible(b)}" for a, b in record.samples or ()]

    def _see(self, record: Record) -> None:
        if record.heldout_loss is not None:
            self._heldout_loss = record.heldout_loss
        elif record.loss is not None:
            self._judged = record.step, record.loss

    def _stopped(self, record: Record) -> str:
        """The end, and the loss: without held-out pairs the one that is judged, if it is new.

        The mean over the last steps has word dropout in it and is above the judged loss that may
        have ended the run.
        """
        loss = "" if record.loss is None else f", loss {record.loss:.3f}"
        if self._judged and self._judged[0] == record.step:
            loss = f", loss {self._judged[1]:.3f} with nothing dropped"
        return (
            f"stopped at step {record.step:,} after {duration(record.seconds or 0)}: "
            f"{record.note}{loss}{_held_out(self._heldout_loss)}"
        )


def legible(text: str) -> str:
    """A text on one line: what cannot be printed, line ends and escape codes too, is a blank."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _held_out(loss: float | None) -> str:
    return "" if loss is None else f", held-out {loss:.3f}"

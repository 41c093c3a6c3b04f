"""The records of a training run, for TensorBoard.

Comes in: records, one by one, and where a picture of attention is wanted, what says which words a
reply looked at. Goes out: an event file in a folder. Shows nothing and stops nothing: what goes
wrong is told once, in a sentence, to whoever hands over the records.

    numbers    loss/train, learning_rate, ... at every progress; loss/heldout, perplexity,
               replies/distinct_1, ... where they are measured
    texts      settings at a start; replies; decay, alarm, rollback and stop, as they come
    pictures   attention/1, attention/2, ...: a row for each word of a reply, a column for each
               word of its question, the darker the more it was looked at; the same as a table of
               words and shares: attention_table/1, attention_table/2, ...

The start of a run that goes on, a roll-back, and a progress of an earlier step than the last one
take back what was written of later steps: they were lost, or given up.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError
from chatbot.history import Record, perplexity
from chatbot.learn.tf import tf
from chatbot.talk.events import EventFile, Value, number, picture, text
from chatbot.talk.why import Why

CELL = 16
"""Pixels of a word of the question by a word of the reply, each way."""

_BLANK = re.compile(r"\s")
_MOST_PICTURES = 8
_WHITE, _DARK = np.array([255.0, 255.0, 255.0]), np.array([8.0, 48.0, 107.0])

_WHILE_TRAINING = {
    "loss": "loss/train",
    "learning_rate": "learning_rate",
    "norm": "gradient_norm",
    "pairs_per_second": "speed/pairs_per_second",
    "tokens_per_second": "speed/tokens_per_second",
    "memory": "machine/peak_memory_bytes",
    "disk_left": "machine/disk_left_bytes",
}
_MEASURED = {
    "loss": "loss/learned",
    "heldout_loss": "loss/heldout",
    "bits_per_character": "bits_per_character",
    "question_gain": "replies/question_gain",
    "distinct_1": "replies/distinct_1",
    "distinct_2": "replies/distinct_2",
    "commonest_share": "replies/commonest_share",
    "unknown_share": "replies/unknown_share",
}
"""Of a validation or a probe; the loss of one without held-out pairs is that of pairs learned."""

_FIELDS = {"progress": _WHILE_TRAINING, "validation": _MEASURED, "probe": _MEASURED}
_TOLD = ("extend", "decay", "alarm", "rollback", "average", "stop")


class Events:
    """Writes records to a folder that TensorBoard is pointed at.

    Attributes:
        looks: what the replies of the record's samples looked at; nothing unless it is set.
    """

    def __init__(self, folder: Path | None) -> None:
        """Takes the folder, made if need be; with None nothing is written ever.

        Raises:
            ChatbotError: the folder cannot be made or written to.
        """
        self.looks: Callable[[], Iterable[Why]] = tuple
        self._folder = folder
        self._file: EventFile | None = None
        self._last = 0
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise ChatbotError(
                f"--tensorboard {folder}: cannot be written to ({error.strerror}). Name another "
                "folder."
            ) from error

    def add(self, record: Record) -> str | None:
        """Writes what a record says.

        Returns:
            None; or why nothing more will be written, once, where that has just failed.
        """
        if self._folder is None:
            return None
        folder = self._folder
        try:
            self._add(folder, record)
        except (OSError, tf.errors.OpError, ChatbotError) as error:
            self._folder = None
            said = str(error).split("\n")[0]
            return f"{folder}: no more is written for TensorBoard ({said}); training goes on"
        return None

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None and self._folder is not None:
            self._file.close()
        self._folder = None

    def _add(self, folder: Path, record: Record) -> None:
        moves = record.kind in ("start", "rollback", "progress")
        if self._file is None or (moves and record.step < self._last):
            if self._file is not None:
                self._file.close()
            goes_on = record.kind != "progress" and record.step  # what its step left, stays
            self._file = EventFile(folder, record.step + 1 if goes_on else record.step)
        self._last = record.step if moves else self._last
        values = [*_numbers(record), *_texts(record)]
        if record.samples:
            values += _pictures(itertools.islice(self.looks(), _MOST_PICTURES))
        if values:
            self._file.write(record.step, values)


def _numbers(record: Record) -> Iterator[Value]:
    for field, tag in _FIELDS.get(record.kind, {}).items():
        value = getattr(record, field)
        if value is not None:
            yield number(tag, value)
    if record.kind == "validation" and record.heldout_loss is not None:
        yield number("perplexity", perplexity(record.heldout_loss))


def _texts(record: Record) -> Iterator[Value]:
    if record.kind == "start":
        groups = {"network": record.model or {}, "training": record.training or {}}
        rows = [(group, key, _shown(v)) for group, one in groups.items() for key, v in one.items()]
        yield text("settings", table(("of", "setting", "value"), rows))
    if record.kind in _TOLD:
        told = [one for one in (record.alarm, record.note) if one]
        yield text(record.kind, escaped(": ".join(told) or record.kind))
    if record.samples:
        yield text("replies", table(("question", "reply"), record.samples))


def _shown(value: Any) -> str:  # noqa: ANN401 - a setting
    return "" if value is None else str(value)


def _pictures(looks: Iterable[Why]) -> Iterator[Value]:
    for place, why in enumerate(looks, 1):
        shares = [[f"{100 * weight:.0f} %" for weight in row] for row in why.weights]
        question, reply = ([_BLANK.sub("␣", w) for w in side] for side in (why.question, why.reply))
        rows = [(word, *row) for word, row in zip(reply, shares, strict=True)]
        yield picture(f"attention/{place}", heat_map(why.weights))
        yield text(f"attention_table/{place}", table(("", *question), rows))


def heat_map(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Weights as squares from white, 0, to dark blue, 1.

    Args:
        weights: [T, S], 0 to 1.

    Returns:
        Red, green and blue, [T * CELL, S * CELL, 3].
    """
    colours = _WHITE + weights[:, :, None] * (_DARK - _WHITE)
    cells: NDArray[np.uint8] = np.rint(colours).astype(np.uint8)
    return cells.repeat(CELL, 0).repeat(CELL, 1)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown whose cells read as they are written, whatever is in them."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[escaped(c) if n != 1 else c for c in line] for n, line in enumerate(lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def escaped(words: str) -> str:
    """Words in Markdown that read as they are: what could be markup is written by its number."""
    return re.sub(r"[^\w ]|_", lambda found: f"&#{ord(found[0])};", words)

"""The record of a training run, a JSON object a line.

Comes in: records. Goes out: `history.jsonl`, and its records read back. Knows nothing of training.

Each line has a `kind`, the `step` it speaks of and what else is known then:

    {"kind": "start", "step": 0, "model": {...}, "training": {...}}
    {"kind": "progress", "step": 10, "seconds": 3.1, "loss": 6.2, "learning_rate": 0.005, ...}
    {"kind": "validation", "step": 50, "seconds": 16.0, "heldout_loss": 5.5}
    {"kind": "probe", "step": 50, "samples": [["question", "reply"], ...], ...}
    {"kind": "alarm", "step": 50, "alarm": "the question is ignored", "note": "..."}
    {"kind": "extend", "step": 50, "note": "..."}      what is judged from here on is another corpus
    {"kind": "decay", ...}  {"kind": "rollback", ...}  {"kind": "checkpoint", ...}
    {"kind": "average", "note": "..."}  {"kind": "stop", "note": "...", ...}

A run that resumes at step s first drops what was recorded after s, so the file reads as if the run
had never been stopped, but for one start record more.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.folder import write_whole

OF_THE_CLOCK = (
    *("seconds", "pairs_per_second", "tokens_per_second", "seconds_left", "memory"),
    *("next_save", "disk_left"),
)
"""The fields of a record in which two runs with the same settings may differ."""

_LARGEST_LOSS = 700.0
"""e to its power is about the largest number there is."""


@dataclass(frozen=True)
class Record:
    """One thing that happened in training; what does not apply is None.

    Attributes:
        kind: start, extend, progress, validation, probe, alarm, decay, rollback, checkpoint,
            average, stop; or pause, which is shown and not recorded: the disk is full.
        step: steps done.
        seconds: training time so far, resumed parts included.
        loss: training loss of the last step, at a stop the mean of the last five, nats per target
            token.
        heldout_loss: on the held-out pairs, nats per target token.
        bits_per_character: the same loss over the characters of the replies, see
            `talk.evaluation`, at a validation.
        learning_rate: of the last step.
        norm: global norm of the last step's gradient, before clipping.
        pairs_per_second: over the last steps.
        tokens_per_second: real target tokens, EOS included, over the last steps.
        memory: peak resident bytes.
        seconds_left: to the end of the run, where it is known.
        next_save: seconds to the next checkpoint, about; shown and not recorded.
        disk_left: bytes free where the model folder is; shown and not recorded.
        samples: fixed questions, and the replies to them at this point.
        question_gain: how much the held-out loss rises when questions are shuffled, nats per
            token; about 0 where replies do not depend on them.
        distinct_1: different words among all words of replies to held-out questions, 0 to 1 (Li
            et al. 2016, "A diversity-promoting objective function", section 5.3).
        distinct_2: the same of pairs of words.
        commonest_share: share of those replies that are the commonest one.
        unknown_share: share of the held-out target tokens that are UNK.
        alarm: what is wrong, in a few words, always the same ones.
        note: a sentence for people.
        model: the settings of the network, at a start.
        training: the settings of the run, at a start.
    """

    kind: str
    step: int
    seconds: float | None = None
    loss: float | None = None
    heldout_loss: float | None = None
    bits_per_character: float | None = None
    learning_rate: float | None = None
    norm: float | None = None
    pairs_per_second: float | None = None
    tokens_per_second: float | None = None
    memory: int | None = None
    seconds_left: float | None = None
    next_save: float | None = None
    disk_left: int | None = None
    samples: list[tuple[str, str]] | None = None
    question_gain: float | None = None
    distinct_1: float | None = None
    distinct_2: float | None = None
    commonest_share: float | None = None
    unknown_share: float | None = None
    alarm: str | None = None
    note: str | None = None
    model: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Record:
        """What `as_dict` gave; fields of another version are left out."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})

    def as_dict(self) -> dict[str, Any]:
        """The fields that are known, JSON-ready."""
        return {k: v for k, v in dataclasses.asdict(self).items() if v is not None}


def perplexity(loss: float) -> float:
    """Of a loss in nats per token: e to its power, infinite where that is too large."""
    return math.exp(loss) if loss < _LARGEST_LOSS else math.inf


def append(path: Path, record: Record) -> None:
    """Adds a record to the end of the file, the whole line or, if that fails, nothing."""
    line = (json.dumps(record.as_dict(), ensure_ascii=False) + "\n").encode()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if file.write(line) < len(line):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a file, oldest first; none if there is no file.

    A line that is no record, as the last one of a run that was killed may be, is left out.
    """
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and {"kind", "step"} <= record.keys():
            records.append(record)
    return records


def drop_after(path: Path, step: int, *, extending: bool = False) -> None:
    """Removes what was recorded after a step, and the records of how a run ended.

    Args:
        path: the file.
        step: the step.
        extending: remove also what was recorded at that step since the run was extended there.
    """
    kept = [one for one in read(path) if one["step"] <= step and one["kind"] != "stop"]
    if extending:
        again = (n for n, one in enumerate(kept) if (one["kind"], one["step"]) == ("extend", step))
        kept = kept[: next(again, len(kept))]
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept)
    write_whole(path, text.encode())

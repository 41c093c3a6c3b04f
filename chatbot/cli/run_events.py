"""What happened in a training run, read from its record.

Comes in: the records of a history, oldest first, as `chatbot.history.read` gives them; a field that
is missing, or not what it should be, counts as not known. Goes out: events, and the best
validation. Knows nothing of how they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias

from chatbot.errors import ChatbotError
from chatbot.history import perplexity
from chatbot.settings import option_of

Record: TypeAlias = Mapping[str, Any]

QUIET_KINDS = ("progress", "validation", "probe", "checkpoint")
"""Kinds of records that are points of curves, not events of their own."""

KIND_NAMES = {
    "rollback": "roll-back",
    "resume": "resumed",
    "extend": "extended",
    "broken": "not finite",
    "best": "best validation",
    "checkpoint": "last checkpoint",
}
"""What events are called where their kind is not it."""

_LOSSES = ("loss", "heldout_loss")
_MOST_STEPS = 10**15
_GREATEST = 1e300


@dataclass(frozen=True)
class Event:
    """Something that happened once.

    Attributes:
        kind: of the record; besides: resume, best, and broken for a loss that was not finite.
        step: steps done.
        seconds: training time until then.
        note: what is said of it.
    """

    kind: str
    step: int
    seconds: float | None
    note: str


@dataclass(frozen=True)
class Judged:
    """The least loss of all validations, nats per token."""

    step: int
    seconds: float | None
    loss: float
    perplexity: float | None
    bits_per_character: float | None


def sound(records: Sequence[Record], where: str) -> list[Record]:
    """The records that say a kind and a step.

    Raises:
        ChatbotError: there are none.
    """
    kept = [
        one
        for one in records
        if isinstance(one["kind"], str)
        and type(one["step"]) is int
        and 0 <= one["step"] < _MOST_STEPS
    ]
    if not kept:
        raise ChatbotError(
            f"{where}: holds no record of a run. Train, or name another folder with --model."
        )
    return kept


def number(record: Record, name: str) -> float | None:
    """A field that is a finite number."""
    value = record.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _GREATEST:
        return float(value)
    return None


def in_words(judged: Judged) -> str:
    """A loss and what it amounts to."""
    more = []
    if judged.perplexity is not None:
        more.append(f"perplexity {judged.perplexity:,.1f}")
    if judged.bits_per_character is not None:
        more.append(f"{judged.bits_per_character:.3f} bits per character")
    return f"{judged.loss:.3f} nats per token" + (f" ({', '.join(more)})" if more else "")


def best_place(records: Sequence[Record]) -> tuple[int | None, bool]:
    """The place of the validation with the least loss, and whether training losses are judged.

    Of those since the run was last extended: before, other pairs were judged.
    """
    extended = max((i for i, one in enumerate(records) if one["kind"] == "extend"), default=0)
    places = [i for i, one in enumerate(records) if one["kind"] == "validation" and i >= extended]
    for name in reversed(_LOSSES):
        losses = {i: loss for i in places if (loss := number(records[i], name)) is not None}
        if losses:
            return min(losses, key=lambda i: losses[i]), name == "loss"
    return None, False


def judged(record: Record, memorising: bool) -> Judged:
    """What a validation says."""
    loss = number(record, _LOSSES[not memorising]) or 0.0
    amount = perplexity(loss) if loss < 50 else None  # else nobody can read it
    bits = number(record, "bits_per_character")
    return Judged(record["step"], number(record, "seconds"), loss, amount, bits)


def note_of(record: Record) -> str:
    """The sentence for people, or nothing."""
    note = record.get("note")
    return note if isinstance(note, str) else ""


def alarm_of(record: Record) -> str:
    """What an alarm is about."""
    alarm = record.get("alarm")
    return alarm if isinstance(alarm, str) and alarm else "not named"


def events_of(
    records: Sequence[Record], best: int | None, memorising: bool
) -> Iterator[tuple[int, Event]]:
    """What happened, and the place of its record.

    Args:
        records: sound ones.
        best: place of the best validation.
        memorising: whether training losses are judged.
    """
    before: Record | None = None
    for place, record in enumerate(records):
        kind, note = record["kind"], note_of(record)
        if kind in QUIET_KINDS:
            continue
        if kind == "start":
            if before is not None:
                kind, note = "resume", _changes(before, record) or note
            before = record
        elif kind == "alarm":
            note = f"{alarm_of(record)}: {note}" if note else alarm_of(record)
        yield place, _event(record, kind, note)
    if best is not None:
        which = "training" if memorising else "held-out"
        told = in_words(judged(records[best], memorising))
        yield best, _event(records[best], "best", f"{which} loss {told}")
    saved = [i for i, one in enumerate(records) if one["kind"] == "checkpoint"]
    if saved:
        more = f", the last of {len(saved):,} checkpoints" if len(saved) > 1 else ""
        last = records[saved[-1]]
        yield saved[-1], _event(last, "checkpoint", (note_of(last) or "saved") + more)
    yield from _broken(records)


def _event(record: Record, kind: str, note: str) -> Event:
    return Event(kind, record["step"], number(record, "seconds"), note)


def _broken(records: Sequence[Record]) -> Iterator[tuple[int, Event]]:
    """Stretches in which the recorded losses are not finite, each told once."""
    first: int | None = None
    last = 0
    for place, record in enumerate(records):
        losses = [record[name] for name in _LOSSES if isinstance(record.get(name), float)]
        if not losses:
            continue
        if not all(map(isfinite, losses)):
            first, last = place if first is None else first, place
        elif first is not None:
            yield first, _event(records[first], "broken", _stretch(records[first], records[last]))
            first = None
    if first is not None:
        yield first, _event(records[first], "broken", _stretch(records[first], records[last]))


def _stretch(first: Record, last: Record) -> str:
    until = "" if first["step"] == last["step"] else f", until step {last['step']:,}"
    return f"the loss was not finite{until}"


def _changes(before: Record, after: Record) -> str:
    """The settings that a resumed run changed, in words."""
    told = []
    for group in ("model", "training"):
        old, new = group_of(before, group), group_of(after, group)
        told += [
            f"{option_of(name)} {_value(old.get(name))} → {_value(new.get(name))}"
            for name in new
            if old.get(name) != new.get(name) and old
        ]
    return ", ".join(told)


def _value(value: object) -> str:
    return "not given" if value is None else str(value)


def group_of(record: Record, group: str) -> Mapping[str, Any]:
    """The settings that a start gives, of the network or of the training."""
    found = record.get(group)
    return found if isinstance(found, dict) else {}

"""What the record of a training run says: what came of it, what happened, what was replied.

Comes in: sound records, see `run_events`. Goes out: `RunFacts`, and its headline. Knows nothing of
pages, of drawings or of TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from chatbot.cli.run_events import (
    Event,
    Judged,
    Record,
    alarm_of,
    best_place,
    events_of,
    group_of,
    in_words,
    judged,
    note_of,
    number,
)
from chatbot.cli.show import duration
from chatbot.config import RATES, ModelConfig, TrainingConfig


@dataclass(frozen=True)
class Reply:
    """A reply to a fixed question, and the first and last of the probes in a row that gave it."""

    first_step: int
    last_step: int
    text: str


@dataclass(frozen=True)
class Setting:
    """A setting of the run; `known` is whether this version has it, `default` what it has."""

    group: str
    name: str
    value: object
    default: object
    known: bool
    help: str

    @property
    def changed(self) -> bool:
        """Whether it is not what it would be if nothing were said."""
        return not self.known or self.value != self.default


@dataclass(frozen=True)
class RunFacts:
    """What a history says.

    Attributes:
        steps: where it ends.
        seconds: training time, resumed parts included.
        stopped: why the run ended, or None where no end is recorded.
        memorising: whether only the training loss was judged.
        best: the validation with the least loss.
        last: what was recorded last of each quantity.
        counts: records by kind.
        alarms: the steps at which each was raised.
        events: in the order of the record.
        samples: questions, and the replies to them as they changed.
        settings: of the network and the training when the run was last started.
    """

    steps: int
    seconds: float | None
    stopped: str | None
    memorising: bool
    best: Judged | None
    last: dict[str, float]
    counts: dict[str, int]
    alarms: dict[str, list[int]]
    events: list[Event]
    samples: list[tuple[str, list[Reply]]]
    settings: list[Setting]

    @property
    def judged_by(self) -> str:
        """The loss that validations give."""
        return "training loss" if self.memorising else "held-out loss"

    def as_dict(self) -> dict[str, Any]:
        """The facts, JSON-ready."""
        settings = [dataclasses.asdict(one) | {"changed": one.changed} for one in self.settings]
        samples = [
            {"question": question, "replies": [dataclasses.asdict(one) for one in replies]}
            for question, replies in self.samples
        ]
        facts = dataclasses.asdict(dataclasses.replace(self, settings=[], samples=[]))
        return facts | {"headline": headline(self), "samples": samples, "settings": settings}


def facts_of(records: Sequence[Record]) -> RunFacts:
    """What sound records say."""
    best, memorising = best_place(records)
    events = sorted(events_of(records, best, memorising), key=lambda one: one[0])
    seconds = [one for record in records if (one := number(record, "seconds")) is not None]
    return RunFacts(
        steps=records[-1]["step"],
        seconds=seconds[-1] if seconds else None,
        stopped=_stopped(records),
        memorising=memorising,
        best=None if best is None else judged(records[best], memorising),
        last=_last(records),
        counts=dict(Counter(one["kind"] for one in records)),
        alarms=_alarms(records),
        events=[event for _, event in events],
        samples=_samples(records),
        settings=_settings(records),
    )


def headline(facts: RunFacts) -> str:
    """What came of the run, in a few sentences."""
    s = "" if facts.steps == 1 else "s"
    time = "" if facts.seconds is None else f" in {duration(facts.seconds)}"
    begin = f"{facts.steps:,} step{s}{time}"
    if facts.best is None:
        loss = facts.last.get("loss")
        begin += "; never validated" + ("" if loss is None else f", training loss {loss:.3f}")
    else:
        told = in_words(facts.best)
        begin += f"; best {facts.judged_by} {told} at step {facts.best.step:,}"
    end = (
        "No end is recorded: it goes on, or it was killed."
        if facts.stopped is None
        else f"Stopped: {facts.stopped}."
    )
    return " ".join([f"{begin}.", end, *alarmed(facts)])


def alarmed(facts: RunFacts) -> Iterator[str]:
    """What to look at first, a sentence each."""
    for alarm, steps in facts.alarms.items():
        more = f" and {len(steps) - 1:,} times more" if len(steps) > 1 else ""
        yield f"Alarm: {alarm}, at step {steps[0]:,}{more}."
    broken = [one for one in facts.events if one.kind == "broken"]
    if broken:
        yield f"The loss was not finite, first at step {broken[0].step:,}."


def _stopped(records: Sequence[Record]) -> str | None:
    ends = [one for one in records if one["kind"] in ("start", "stop")]
    if not ends or ends[-1]["kind"] == "start":
        return None
    return note_of(ends[-1]) or "no reason is recorded"


def _alarms(records: Sequence[Record]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        if record["kind"] == "alarm":
            found.setdefault(alarm_of(record), []).append(record["step"])
    return found


def _last(records: Sequence[Record]) -> dict[str, float]:
    wanted = (
        *("loss", "heldout_loss", "bits_per_character", "learning_rate", "norm"),
        *("tokens_per_second", "pairs_per_second", "memory", "question_gain", "distinct_1"),
        *("distinct_2", "commonest_share", "unknown_share"),
    )
    last: dict[str, float] = {}
    for record in records:
        found = {name: number(record, name) for name in wanted if name in record}
        last |= {name: value for name, value in found.items() if value is not None}
    return {name: last[name] for name in wanted if name in last}


def _samples(records: Sequence[Record]) -> list[tuple[str, list[Reply]]]:
    """The questions of the last probe, each with its replies as they changed."""
    found: dict[str, list[Reply]] = {}
    asked: list[str] = []
    for record in records:
        samples = record.get("samples")
        pairs = [
            (one[0], one[1])
            for one in (samples if isinstance(samples, list) else [])
            if isinstance(one, list) and len(one) == 2 and all(isinstance(t, str) for t in one)
        ]
        asked = [question for question, _ in pairs] or asked
        for question, text in pairs:
            replies = found.setdefault(question, [])
            if replies and replies[-1].text == text:
                replies[-1] = dataclasses.replace(replies[-1], last_step=record["step"])
            else:
                replies.append(Reply(record["step"], record["step"], text))
    return [(question, found[question]) for question in dict.fromkeys(asked)]


def _settings(records: Sequence[Record]) -> list[Setting]:
    starts = [one for one in records if one["kind"] == "start"]
    settings = []
    kind = group_of(starts[-1], "model").get("model_type") if starts else None
    network = ModelConfig(model_type=kind if kind in RATES else "recurrent")
    settled = {"learning_rate": network.usual_rate, "layers": network.depth}
    for group, config in (("model", ModelConfig), ("training", TrainingConfig)):
        fields = {field.name: field for field in dataclasses.fields(config)}
        for name, value in group_of(starts[-1], group).items() if starts else ():
            field = fields.get(name)
            default = None if field is None else field.default
            if value != default:
                default = settled.get(name, default)
            help = "" if field is None else field.metadata["help"]
            if isinstance(value, float) and not isfinite(value):
                value = str(value)  # JSON has no word for it
            settings.append(Setting(group, name, value, default, field is not None, help))
    return settings

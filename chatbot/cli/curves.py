"""Which curves a training run has, and their points.

Comes in: sound records and the `RunFacts` made of them. Goes out: `Curve`s, each of a bounded
number of points however long the run was. Knows nothing of how they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatbot.cli.run_events import KIND_NAMES, Event, Record, number
from chatbot.cli.run_facts import RunFacts

Point = tuple[float, float]

MOST_POINTS = 400
MOST_MARKS = 100
MARKED = ("decay", "rollback", "alarm", "resume", "broken")
"""Kinds of events that are marked in the curves of losses."""

_DOTTED = 40
_LEAST = 1e-30
_LETTERS = "abcd"


@dataclass(frozen=True)
class Series:
    """One line of a drawing.

    Attributes:
        name: what it shows.
        letter: a to d, its colour.
        points: (x, y), in the order of the record.
        dots: whether its points are so few that each is shown.
    """

    name: str
    letter: str
    points: tuple[Point, ...]
    dots: bool


@dataclass(frozen=True)
class Mark:
    """Where on the horizontal axis something happened, and what, in a few words."""

    kind: str
    x: float
    note: str


@dataclass(frozen=True)
class Curve:
    """One drawing.

    Attributes:
        name: of its file, without suffix.
        title: what it shows, with its unit.
        across: what the horizontal axis counts.
        explained: how to read it, for who does not know.
        series: its lines; there is at least one.
        marks: what happened.
        best: the point of the best validation.
        log: whether the vertical axis is logarithmic; then all y are above 0.
        zero: whether the vertical axis shows 0.
        percent: whether y are shares.
        wide: whether it deserves the whole width of a page.
    """

    name: str
    title: str
    across: str
    explained: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    best: Point | None = None
    log: bool = False
    zero: bool = False
    percent: bool = False
    wide: bool = False


def curves_of(records: Sequence[Record], facts: RunFacts) -> list[Curve]:
    """The curves for which the records have points."""
    drawn = [*_losses(records, facts), _rate(records), _norm(records)]
    drawn += [_speed(records), _memory(records), _bits(records), _gain(records), _variety(records)]
    return [one for one in drawn if one is not None and one.series]


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> tuple[Point, ...]:
    """At most so many of the points, at least 4: ends, and of each stretch the least and greatest.

    >>> thinned([(0, 5), (1, 1), (2, 9), (3, 2), (4, 3), (5, 4)], 4)
    ((0, 5), (1, 1), (2, 9), (5, 4))
    """
    if len(points) <= most:
        return tuple(points)
    stretches = (most - 2) // 2
    inner = len(points) - 2
    kept = [points[0]]
    for i in range(stretches):
        places = range(1 + i * inner // stretches, 1 + (i + 1) * inner // stretches)
        ends = {min(places, key=lambda p: points[p][1]), max(places, key=lambda p: points[p][1])}
        kept += [points[place] for place in sorted(ends)]
    return (*kept, points[-1])


def _points(records: Sequence[Record], kind: str, x: str, y: str, unit: float = 1) -> list[Point]:
    """(x / unit, y) of the records of a kind that know both."""
    found = ((number(one, x), number(one, y)) for one in records if one["kind"] == kind)
    return [(a / unit, b) for a, b in found if a is not None and b is not None]


def _series(*named: tuple[str, Sequence[Point]]) -> tuple[Series, ...]:
    """Lines, each in its colour; those without points are left out."""
    return tuple(
        Series(name, letter, thinned(points), len(points) <= _DOTTED)
        for (name, points), letter in zip(named, _LETTERS, strict=False)
        if points
    )


def _losses(records: Sequence[Record], facts: RunFacts) -> Iterator[Curve]:
    """The losses against steps, and against time."""
    known = [one for record in records if (one := number(record, "seconds")) is not None]
    unit, name = _unit_of_time(max(known, default=0.0))
    judged = "loss" if facts.memorising else "heldout_loss"
    title = "training loss" if facts.memorising else "training and held-out loss"
    second = "judged, nothing dropped" if facts.memorising else "held-out"
    for x, file, across, scale in (
        ("step", "loss", "steps", 1.0),
        ("seconds", "loss-by-time", name, unit),
    ):
        lines = _series(
            ("training", _points(records, "progress", x, "loss", scale)),
            (second, _points(records, "validation", x, judged, scale)),
        )
        yield Curve(
            file,
            f"{title}, nats per token",
            across,
            _about_losses(facts.memorising) if x == "step" else "The same against training time.",
            lines,
            tuple(_marks(facts.events, x == "seconds", scale)),
            _ring(facts, x == "seconds", scale) if lines else None,
            wide=x == "step",
        )


def _about_losses(memorising: bool) -> str:
    if memorising:
        return "No pairs are held out: the network learns by heart. The ring is the best."
    return (
        "Less is better. Where the held-out loss rises while the training loss falls, the network "
        "learns its pairs by heart. The ring is the best validation."
    )


def _ring(facts: RunFacts, by_time: bool, unit: float) -> Point | None:
    if facts.best is None:
        return None
    x = facts.best.seconds if by_time else facts.best.step
    return None if x is None else (x / unit, facts.best.loss)


def _marks(events: Sequence[Event], by_time: bool, unit: float) -> Iterator[Mark]:
    """Of each kind the first of each of so many stretches."""
    for kind in MARKED:
        found = [one for one in events if one.kind == kind]
        for event in found[:: -(-len(found) // MOST_MARKS) or 1]:
            x = event.seconds if by_time else event.step
            if x is not None:
                yield Mark(kind, x / unit, f"{KIND_NAMES.get(kind, kind)} at step {event.step:,}")


def _unit_of_time(seconds: float) -> tuple[float, str]:
    if seconds < 300:
        return 1, "seconds"
    return (60, "minutes") if seconds < 3 * 3600 else (3600, "hours")


def _rate(records: Sequence[Record]) -> Curve:
    points = _points(records, "progress", "step", "learning_rate")
    lines = _series(("learning rate", [one for one in points if one[1] > _LEAST]))
    said = "Rises over the warm-up, falls at decays and towards an end that is given."
    return Curve("learning-rate", "learning rate", "steps", said, lines, log=True)


def _norm(records: Sequence[Record]) -> Curve:
    points = _points(records, "progress", "step", "norm")
    lines = _series(("norm", [one for one in points if one[1] > _LEAST]))
    said = "Before clipping. Far above its usual height it tells of steps that go astray."
    return Curve("gradient-norm", "norm of the gradient", "steps", said, lines, log=True)


def _speed(records: Sequence[Record]) -> Curve:
    lines = _series(("tokens", _points(records, "progress", "step", "tokens_per_second")))
    said = "Of the replies, over 20 steps. Where it falls, others may have used the processors."
    return Curve("tokens-per-second", "tokens a second", "steps", said, lines, zero=True)


def _memory(records: Sequence[Record]) -> Curve:
    points = _points(records, "progress", "step", "memory")
    unit, name = (1e9, "GB") if max((y for _, y in points), default=0) >= 1e9 else (1e6, "MB")
    lines = _series(("memory", [(x, y / unit) for x, y in points]))
    said = "The most that the process has held; a resumed run counts anew."
    return Curve("peak-memory", f"peak memory, {name}", "steps", said, lines, zero=True)


def _bits(records: Sequence[Record]) -> Curve:
    lines = _series(("bits", _points(records, "validation", "step", "bits_per_character")))
    said = "The held-out loss over the characters of the replies; compares across vocabularies."
    return Curve("bits-per-character", "bits per character", "steps", said, lines)


def _gain(records: Sequence[Record]) -> Curve:
    lines = _series(("gain", _points(records, "probe", "step", "question_gain")))
    said = (
        "How much the held-out loss rises when replies get the questions of others. About 0: the "
        "replies do not depend on the questions."
    )
    return Curve("question-gain", "gain of the question, nats", "steps", said, lines, zero=True)


def _variety(records: Sequence[Record]) -> Curve:
    lines = _series(
        ("different words", _points(records, "probe", "step", "distinct_1")),
        ("different word pairs", _points(records, "probe", "step", "distinct_2")),
        ("commonest reply", _points(records, "probe", "step", "commonest_share")),
        ("unknown words", _points(records, "probe", "step", "unknown_share")),
    )
    said = (
        "Shares among the replies to held-out questions; unknown words among the held-out "
        "replies themselves. A commonest reply that is most of all is a bot that always says it."
    )
    return Curve("variety", "variety of replies", "steps", said, lines, zero=True, percent=True)

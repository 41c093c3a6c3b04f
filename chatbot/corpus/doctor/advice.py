"""From the facts about corpora to advice: how to read them and how to train on them.

Comes in: a `Survey`. Goes out: what may be wrong, the settings that should differ from the defaults
with a reason for each, the commands to paste, and what training will take. Knows nothing of how it
is shown. What the user has set explicitly is never argued with.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.doctor import concerns
from chatbot.corpus.doctor.budget import budget, smallest_cap
from chatbot.corpus.doctor.forecast import Forecast, Work, forecast
from chatbot.corpus.doctor.rules import RULES, Setting, written
from chatbot.corpus.doctor.survey import Survey
from chatbot.machine import total_memory
from chatbot.settings import Config

MEMORY = 0.8
"""Share of the machine's memory that training may take."""

SPELLED = 2.7
"""Tokens that a word outside the vocabulary takes when it is spelled, on average: 2.8 in subtitles,
2.6 in long conversations."""


@dataclass(frozen=True)
class Advice:
    """What is recommended.

    Attributes:
        concerns: what may be wrong, the gravest first.
        settings: what should differ from the defaults.
        commands: the command lines of build-vocab, unless corpora were added, and of train, quoted
            for a shell, each in pieces that should not be torn apart.
        forecast: what that training will take; None without pairs.
    """

    concerns: tuple[str, ...]
    settings: tuple[Setting, ...]
    commands: tuple[tuple[str, ...], ...]
    forecast: Forecast | None

    @property
    def command(self) -> str:
        """The commands as one line to paste."""
        return " && ".join(" ".join(pieces) for pieces in self.commands)

    def as_dict(self) -> dict[str, Any]:
        """The advice ready for JSON."""
        return {
            "concerns": list(self.concerns),
            "settings": [{"option": one.option, **asdict(one)} for one in self.settings],
            "command": self.command,
            "forecast": asdict(self.forecast) if self.forecast else None,
        }


def advise(
    survey: Survey,
    corpora: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    model: str = "",
    memory: int | None = None,
    speed: float | None = None,
    *,
    added: bool = False,
) -> Advice:
    """Judges a survey.

    Args:
        survey: the facts.
        corpora: the corpora as they were named, for the command; none for the default.
        given: what was set explicitly of the options of build-vocab, by field name, and `vocab`.
            The command repeats it, and no advice contradicts it.
        model: the model folder as it was named, for the commands; empty for the default.
        memory: bytes that this machine has; default: looked up.
        speed: what `machine.gflops_a_core` gives; default: measured now.
        added: whether the corpora were put behind others, so that no command that names only them
            builds the same again; only training is advised on then.
    """
    given = given or {}
    told = tuple(concerns.concerns(survey, str(given.get("vocab", ""))))
    if not survey.pairs:
        return Advice(told, (), _commands(corpora, given, (), model, added), None)
    settled = {*given, "max_size"} if "vocab" in given else {*given}
    found = [one for rule in RULES if (one := rule(survey)) and one.name not in settled]
    settings = [one for one in found if one.command == "train" or not added]
    settings += _cap(_work(survey, settings), MEMORY * (memory or total_memory()))
    work = _work(survey, settings)
    expected = forecast(replace(work, parts=budget(work).parts), speed)
    commands = _commands(corpora, given, settings, model, added)
    return Advice(told, tuple(settings), commands, expected)


def _commands(
    corpora: Sequence[str],
    given: Mapping[str, Any],
    settings: Sequence[Setting],
    model: str,
    added: bool,
) -> tuple[tuple[str, ...], ...]:
    build = ["chatbot build-vocab", *map(shlex.quote, corpora)]
    build += [written(name, value) for name, value in given.items()]
    lines = {"build-vocab": build, "train": ["chatbot train"]}
    for line in lines.values() if model else ():
        line.append(written("model", model))
    for one in settings:
        lines[one.command].append(one.option)
    train = tuple(lines["train"])
    return (train,) if added else (tuple(lines["build-vocab"]), train)


def _cap(work: Work, most: float) -> list[Setting]:
    """A cap where training would take more than `most` bytes; 0 for no limit."""
    if not most or work.bytes <= most:
        return []
    # Where even the least is too much, it is the least.
    megabytes = max(int(most // 1e8) * 100, smallest_cap(work))
    why = (
        f"{work.batch:,} pairs at once would take about {work.bytes / 1e9:.1f} GB of memory; under "
        "a cap a step is computed in more parts, with the same gradient."
    )
    return [Setting("train", "memory", f"{megabytes}MB", why)]


def _work(survey: Survey, settings: Sequence[Setting]) -> Work:
    """A step of the training that these settings give."""
    wanted: dict[str, Any] = {one.name: one.value for one in settings}
    vocabulary = survey.vocabulary(wanted.get("max_size"))
    stretch = 1 + (SPELLED - 1) * vocabulary.unknown
    questions, replies = survey.tokens
    openings = int(survey.openings.sum())
    return Work(
        _stretched(questions + openings * (np.arange(len(questions)) == 1), stretch),
        np.append(0, _stretched(replies + survey.openings, stretch)),  # the end is a token
        _kept(survey, wanted) + openings,
        vocabulary.entries,
        ModelConfig(**_of(ModelConfig, wanted)),
        TrainingConfig(**_of(TrainingConfig, wanted)),
    )


def _of(group: type[Config], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a group among those wanted."""
    names = {field.name for field in fields(group)}  # type: ignore[arg-type]
    return {name: value for name, value in wanted.items() if name in names}


def _kept(survey: Survey, wanted: Mapping[str, Any]) -> int:
    """Pairs that the settings leave, about: no pair is left out for two reasons."""
    left = survey.pairs
    if "drop_duplicates" in wanted:
        left = min(left, survey.distinct_pairs)
    if "drop_echoes" in wanted:
        left -= survey.census.echoes
    if "max_repeats" in wanted:
        left -= sum(max(0, count - wanted["max_repeats"]) for _, count in survey.top_replies)
    return max(1, left)


def _stretched(counts: NDArray[np.int64], times: float) -> NDArray[np.int64]:
    """A histogram of lengths that have become so many times as long."""
    lengths = np.rint(np.arange(len(counts)) * times).astype(np.int64)
    return np.bincount(lengths, counts).astype(np.int64)

"""From the facts about corpora to advice: how to read them and how to train on them.

Comes in: a `Survey`. Goes out: the settings that should differ from the defaults with a reason for
each, the commands to paste, what training will take, and what may be wrong. Knows nothing of how it
is shown.

A rule is a function from a survey to a setting or to None; its thresholds are constants here or in
`concerns`, with the reason for each. What the user has set explicitly is never argued with.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CorpusConfig, ModelConfig, TrainingConfig
from chatbot.corpus import concerns
from chatbot.corpus.forecast import Forecast, Work, forecast
from chatbot.corpus.survey import Survey, longer, percentile
from chatbot.machine import total_memory
from chatbot.settings import Config, option_of

DULL_KEPT = 0.002
"""Share that the most frequent replies are capped at where one is told as dull: somewhat below that
of the most frequent reply of subtitles, ..."""

DULL_LEAST = 10
"""... but not below this many pairs, which show nothing."""

CUT = 0.05
"""Share of questions or replies over `--max-length` that is put up with. A reply that is cut there
teaches the network to stop in the middle."""

MOST_LENGTH = 100
"""Tokens up to which `--max-length` is raised: time and memory of a step grow with it."""

CUT_STILL = 0.1
"""Share over `MOST_LENGTH` from which on long pairs are left out instead of cut."""

UNKNOWN = 0.05
"""Share of running words outside the vocabulary from which on more entries are worth it."""

MORE_ENTRIES = (30_000, 40_000, 60_000)
"""Vocabularies then tried, until one leaves out less than `UNKNOWN`."""

MEMORY = 0.8
"""Share of the machine's memory that training may take."""

LEAST_BATCH = 50
"""Pairs of a step below which memory is no longer what a smaller batch saves."""

SPELLED = 2.7
"""Tokens that a word outside the vocabulary takes when it is spelled, on average: 2.8 in subtitles,
2.6 in long conversations."""


@dataclass(frozen=True)
class Setting:
    """A setting that is recommended.

    Attributes:
        command: the command it belongs to, "build-vocab" or "train".
        name: the field of its settings class.
        value: what it should be.
        why: one sentence.
    """

    command: str
    name: str
    value: bool | int | float | str
    why: str

    @property
    def option(self) -> str:
        """The option as it is written on the command line."""
        return written(self.name, self.value)


@dataclass(frozen=True)
class Advice:
    """What is recommended.

    Attributes:
        concerns: what may be wrong, the gravest first.
        settings: what should differ from the defaults.
        commands: the command lines of build-vocab and of train, quoted for a shell, each in pieces
            that should not be torn apart.
        forecast: what that training will take; None without pairs.
    """

    concerns: tuple[str, ...]
    settings: tuple[Setting, ...]
    commands: tuple[tuple[str, ...], tuple[str, ...]]
    forecast: Forecast | None

    @property
    def command(self) -> str:
        """Both commands as one line to paste."""
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
    memory: int | None = None,
    speed: float | None = None,
) -> Advice:
    """Judges a survey.

    Args:
        survey: the facts.
        corpora: the corpora as they were named, for the command; none for the default.
        given: what was set explicitly of the options of build-vocab, by field name. The command
            repeats it, and no advice contradicts it.
        memory: bytes that this machine has; default: looked up.
        speed: what `machine.gflops_a_core` gives; default: measured now.
    """
    given = given or {}
    told = tuple(concerns.concerns(survey))
    if not survey.pairs:
        return Advice(told, (), _commands(corpora, given, ()), None)
    settings = [one for rule in _RULES if (one := rule(survey)) and one.name not in given]
    settings += _batch(survey, settings, MEMORY * (memory or total_memory()))
    expected = forecast(_work(survey, settings), speed)
    return Advice(told, tuple(settings), _commands(corpora, given, settings), expected)


def written(name: str, value: object) -> str:
    """A setting as it is written on the command line, quoted for a shell.

    >>> written("drop_echoes", True), written("narrow", False), written("columns", "title,my text")
    ('--drop-echoes', '--no-narrow', "--columns 'title,my text'")
    """
    if isinstance(value, bool):
        return option_of(name if value else f"no_{name}")
    return f"{option_of(name)} {shlex.quote(str(value))}"


def _commands(
    corpora: Sequence[str], given: Mapping[str, Any], settings: Sequence[Setting]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    build = ["chatbot build-vocab", *map(shlex.quote, corpora)]
    build += [written(name, value) for name, value in given.items()]
    lines = {"build-vocab": build, "train": ["chatbot train"]}
    for one in settings:
        lines[one.command].append(one.option)
    return tuple(lines["build-vocab"]), tuple(lines["train"])


def _blanks(survey: Survey) -> Setting | None:
    share = concerns.segmented(survey)
    if share < concerns.SEGMENTED or survey.settings.get("blanks", "one") != "one":
        return None
    why = "blanks between words would be learned as words of their own, and typed by nobody."
    return Setting("build-vocab", "blanks", "none", why)


def _simplify(survey: Survey) -> Setting | None:
    script, share = concerns.rarer_script(survey)
    if share < concerns.MIXED_SCRIPTS or survey.settings.get("simplify"):
        return None
    why = "else the same word is two words, one in each script (needs the extra opencc)."
    return Setting("build-vocab", "simplify", True, why)


def _drop_duplicates(survey: Survey) -> Setting | None:
    share = concerns.copies(survey)
    if share < concerns.COPIES or survey.cleaning.get("drop_duplicates"):
        return None
    why = f"copies teach nothing new and take {share:.0%} of the time."
    return Setting("build-vocab", "drop_duplicates", True, why)


def _max_repeats(survey: Survey) -> Setting | None:
    if concerns.dullest(survey) < concerns.DULL or survey.cleaning.get("max_repeats"):
        return None
    most = max(DULL_LEAST, round(DULL_KEPT * survey.pairs))
    gone = sum(max(0, count - most) for _, count in survey.top_replies)
    if not gone:
        return None
    why = (
        f"a reply that is right too often is given always; leaves out {gone / survey.pairs:.1%} of "
        "the pairs."
    )
    return Setting("build-vocab", "max_repeats", most, why)


def _drop_echoes(survey: Survey) -> Setting | None:
    if concerns.echoes(survey) < concerns.ECHOES or survey.cleaning.get("drop_echoes"):
        return None
    why = "else the bot learns to repeat what it is told."
    return Setting("build-vocab", "drop_echoes", True, why)


def _max_chars(survey: Survey) -> Setting | None:
    over = max(longer(counts, MOST_LENGTH) for counts in survey.tokens)
    if over < CUT_STILL or survey.cleaning.get("max_chars"):
        return None
    # As large a share of the utterances has more characters as has more words.
    most = max(
        percentile(characters, 1 - longer(words, MOST_LENGTH))
        for characters, words in zip(survey.census.characters, survey.tokens, strict=True)
    )
    why = f"{over:.0%} have more than {MOST_LENGTH} words and would be cut in the middle."
    return Setting("build-vocab", "max_chars", most, why)


def _max_size(survey: Survey) -> Setting | None:
    now = survey.vocabulary()
    if now.unknown < UNKNOWN or survey.settings.get("max_size") != CorpusConfig().max_size:
        return None
    for entries in MORE_ENTRIES:
        more = survey.vocabulary(entries)
        if more.unknown < UNKNOWN:
            break
    if more.entries == now.entries:
        return None
    why = f"leaves out {more.unknown:.1%} of the running words instead of {now.unknown:.1%}."
    return Setting("build-vocab", "max_size", more.entries, why)


def _max_length(survey: Survey) -> Setting | None:
    usual = TrainingConfig().max_length
    over = max(longer(counts, usual - 1) for counts in survey.tokens)
    if over < CUT:
        return None
    enough = 1 + max(percentile(counts, 1 - CUT) for counts in survey.tokens)
    length = min(MOST_LENGTH, -(-enough // 10) * 10)
    why = f"{over:.0%} are longer than {usual} words and would be cut in the middle."
    return Setting("train", "max_length", length, why)


def _batch(survey: Survey, settings: Sequence[Setting], most: float) -> list[Setting]:
    """A smaller batch where training would take more than `most` bytes; 0 for no limit."""
    usual = TrainingConfig().batch
    batch = usual
    while batch > LEAST_BATCH and most and _work(survey, settings, batch).bytes > most:
        batch //= 2
    if batch == usual:
        return []
    needed = _work(survey, settings, usual).bytes
    why = f"{usual:,} pairs a step would take about {needed / 1e9:.1f} GB of memory."
    return [Setting("train", "batch", batch, why)]


def _work(survey: Survey, settings: Sequence[Setting], batch: int | None = None) -> Work:
    """A step of the training that these settings give."""
    wanted: dict[str, Any] = {one.name: one.value for one in settings}
    if batch:
        wanted["batch"] = batch
    vocabulary = survey.vocabulary(wanted.get("max_size"))
    stretch = 1 + (SPELLED - 1) * vocabulary.unknown
    questions, replies = survey.tokens
    return Work(
        _stretched(questions, stretch),
        np.append(0, _stretched(replies, stretch)),  # the end of a reply is a token
        _kept(survey, wanted),
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
        left = survey.distinct_pairs
    if "drop_echoes" in wanted:
        left -= survey.census.echoes
    if "max_repeats" in wanted:
        left -= sum(max(0, count - wanted["max_repeats"]) for _, count in survey.top_replies)
    return max(1, left)


def _stretched(counts: NDArray[np.int64], times: float) -> NDArray[np.int64]:
    """A histogram of lengths that have become so many times as long."""
    lengths = np.rint(np.arange(len(counts)) * times).astype(np.int64)
    return np.bincount(lengths, counts).astype(np.int64)


_RULES: tuple[Callable[[Survey], Setting | None], ...] = (
    _blanks,
    _simplify,
    _drop_duplicates,
    _max_repeats,
    _drop_echoes,
    _max_chars,
    _max_size,
    _max_length,
)

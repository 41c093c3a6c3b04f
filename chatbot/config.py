"""Every setting of the program once: its name, type, default, help and check.

Comes in: values from the command line, from a file header or from Python. Goes out: frozen
dataclasses whose values have been checked. The command line derives its options from the fields, so
a default is written here and nowhere else. Knows nothing of click, of files or of TensorFlow.

Settings are grouped by who must agree on them later: `CorpusConfig` is stored with the vocabulary
and the token store, `ModelConfig` and `TrainingConfig` inside every checkpoint, `ReplyConfig`
belongs to a call.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

from chatbot.errors import ChatbotError


def setting(
    default: object,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str | None = None,
    fixed: bool = False,
) -> Any:  # noqa: ANN401 - the type of a field is the type of its default, as in dataclasses.field
    """Declares one field: its default, its help line and the values it may take.

    Args:
        default: the value used when nothing is given.
        help: one line for `--help`; says the unit where there is one.
        choices: the only values allowed, for text.
        minimum: the smallest value allowed, inclusive.
        maximum: the largest value allowed, inclusive.
        pattern: a regular expression that text must match as a whole.
        fixed: whether a run that resumes must keep the value it began with.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "choices": choices,
            "minimum": minimum,
            "maximum": maximum,
            "pattern": pattern,
            "fixed": fixed,
        },
    )


class Config:
    """What all groups of settings share: checks, and a round trip through plain dictionaries."""

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            ChatbotError: a value is outside what its field allows.
        """
        kinds = get_type_hints(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value, kind = getattr(self, field.name), kinds[field.name]
            wanted = kind | int if isinstance(1.0, kind) else kind
            sound = isinstance(value, wanted) and (type(value) is not bool or kind is bool)
            fault = fault_of(field, value) if sound else f"{value!r} is not of its type"
            if fault:
                raise ChatbotError(f"{option_of(field.name)}: {fault}.")

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values, in the order of the fields."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> Self:
        """The settings that `as_dict` gave, read back.

        Args:
            values: one value per field.
            where: the file they come from, for the message.

        Raises:
            ChatbotError: a key that no field has, or a value outside what its field allows.
        """
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - names)
        if unknown:
            raise ChatbotError(
                f"{where}: unknown setting {unknown[0]!r}. Written by a newer version? Update "
                "chatbot, or build anew with --restart."
            )
        return cls(**values)

    @classmethod
    def resumed(cls, stored: Self | None, given: Mapping[str, Any]) -> Self:
        """The settings of a run: what is given, over what the run began with, over the defaults.

        Args:
            stored: the settings of the run that resumes, or None for a new run.
            given: the values asked for explicitly now.

        Raises:
            ChatbotError: a given value differs from a stored one that cannot change.
        """
        if stored is None:
            return cls(**given)
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            before = getattr(stored, field.name)
            if field.metadata["fixed"] and given.get(field.name, before) != before:
                raise ChatbotError(
                    f"{option_of(field.name)} {given[field.name]}: this run began with {before}, "
                    "which cannot change. Leave the option out to resume, or begin anew with "
                    "--restart."
                )
        return dataclasses.replace(stored, **given)  # type: ignore[type-var]


def option_of(name: str) -> str:
    """The spelling of a field on the command line, e.g. `--min-freq` for `min_freq`."""
    return "--" + name.replace("_", "-")


def fault_of(field: dataclasses.Field[Any], value: object) -> str:
    """What is wrong with a value of a field, in words; empty when nothing is."""
    rules = field.metadata
    if value is None or isinstance(value, bool):
        return ""
    if rules["choices"] and value not in rules["choices"]:
        return f"{value!r} is not one of {', '.join(rules['choices'])}"
    if isinstance(value, int | float):
        low, high = rules["minimum"], rules["maximum"]
        if value != value or (low is not None and value < low):
            return f"{value} is not at least {low:g}"
        if high is not None and value > high:
            return f"{value} is not at most {high:g}"
        if value == math.inf:
            return f"{value} is not finite"
    if rules["pattern"] and not re.fullmatch(rules["pattern"], str(value)):
        return f"{value!r} is not understood; it takes {rules['help']}"
    return ""


SMALL_CORPUS = 5_000
"""Pairs below which a corpus is learned by heart: none are held out, every character is kept."""

DEFAULT_MIN_FREQ = 2


@dataclass(frozen=True)
class CorpusConfig(Config):
    """How text becomes ids; stored with the vocabulary and in the header of the token store."""

    tokenizer: str = setting(
        "jieba", "how text is cut: words by jieba, or single characters", choices=("jieba", "char")
    )
    min_freq: int | None = setting(
        None,
        f"words and characters seen fewer times are left out  [default: {DEFAULT_MIN_FREQ}; every "
        f"character is kept in corpora under {SMALL_CORPUS:,} pairs]",
        minimum=1,
    )
    max_size: int = setting(
        20_000, "most entries in the vocabulary, the four special ones included", minimum=8
    )
    rare: str = setting(
        "characters",
        "what a word outside the vocabulary becomes: its characters, or one unknown word",
        choices=("characters", "unk"),
    )
    holdout: float | None = setting(
        None,
        "pairs kept for validation: a share (0.02) or a number (500); 0 for none  "
        f"[default: 1 % up to 2,000 pairs, none for corpora under {SMALL_CORPUS:,} pairs]",
        minimum=0,
    )
    seed: int = setting(0, "seed of the order of the pairs", minimum=0, maximum=2**63 - 1)


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of the network; stored inside every checkpoint."""

    units: int = setting(
        256, "width of the recurrent layers", minimum=1, maximum=16_384, fixed=True
    )
    embedding: int = setting(
        256, "width of the word embeddings", minimum=1, maximum=16_384, fixed=True
    )
    bidirectional: bool = setting(False, "read the question in both directions", fixed=True)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """How the network is trained; stored inside every checkpoint."""

    batch: int = setting(1000, "pairs per step", minimum=1, fixed=True)
    sampler: str = setting(
        "window",
        "how the pairs of a step are chosen",
        choices=("window", "epoch", "blocks", "cyclic"),
        fixed=True,
    )
    seed: int = setting(
        0, "seed of weights, sampling and dropout", minimum=0, maximum=2**63 - 1, fixed=True
    )
    max_length: int = setting(
        40,
        "tokens of a question or reply that are used in training",
        minimum=2,
        maximum=100_000,
        fixed=True,
    )
    learning_rate: float = setting(0.02, "learning rate of Adam", minimum=1e-9, fixed=True)
    warmup: int = setting(20, "steps over which the rate rises to its full value", minimum=0)
    clip: float = setting(1.0, "largest global norm of the gradient", minimum=1e-6, fixed=True)
    dropout: float | None = setting(
        None,
        "share of activations dropped in training  [default: 0.2, or 0 when no pairs are held out]",
        minimum=0,
        maximum=0.95,
        fixed=True,
    )
    word_dropout: float = setting(
        0.1,
        "share of the tokens of questions left out in training",
        minimum=0,
        maximum=0.95,
        fixed=True,
    )
    decay_on: str = setting(
        "heldout",
        "the loss that decides on decay: the held-out loss, or the training loss above the "
        "largest of the last five",
        choices=("heldout", "train"),
        fixed=True,
    )
    patience: int = setting(
        5, "validations without a gain before the rate decays", minimum=1, fixed=True
    )
    cooldown: int = setting(
        2, "validations after a decay that are not judged", minimum=0, fixed=True
    )
    floor: float = setting(
        0.01,
        "smallest rate that decay reaches, as a share of the learning rate",
        minimum=1e-9,
        maximum=1,
        fixed=True,
    )
    steps: int | None = setting(None, "steps of the whole run", minimum=1)
    minutes: float | None = setting(None, "minutes of the whole run", minimum=1e-3)
    epochs: float | None = setting(None, "passes over the corpus of the whole run", minimum=1e-3)
    validate_every: int = setting(25, "steps between validations", minimum=1, fixed=True)
    save_every: str = setting(
        "5m",
        "a number of steps between checkpoints, or minutes such as 5m",
        pattern=r"[1-9][0-9]*m?|(?=[0-9.]*[1-9])[0-9]*\.[0-9]+m",
    )
    keep: int = setting(3, "checkpoints kept, the best one not counted", minimum=1)
    precision: str = setting(
        "auto",
        "numbers in matrix products: bfloat16 where the processor has it, else float32",
        choices=("auto", "float32", "bfloat16"),
        fixed=True,
    )
    threads: int = setting(0, "processor threads  [default: all]", minimum=0, maximum=1024)
    vectors: str | None = setting(
        None,
        "file of word vectors (word2vec's text format) that the embeddings begin with  "
        "[default: random ones]",
        fixed=True,
    )
    freeze_vectors: bool = setting(False, "never change the embeddings from --vectors", fixed=True)

    def __post_init__(self) -> None:
        """Checks every field, and that there is something to freeze.

        Raises:
            ChatbotError: a value is outside what its field allows.
        """
        super().__post_init__()
        if self.freeze_vectors and self.vectors is None:
            raise ChatbotError("--freeze-vectors: nothing to freeze. Name a file with --vectors.")


@dataclass(frozen=True)
class ReplyConfig(Config):
    """How a reply is chosen; belongs to one conversation."""

    beam: int = setting(
        1, "width of the beam; 1 is greedy; not used when replies are drawn", minimum=1, maximum=100
    )
    temperature: float = setting(
        0.0, "draw from the distribution at this temperature; 0 takes the likeliest", minimum=0
    )
    top_k: int = setting(
        0, "when replies are drawn, only among this many likeliest tokens; 0 for all", minimum=0
    )
    max_reply: int = setting(60, "most tokens in a reply", minimum=1, maximum=10_000)
    seed: int = setting(0, "seed of what is drawn", minimum=0, maximum=2**63 - 1)

"""What was asked for and what stands in a model folder -> the settings of a run.

Comes in: settings that were asked for explicitly, a model folder and its store. Goes out: the
settings that the run has, and the checkpoint that it goes on from. Draws and restores no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vectors import Vectors, read_vectors
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.checkpoint import finish_saves
from chatbot.learn.ngrams import NUMBERS
from chatbot.learn.position import Position
from chatbot.learn.saved import damaged_in, newest_whole, read_position
from chatbot.learn.schedule import at_full_rate

NGRAMS = 4
"""The default with held-out pairs; 3 for a vocabulary that is too large for it."""


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        model: settings of the network that were asked for explicitly.
        training: settings of the run that were.
        restart: give up the run that stands in the folder.
        extending: go on with it though its vocabulary or its corpus has grown.
        learning_rate: the run that stands there goes on at this rate, whatever it began with.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    restart: bool = False
    extending: bool = False
    learning_rate: float | None = None

    @property
    def options(self) -> dict[str, Any]:
        """All of it by the names of the options, those that were given."""
        flags = {"restart": self.restart or None, "extend": self.extending or None}
        more = {**flags, "set_learning_rate": self.learning_rate}
        given = {name: value for name, value in more.items() if value is not None}
        return {**self.model, **self.training, **given}


class Agreed(NamedTuple):
    """What a run begins or goes on with."""

    path: Path | None
    """the newest checkpoint that is whole; None for a new run"""
    stored: Position | None
    """where it goes on from there"""
    resumed: Position | None
    """what stands in the checkpoint"""
    damaged: list[str]
    """newer checkpoints, and what is wrong with each"""
    model: ModelConfig
    training: TrainingConfig
    vectors: Vectors | None
    """word vectors that a new run begins with"""


def agree(folder: ModelFolder, store: TokenStore, vocabulary: Vocabulary, asked: Asked) -> Agreed:
    """The settings of a run.

    Raises:
        ChatbotError: no checkpoint is whole, a setting cannot change, there is no run to extend or
            to go on with at another rate, or a file of word vectors cannot be read.
    """
    finish_saves(folder)
    newest, damaged = (None, []) if asked.restart else newest_whole(folder.checkpoints)
    damaged += [] if asked.restart else damaged_in(folder.best)
    stored = resumed = read_position(newest) if newest else None
    network, settings, vectors = _agreed(stored, asked.model, asked.training, vocabulary)
    if asked.extending:
        network = _extensible(stored, network, len(vocabulary), folder)
    if asked.learning_rate is not None:
        stored, settings = _at_rate(asked.learning_rate, stored, settings, folder)
    if stored is None:
        held_out = bool(store.header.held_out)
        if network.ngrams is None:
            network = replace(network, ngrams=_longest_run(vocabulary) if held_out else 0)
        if settings.first_vectors is None:
            own = held_out and settings.vectors is None
            settings = replace(settings, first_vectors="corpus" if own else "random")
    return Agreed(newest, stored, resumed, damaged, network, settings, vectors)


def _agreed(
    stored: Position | None,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    vocabulary: Vocabulary,
) -> tuple[ModelConfig, TrainingConfig, Vectors | None]:
    """The settings of a run, and the word vectors that a new one begins with.

    Of their file only the name is a setting: where it lies is the affair of one machine.
    """
    file = training.get("vectors")
    if file is not None:
        training = {**training, "vectors": Path(file).name}
    settings = TrainingConfig.resumed(stored.training if stored else None, training)
    vectors = None
    if file is not None and stored is None:
        vectors = read_vectors(Path(file), vocabulary, model.get("embedding"))
        width = vectors.coverage.width
        model = {**model, "embedding": width}
        if model.get("model_type") == "transformer":  # whose layers are as wide
            model = {"units": width, **model}
    network = ModelConfig.resumed(stored.model if stored else None, model)
    if stored is None:
        network = replace(network, layers=network.depth)
    if settings.learning_rate is None:
        settings = replace(settings, learning_rate=network.usual_rate)
    return network, settings, vectors


def _at_rate(
    learning_rate: float, stored: Position | None, settings: TrainingConfig, folder: ModelFolder
) -> tuple[Position, TrainingConfig]:
    """A run that goes on at another rate."""
    if stored is None:
        raise ChatbotError(
            f"--set-learning-rate {learning_rate}: no run stands in {folder.path} to go on with. "
            "Give the rate of a new one with --learning-rate."
        )
    health = replace(stored.recovery, tries=0)
    position = replace(stored, schedule=at_full_rate(stored.schedule), recovery=health)
    return position, replace(settings, learning_rate=learning_rate)


def _extensible(
    stored: Position | None, network: ModelConfig, size: int, folder: ModelFolder
) -> ModelConfig:
    """The settings of a network for a grown vocabulary: n-grams of as many words as it allows."""
    if stored is None:
        raise ChatbotError(
            f"--extend: no run stands in {folder.path} to go on with. Leave the option out."
        )
    order = network.ngrams or 0
    while size**order >= NUMBERS:
        order -= 1
    return replace(network, ngrams=order)


def _longest_run(vocabulary: Vocabulary) -> int:
    """The default for `--ngrams` with held-out pairs."""
    return NGRAMS - 1 if len(vocabulary) ** NGRAMS >= NUMBERS else NGRAMS

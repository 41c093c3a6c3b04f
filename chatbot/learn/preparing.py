"""A model folder opened for training: a new run, or the one that stands there.

Comes in: a model folder with a token store, and the settings that were asked for. Goes out: a `Run`
with its settings agreed, its weights drawn or restored and its n-grams counted. Knows nothing of
what is done in a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.doctor.budget import budget
from chatbot.corpus.doctor.forecast import Work
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vectors import Vectors, read_vectors
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.checkpoint import finish_saves, restore
from chatbot.learn.engine import Engine, use_threads
from chatbot.learn.extending import Extension, extend, extended
from chatbot.learn.joining import Joining
from chatbot.learn.judging import judge
from chatbot.learn.ngrams import NUMBERS, Ngrams
from chatbot.learn.position import Position
from chatbot.learn.remote import open_anywhere
from chatbot.learn.saved import (
    check_vocabulary,
    damaged_in,
    newest_whole,
    read_position,
    vocabulary_of,
)
from chatbot.learn.schedule import Schedule, at_full_rate
from chatbot.learn.sharing import from_chief, settings_from_chief
from chatbot.learn.team import Team
from chatbot.learn.training import Run
from chatbot.locking import Lock
from chatbot.memory import release_freed, release_program

DROPOUT = 0.4
"""The default with held-out pairs."""

NGRAMS = 4
"""The default with held-out pairs; 3 for a vocabulary that is too large for it."""

_COUNTED_AT_ONCE = 50_000


def prepare(
    folder: ModelFolder,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    *,
    restart: bool = False,
    extending: bool = False,
    learning_rate: float | None = None,
    stop: Callable[[], str | None] = lambda: None,
    joining: Joining | None = None,
    elsewhere: str | None = None,
) -> Run:
    """Opens a model folder for training: a new run, or the one that stands there.

    Args:
        folder: the model folder.
        model: settings of the network that were asked for explicitly.
        training: settings of the run that were asked for explicitly.
        restart: give up the run that stands there.
        extending: go on with it though its vocabulary or its corpus has grown.
        learning_rate: the run that stands there goes on at this rate, whatever it began with.
        stop: asked after every step; a reason in words ends the run.
        joining: how the run is distributed; default: not at all.
        elsewhere: where the token store is, if not in the folder: a path, or a name that
            tf.io.gfile knows.

    Raises:
        ChatbotError: no store, a damaged one, checkpoints of which none is whole, a setting that
            cannot change, a vocabulary or a store that does not match, a cap of memory that cannot
            be kept, or another program writes to the folder.
    """
    vocabulary = Vocabulary.load(folder.vocabulary)
    joining = joining or Joining()
    with ExitStack() as opened:  # closes the store and unlocks the folder if anything is refused
        if joining.chief:
            opened.callback(Lock(folder.path).close)
        store = opened.enter_context(_store(folder, elsewhere))
        _check_store(store, vocabulary, folder)
        if joining.how != "none":
            use_threads(TrainingConfig(threads=training.get("threads", 0)))
        asked = {**model, **training, "restart": restart, "extend": extending}
        asked["set_learning_rate"] = learning_rate
        team = joining.team(store.header, asked, stop)
        if not team.chief:
            run = _joined(folder, vocabulary, store, training, stop, team)
            run.held = opened.pop_all()
            return run
        finish_saves(folder)
        newest, damaged = (None, []) if restart else newest_whole(folder.checkpoints)
        damaged += [] if restart else damaged_in(folder.best)
        stored = resumed = read_position(newest) if newest else None
        network, settings, vectors = _agreed(stored, model, training, vocabulary)
        if extending:
            network = _extensible(stored, network, len(vocabulary), folder)
        if learning_rate is not None:
            stored, settings = _at_rate(learning_rate, stored, settings, folder)
        if stored is None and network.ngrams is None:
            network = replace(network, ngrams=_longest_run(store, vocabulary))
        use_threads(settings)
        planned = budget(_work(store, len(vocabulary), network, settings))
        parts = planned.parts if settings.memory else None
        release_program()
        settings_from_chief(team, (network, settings), training)
        dropout = _dropout(store, settings)
        size, unigram = len(vocabulary), vocabulary.unigram
        engine = Engine(size, network, settings, unigram, dropout, parts, team)
        if restart:
            folder.forget_training()
        opening = _Opening(folder, vocabulary, store, engine, network, settings)
        position, extension = opening.position(newest, stored, extending)
        release_freed()
        if vectors is not None:
            engine.begin_with(vectors)
        from_chief(engine, position)
        held = opened.pop_all()
    coverage = vectors.coverage if vectors else None
    found = (folder, vocabulary, store, engine, position, stop, planned, held)
    return Run(*found, coverage=coverage, damaged=damaged, resumed=resumed, extension=extension)


def _joined(
    folder: ModelFolder,
    vocabulary: Vocabulary,
    store: TokenStore,
    training: Mapping[str, Any],
    stop: Callable[[], str | None],
    team: Team,
) -> Run:
    """The run that the chief has opened, on another worker."""
    network, settings = settings_from_chief(team, None, training)
    planned = budget(_work(store, len(vocabulary), network, settings))
    parts = planned.parts if settings.memory else None
    release_program()
    size, unigram, dropout = len(vocabulary), vocabulary.unigram, _dropout(store, settings)
    engine = Engine(size, network, settings, unigram, dropout, parts, team)
    position = from_chief(engine, None)
    release_freed()
    position = replace(position, model=network, training=settings)
    resumed = position if position.step else None
    held = ExitStack()
    found = (folder, vocabulary, store, engine, position, stop, planned, held)
    return Run(*found, resumed=resumed)


def _store(folder: ModelFolder, elsewhere: str | None) -> TokenStore:
    """The token store, opened."""
    if elsewhere is None:
        return TokenStore(folder.store)
    return TokenStore(elsewhere, opener=open_anywhere)


def _check_store(store: TokenStore, vocabulary: Vocabulary, folder: ModelFolder) -> None:
    """Refuses a store whose ids mean other words."""
    if store.header.vocabulary != vocabulary.digest:
        way = "--extend" if folder.trained else "--restart"
        raise ChatbotError(
            f"{store.path}: belongs to another vocabulary than {folder.vocabulary.name}. "
            f"Build both anew: chatbot build-vocab {way} --model {folder.path}."
        )


def _dropout(store: TokenStore, settings: TrainingConfig) -> float:
    """The share of activations to drop: what was asked for, or the default."""
    default = DROPOUT if store.header.held_out else 0.0
    return default if settings.dropout is None else settings.dropout


class _Opening(NamedTuple):
    """What a run begins or goes on with."""

    folder: ModelFolder
    vocabulary: Vocabulary
    store: TokenStore
    engine: Engine
    model: ModelConfig
    training: TrainingConfig

    def position(
        self, path: Path | None, stored: Position | None, extending: bool
    ) -> tuple[Position, Extension | None]:
        """Where the run stands, with its weights in the engine; what was carried over if so."""
        header = self.store.header
        if path is None or stored is None:
            self._count_ngrams()
            known = (header.vocabulary, len(self.vocabulary), self.model, self.training)
            return Position(0, 0.0, Schedule(), None, *known, store=header.identity), None
        if not stored.store and not self.folder.earlier_vocabulary(stored.vocabulary).exists():
            stored = replace(stored, store=header.identity)  # of a version that did not record it
        same = stored.vocabulary == header.vocabulary and stored.store == header.identity
        if extending and not same:
            return self._extended(path, stored)
        check_vocabulary(path, stored, self.vocabulary)
        self._check_pairs(path, stored)
        restore(path, self.engine.net, self.engine.optimizer)
        if self.engine.net.mixture is not None:
            self.engine.net.mixture.ngrams.index()
        return replace(stored, model=self.model, training=self.training), None

    def _extended(self, path: Path, stored: Position) -> tuple[Position, Extension]:
        """Carries what was trained over to the vocabulary and the corpus that stand."""
        before = vocabulary_of(stored, self.folder)
        if before.digest != stored.vocabulary:
            raise ChatbotError(
                f"--extend: {path} was trained with a vocabulary that is not in "
                f"{self.folder.earlier}. Build with build-vocab --extend, which keeps it there, or "
                "train anew with --restart."
            )
        self._count_ngrams()
        drawn = judge(self.store, self.engine, self.training.max_length, Team()).network
        extension = extend(path, stored, before, self.engine, self.vocabulary)
        begins = extended(stored, self.store.header, len(self.vocabulary), drawn)
        return replace(begins, model=self.model, training=self.training), extension

    def _count_ngrams(self) -> None:
        """Gives the network the n-grams of the store, if it looks at any."""
        if self.engine.net.mixture is not None:
            order, size = self.model.ngrams or 0, len(self.vocabulary)
            self.engine.net.mixture.counts.ngrams = count_ngrams(self.store, order, size)
            self.engine.net.mixture.ngrams.index()

    def _check_pairs(self, path: Path, stored: Position) -> None:
        """Refuses a store of other pairs than those that were trained on."""
        if stored.store != self.store.header.identity:
            raise ChatbotError(
                f"{self.store.path}: another corpus than the one {path} was trained on. Go on with "
                "this one with --extend, put the other back, or train anew with --restart."
            )


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


def _longest_run(store: TokenStore, vocabulary: Vocabulary) -> int:
    """The default for `--ngrams`."""
    fitting = NGRAMS - (len(vocabulary) ** NGRAMS >= NUMBERS)
    return fitting if store.header.held_out else 0


def _work(store: TokenStore, size: int, model: ModelConfig, training: TrainingConfig) -> Work:
    """What a step of a run does."""
    questions, replies = (np.asarray(counts) for counts in store.header.lengths)
    return Work(questions, replies, store.header.train, size, model, training)


def count_ngrams(store: TokenStore, order: int, size: int) -> Ngrams:
    """The n-grams of the replies to train on, or of the first ones of very many.

    Args:
        store: a token store, open.
        order: the longest n.
        size: entries of the vocabulary.
    """
    parts = store.parts(0, store.header.train, _COUNTED_AT_ONCE)
    return Ngrams.count(parts, order, size)


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

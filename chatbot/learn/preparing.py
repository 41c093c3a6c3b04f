"""A model folder opened for training: a new run, or the one that stands there.

Comes in: a model folder with a token store, and the settings that were asked for. Goes out: a `Run`
with its settings agreed, its weights drawn or restored and its n-grams counted; on every worker of
a team the same. Knows nothing of what is done in a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.doctor.budget import Budget, budget
from chatbot.corpus.doctor.forecast import Work
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.agreeing import Agreed, Asked, agree
from chatbot.learn.beginning import begin_with_corpus, begin_with_file
from chatbot.learn.checkpoint import restore
from chatbot.learn.engine import Engine, use_threads
from chatbot.learn.extending import Extension, extend, extended
from chatbot.learn.joining import Joining
from chatbot.learn.judging import judge
from chatbot.learn.mixture import SHARE
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.position import Position
from chatbot.learn.remote import open_anywhere
from chatbot.learn.saved import check_vocabulary, vocabulary_of
from chatbot.learn.schedule import Schedule
from chatbot.learn.sharing import from_chief, settings_from_chief
from chatbot.learn.team import Team
from chatbot.learn.training import Run
from chatbot.locking import Lock
from chatbot.memory import release_freed, release_program

DROPOUT = 0.4
"""The default with held-out pairs."""

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
    asked = Asked(model, training, restart, extending, learning_rate)
    with ExitStack() as opened:  # closes the store and unlocks the folder if anything is refused
        if joining.chief:
            opened.callback(Lock(folder.path).close)
        store = opened.enter_context(_store(folder, elsewhere))
        _check_store(store, vocabulary, folder)
        agreed = refusal = None
        if joining.chief:
            agreed, refusal = _tried(lambda: agree(folder, store, vocabulary, asked))
        use_threads(_own_share(agreed.training if agreed else _known(asked), joining.workers))
        team = joining.team(store.header, asked.options, stop)
        team.check(refusal)
        opening = _Opening(folder, vocabulary, store, team, asked)
        engine, planned, position, extension = opening.begun(agreed)
        held = opened.pop_all()
    found = (folder, vocabulary, store, engine, position, stop, planned, held)
    if agreed is None:
        return Run(*found, resumed=position if position.step else None)
    return Run(
        *found,
        coverage=agreed.vectors.coverage if agreed.vectors else None,
        damaged=agreed.damaged,
        resumed=agreed.resumed,
        extension=extension,
    )


T = TypeVar("T")


def _tried(find: Callable[[], T]) -> tuple[T | None, ChatbotError | None]:
    """What a function finds, or why it refuses."""
    try:
        return find(), None
    except ChatbotError as refusal:
        return None, refusal


def _known(asked: Asked) -> TrainingConfig:
    """What a worker that is not the chief knows of threads before it has heard the others."""
    names = ("threads", "batch")
    return TrainingConfig(**{n: asked.training[n] for n in names if n in asked.training})


def _own_share(training: TrainingConfig, workers: int) -> TrainingConfig:
    """The settings of a run with the batch that one of so many workers has of it."""
    return replace(training, batch=-(-training.batch // workers))


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


class _Opening(NamedTuple):
    """What a run begins or goes on with."""

    folder: ModelFolder
    vocabulary: Vocabulary
    store: TokenStore
    team: Team
    asked: Asked

    def begun(self, agreed: Agreed | None) -> tuple[Engine, Budget, Position, Extension | None]:
        """Network, how a step is computed, where the run stands, what was carried over.

        Args:
            agreed: what the chief has found; None on the others.
        """
        mine = (agreed.model, agreed.training) if agreed else None
        model, training = settings_from_chief(self.team, mine, self.asked.training)
        own = _own_share(training, self.team.workers)
        planned = self._all(lambda: budget(self._work(model, own)))
        release_program()
        parts = planned.parts if own.memory else None
        size, unigram = len(self.vocabulary), self.vocabulary.unigram
        engine = Engine(size, model, own, unigram, self._dropout(own), parts, self.team)
        position, extension = self._all(
            lambda: self._chief_begins(engine, agreed) if agreed else (None, None)
        )
        position = replace(from_chief(engine, position), model=model, training=training)
        return engine, planned, position, extension

    def _all(self, find: Callable[[], T]) -> T:
        """What a function finds, where it refuses on no worker."""
        found, refusal = _tried(find)
        self.team.check(refusal)
        return cast("T", found)

    def _work(self, model: ModelConfig, own: TrainingConfig) -> Work:
        """What a step does on this worker."""
        header = self.store.header
        questions, replies = (np.asarray(counts) for counts in header.lengths)
        return Work(questions, replies, header.train, len(self.vocabulary), model, own)

    def _dropout(self, training: TrainingConfig) -> float:
        """The share of activations to drop: what was asked for, or the default."""
        default = DROPOUT if self.store.header.held_out else 0.0
        return default if training.dropout is None else training.dropout

    def _chief_begins(self, engine: Engine, agreed: Agreed) -> tuple[Position, Extension | None]:
        """Where the run stands, its weights in the engine; what was carried over."""
        if self.asked.restart:
            self.folder.forget_training()
        found = self._position(engine, agreed)
        release_freed()
        return found

    def _position(self, engine: Engine, agreed: Agreed) -> tuple[Position, Extension | None]:
        header, path, stored = self.store.header, agreed.path, agreed.stored
        if path is None or stored is None:
            self._count_ngrams(engine, agreed.model)
            seconds = 0.0
            if agreed.vectors is not None:
                begin_with_file(engine, agreed.vectors)
            if agreed.training.first_vectors == "corpus":
                seconds = begin_with_corpus(engine, self.store, agreed.training)
            known = (header.vocabulary, len(self.vocabulary), agreed.model, agreed.training)
            return Position(0, seconds, Schedule(), None, *known, store=header.identity), None
        if not stored.store and not self.folder.earlier_vocabulary(stored.vocabulary).exists():
            stored = replace(stored, store=header.identity)  # of a version that did not record it
        same = stored.vocabulary == header.vocabulary and stored.store == header.identity
        if self.asked.extending and not same:
            return self._extended(engine, path, stored, agreed)
        check_vocabulary(path, stored, self.vocabulary)
        self._check_pairs(path, stored)
        restore(path, engine.net, engine.optimizer)
        if engine.net.mixture is not None:
            engine.net.mixture.ngrams.index()
        return stored, None

    def _extended(
        self, engine: Engine, path: Path, stored: Position, agreed: Agreed
    ) -> tuple[Position, Extension]:
        """Carries what was trained over to the vocabulary and the corpus that stand."""
        before = vocabulary_of(stored, self.folder)
        if before.digest != stored.vocabulary:
            raise ChatbotError(
                f"--extend: {path} was trained with a vocabulary that is not in "
                f"{self.folder.earlier}. Build with build-vocab --extend, which keeps it there, or "
                "train anew with --restart."
            )
        self._count_ngrams(engine, agreed.model)
        drawn = judge(self.store, engine, agreed.training.max_length, Team()).network
        extension = extend(path, stored, before, engine, self.vocabulary)
        return extended(stored, self.store.header, len(self.vocabulary), drawn), extension

    def _count_ngrams(self, engine: Engine, model: ModelConfig) -> None:
        """Gives the network the n-grams of the store, if it looks at any."""
        if engine.net.mixture is not None:
            order, size = model.ngrams or 0, len(self.vocabulary)
            engine.net.mixture.counts.ngrams = count_ngrams(self.store, order, size, SHARE)
            engine.net.mixture.ngrams.index()

    def _check_pairs(self, path: Path, stored: Position) -> None:
        """Refuses a store of other pairs than those that were trained on."""
        if stored.store != self.store.header.identity:
            raise ChatbotError(
                f"{self.store.path}: another corpus than the one {path} was trained on. Go on with "
                "this one with --extend, put the other back, or train anew with --restart."
            )


def count_ngrams(store: TokenStore, order: int, size: int, share: float = 1.0) -> Ngrams:
    """The n-grams of the replies to train on, or of the first ones of very many.

    Args:
        store: a token store, open.
        order: the longest n.
        size: entries of the vocabulary.
        share: of what Kneser and Ney take off a count, so much is taken.
    """
    parts = store.parts(0, store.header.train, _COUNTED_AT_ONCE)
    return Ngrams.count(parts, order, size, share)

"""The training loop: a generator of records.

Comes in: a model folder with a token store, and settings. Goes out: records of what happens, one
by one, and checkpoints. Shows nothing: whoever iterates decides what to print.

A run is determined by its settings: the pairs of a step, what is dropped in it and its learning
rate are functions of the seed, the step and the state in the checkpoint, so a run that is stopped
and resumed goes on as if it had not been (where its end is given in minutes, the clock enters too).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, TypeVar

import numpy as np

from chatbot.corpus.batches import Batch, make_batch
from chatbot.corpus.doctor.budget import Budget
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vectors import Coverage
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import NO_ROOM, ChatbotError, NoRoomError
from chatbot.folder import ModelFolder
from chatbot.history import Record, append, drop_after
from chatbot.learn.checkpoint import (
    Checkpoints,
    Position,
    fault_of,
    read_position,
    saved,
)
from chatbot.learn.ending import Ending
from chatbot.learn.engine import Engine
from chatbot.learn.saving import DiskLeft, due, seconds_to_save
from chatbot.learn.schedule import after_step, after_validation, dropping, rate
from chatbot.memory import peak_memory, release_freed, release_program

RETRY_SECONDS = 10.0
"""How long a run waits on a full disk before it tries to write again."""

T = TypeVar("T")

_RECORD_EVERY = 10
_RELEASE_EVERY = 25
_VALIDATION_BATCH = 250
_JUDGED_PAIRS = 2_000
_MOST_BAD_STEPS = 5


@dataclass
class Run:
    """A training run, new or resumed, ready to go.

    Attributes:
        folder: the model folder.
        vocabulary: its vocabulary.
        store: its token store, open.
        engine: network and optimizer.
        position: where the run stands.
        stop: asked after every step; a reason in words ends the run.
        budget: how a step is computed, and the memory that is expected.
        held: what is given back at the end: the store is closed and the folder unlocked.
        coverage: what the word vectors cover, where the run begins with some.
        damaged: newer checkpoints than the one it goes on from, and what is wrong with each.
    """

    folder: ModelFolder
    vocabulary: Vocabulary
    store: TokenStore
    engine: Engine
    position: Position
    stop: Callable[[], str | None]
    budget: Budget
    held: ExitStack
    coverage: Coverage | None = None
    damaged: Sequence[str] = ()
    _losses: list[float] = field(default_factory=list)
    _speed: list[tuple[float, int, float]] = field(default_factory=list)
    _rate: float | None = None
    _best: float = inf
    _began: float = 0.0
    _disk: DiskLeft = field(default_factory=DiskLeft)

    @property
    def pairs(self) -> int:
        """The pairs to train on."""
        return self.store.header.train

    @property
    def memorising(self) -> bool:
        """Whether no pairs are held out, so that the training loss stands in."""
        return not self.store.header.held_out

    @property
    def ending(self) -> Ending:
        """When the run ends."""
        return Ending(self.position.training, self.pairs, self.memorising)

    def records(self) -> Iterator[Record]:
        """Trains to the end, yielding what happens; closes the run.

        Raises:
            ChatbotError: the loss is not finite for several steps, or a checkpoint cannot be
                written.
        """
        with self.held:
            yield from self._records()

    def close(self) -> None:
        """Closes the store and unlocks the folder of a run that is not trained."""
        self.held.close()

    def _records(self) -> Iterator[Record]:
        checkpoints = Checkpoints(
            self.folder, self.engine.net, self.engine.optimizer, self.position.training.keep
        )
        with self._writing():
            drop_after(self.folder.history, self.position.step)
        best = saved(self.folder.best)
        if best and fault_of(best[-1]) is None:
            self._best = read_position(best[-1]).heldout_loss or inf
        yield from self._log(self._record("start", note=self._aims()))
        self._began = time.monotonic() - self.position.seconds
        saved_at = (self.position.step, self.position.seconds)
        reason = self.stop() or self._reason_to_end()
        while not reason:
            loss = self._step()
            self._release()
            self._count_seconds()
            yield from self._progress(loss, saved_at)
            ended = self._reason_to_end()
            # A stop is no end: a validation out of turn would make a resumed run another one.
            if ended or self.position.step % self.position.training.validate_every == 0:
                yield from self._judge(checkpoints)
            reason = self.stop() or ended or self._reason_to_end()
            self._count_seconds()
            if due(*self._since(saved_at)) and not reason:
                yield from self._save(checkpoints)
                saved_at = (self.position.step, self.position.seconds)
        yield from self._save(checkpoints)
        yield from self._log(self._record("stop", note=reason, loss=self._mean_loss()))

    def _count_seconds(self) -> None:
        self.position = replace(self.position, seconds=time.monotonic() - self._began)

    def _step(self) -> float:
        position = self.position
        training, step = position.training, position.step
        began = time.monotonic()
        runs = ranges(training.sampler, training.seed, step, training.batch, self.pairs)
        batch = make_batch(self.store.read(runs), training.max_length)
        tokens = float(batch.weights.sum())
        fraction = self.ending.fraction(step, position.seconds)
        self._rate = rate(step, position.schedule, fraction, training)
        counted = self._counted(runs)
        share = dropping(step, training.batch, self.pairs)
        loss = self.engine.train(batch, self._rate, step, counted=counted, dropping=share)
        self._speed = [*self._speed, (time.monotonic() - began, len(batch), tokens)][-20:]
        self._losses = [*self._losses, loss][-_MOST_BAD_STEPS:]
        if len(self._losses) == _MOST_BAD_STEPS and not np.isfinite(self._losses).any():
            raise ChatbotError(
                f"step {step}: the loss has not been finite for {_MOST_BAD_STEPS} steps; the "
                "weights are as before. Begin anew with a lower --learning-rate and --restart."
            )
        schedule = after_step(position.schedule, loss, training)
        self.position = replace(position, step=step + 1, schedule=schedule)
        return loss

    def _release(self) -> None:
        """Gives memory back: what compiling the step has read of TensorFlow, and what was freed."""
        if len(self._speed) == 1:
            release_program()
        capped = self.position.training.memory is not None
        if capped or self.position.step % _RELEASE_EVERY == 0:
            release_freed()

    def _counted(self, runs: Sequence[tuple[int, int]]) -> bool:
        """Whether a window holds pairs whose n-grams were counted: the first ones of the store."""
        mixture = self.engine.net.mixture
        return mixture is not None and min(first for first, _ in runs) < mixture.ngrams.pairs

    def _judge(self, checkpoints: Checkpoints) -> Iterator[Record]:
        """Validates, and lets the schedule decide."""
        loss = self._judged_loss()
        before = self.position.schedule
        after = after_validation(before, loss, self.position.training)
        held_out = None if self.memorising else loss
        self.position = replace(self.position, schedule=after, heldout_loss=held_out)
        known = {"loss": loss} if self.memorising else {"heldout_loss": loss}
        yield from self._log(self._record("validation", **known))
        if not self.memorising and loss < self._best:
            yield from self._insist(lambda: checkpoints.save_best(self.position))
            self._best = loss
        if after.scale < before.scale:
            which = "training loss" if self.memorising else "held-out loss"
            note = (
                f"{which} {loss:.3f} no better than {after.best:.3f} for "
                f"{self.position.training.patience} validations: learning rate x "
                f"{after.scale / before.scale:.2g}"
            )
            yield from self._log(self._record("decay", note=note))

    def _judged_loss(self) -> float:
        """The loss of the held-out pairs, else of the first training pairs, nothing dropped."""
        header, tokens = self.store.header, 0.0
        begin, end = header.train, header.pairs
        if self.memorising:
            begin, end = 0, min(_JUDGED_PAIRS, header.train)

        def batches() -> Iterator[Batch]:
            nonlocal tokens
            for first in range(begin, end, _VALIDATION_BATCH):
                pairs = self.store.read([(first, min(first + _VALIDATION_BATCH, end))])
                batch = make_batch(pairs, self.position.training.max_length)
                tokens += float(batch.weights.sum())
                yield batch

        return self.engine.validate(batches()) / tokens

    def _reason_to_end(self) -> str | None:
        position = self.position
        return self.ending.reason(position.step, position.seconds, position.schedule)

    def _since(self, saved_at: tuple[int, float]) -> tuple[str, int, float]:
        """When checkpoints are written, and steps and seconds since the last one."""
        position = self.position
        since = position.step - saved_at[0], position.seconds - saved_at[1]
        return (position.training.save_every, *since)

    def _save(self, checkpoints: Checkpoints) -> Iterator[Record]:
        path = yield from self._insist(lambda: checkpoints.save(self.position))
        yield from self._log(self._record("checkpoint", note=f"saved {path.name}"))

    def _progress(self, loss: float, saved_at: tuple[int, float]) -> Iterator[Record]:
        seconds = sum(one[0] for one in self._speed)
        record = self._record(
            "progress",
            loss=loss,
            heldout_loss=self.position.heldout_loss,
            pairs_per_second=sum(one[1] for one in self._speed) / seconds,
            tokens_per_second=sum(one[2] for one in self._speed) / seconds,
            memory=peak_memory(),
            seconds_left=self.ending.seconds_left(
                self.position.step, self.position.seconds, seconds / len(self._speed)
            ),
        )
        shown: dict[str, Any] = {
            "next_save": seconds_to_save(*self._since(saved_at), seconds / len(self._speed)),
            "disk_left": self._disk.bytes(self.folder.path),
        }
        if self.position.step % _RECORD_EVERY:
            yield replace(record, **shown)
        else:
            yield from self._log(record, **shown)

    def _mean_loss(self) -> float | None:
        return float(np.mean(self._losses)) if self._losses else None

    def _aims(self) -> str:
        if self.memorising:
            return "no pairs are held out: learning by heart, judged by the training loss"
        return f"{self.store.header.held_out:,} pairs are held out to judge by"

    def _record(self, kind: str, **known: Any) -> Record:  # noqa: ANN401 - fields of Record
        position = self.position
        if kind == "start":
            known["model"] = position.model.as_dict()
            known["training"] = position.training.as_dict()
        return Record(
            kind,
            position.step,
            seconds=round(position.seconds, 3),
            learning_rate=self._rate,
            **known,
        )

    def _log(self, record: Record, **shown: Any) -> Iterator[Record]:  # noqa: ANN401 - as above
        """Records, and yields that with what is only shown."""

        def write() -> None:
            """Adds it to the history."""
            with self._writing():
                append(self.folder.history, record)

        yield from self._insist(write)
        yield replace(record, **shown)

    def _insist(self, write: Callable[[], T]) -> Generator[Record, None, T]:
        """Writes; while the disk is full waits with all that is in memory, and tries again.

        The time that it waits is not counted as training.

        Raises:
            NoRoomError: there is still no room when the run is asked to stop.
        """
        waiting = False
        while True:
            try:
                return write()
            except NoRoomError as error:
                if self.stop():
                    raise
                if not waiting:
                    yield self._record("pause", note=str(error).partition(". Make room")[0])
                waiting = True
            began = time.monotonic()
            while time.monotonic() - began < RETRY_SECONDS and not self.stop():
                time.sleep(min(0.2, RETRY_SECONDS))
            self._began += time.monotonic() - began

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tells of a history that cannot be written in one line."""
        try:
            yield
        except OSError as error:
            kind = NoRoomError if error.errno in NO_ROOM else ChatbotError
            raise kind(
                f"{self.folder.history}: cannot be written ({error.strerror}). Make room or mend "
                "the folder, then run the same command: it resumes from the last checkpoint."
            ) from error

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
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, TypeVar

from chatbot.corpus.batches import make_batch
from chatbot.corpus.doctor.budget import Budget
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vectors import Coverage
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.folder import ModelFolder
from chatbot.history import Record
from chatbot.learn import mending, recovery
from chatbot.learn.averaging import judged_mean
from chatbot.learn.checkpoint import Checkpoints
from chatbot.learn.clock import Clock
from chatbot.learn.ending import Ending
from chatbot.learn.engine import Engine
from chatbot.learn.extending import Extension
from chatbot.learn.journal import Journal, Unwritten
from chatbot.learn.judging import judge
from chatbot.learn.pace import Pace, progress
from chatbot.learn.position import Position
from chatbot.learn.saving import DiskLeft, due, seconds_to_save
from chatbot.learn.schedule import after_step, after_validation, dropping, rate, why_decayed
from chatbot.learn.watcher import Watcher, watched
from chatbot.memory import release_after, release_freed

_RECORD_EVERY, _RELEASE_EVERY, _MEAN_OF = 10, 5, 5

T = TypeVar("T")


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
        watch: looks at it at every validation.
        resumed: the position in the checkpoint that it goes on from.
        extension: what became of the vocabulary, where it was carried over to one that grew.
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
    watch: Watcher | None = None
    resumed: Position | None = None
    extension: Extension | None = None
    _pace: Pace = field(default_factory=Pace)
    _rate: float | None = None
    _best: float = inf
    _asked: str | None = None
    _disk: DiskLeft = field(default_factory=DiskLeft)

    def __post_init__(self) -> None:
        """Opens the journal, and sets the clock."""
        kind = Journal if self.engine.team.chief else Unwritten
        stop = lambda: self._asked or self.stop()  # noqa: E731 - what another worker was told, too
        self._journal, self._saved = kind(self.folder, stop), self.resumed
        self._clock = Clock(self.engine.team, self.stop, self._journal)

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
            ChatbotError: the loss is not finite or rises again and again at ever lower rates, or a
                checkpoint cannot be written.
        """
        with self.held:
            yield from self._records()

    def close(self) -> None:
        """Closes the store and unlocks the folder of a run that is not trained."""
        self.held.close()

    def _records(self) -> Iterator[Record]:
        keep, writes = self.position.training.keep, self.engine.team.chief
        net, optimizer = self.engine.net, self.engine.optimizer
        checkpoints = Checkpoints(self.folder, net, optimizer, keep, writes=writes)
        reason = yield from self._begin(checkpoints)
        while not reason:
            step = self._step()
            release_after(self._pace.steps, _RELEASE_EVERY, self.position.training.memory)
            yield from self._progress(step)
            fault = recovery.fault(self.position.recovery, self.position.training.batch)
            if self.position.recovery.refused == 1:
                yield from self._pass_over(fault)
                fault = None
            # A stop is no end: a validation out of turn would make a resumed run another one.
            validating = self.position.step % self.position.training.validate_every == 0
            validating |= self._reason_to_end() is not None
            if not fault and validating:
                fault = yield from self._judge(checkpoints)
            if fault:
                yield from self._go_back(checkpoints, fault)
            ended = self._reason_to_end()
            if validating or fault or self.engine.team.workers == 1:  # a team has asked just now
                self._ask()
            reason = self._asked or ended
            # After a refused step weights may not be finite.
            if due(*self._since()) and not reason and not self.position.recovery.refused:
                yield from self._save(checkpoints)
        if self.position != self._saved and not self.position.recovery.refused:
            yield from self._save(checkpoints)
        if self.position.training.average > 1 and self._pace.steps and self._reason_to_end():
            yield from self._average(checkpoints)
        yield from self._log(self._record("stop", note=reason, loss=self.position.mean_loss))

    def _begin(self, checkpoints: Checkpoints) -> Generator[Record, None, str | None]:
        """Brings the history to where the run is, judges weights that nobody has; a reason to end.

        Those are then good ones to go back to, and what gains are measured by.
        """
        judged = max(self.position.recovery.start, self.position.schedule.best) < inf
        begins, extending = self.position.step == 0 and not judged, self.extension is not None
        last = -1 if begins else self.position.step
        yield from self._insist(lambda: self._journal.drop_after(last, extending=extending))
        if self._journal.lacks(said := self.position.went_back):  # killed before it was recorded
            yield from self._log(self._record("rollback", note=said))
        self._best = inf if begins else mending.least_saved(self.folder, self.position, self.engine)
        held_out = self.store.header.held_out
        yield from self._log(self._record("start", note=self.ending.judged_by(held_out)))
        if extending:
            yield from self._log(self._record("extend", note=f"extended: {self.extension}"))
        self._clock.start(self.position.seconds)
        reason = self._clock.seconds_and_reason()[1] or self._reason_to_end()
        if not judged and not reason:
            fault = yield from self._judge(checkpoints)
            mending.check_start(fault, self.folder)
        return reason

    def _ask(self) -> None:
        """Asks for the seconds so far, and why the run is to stop if any worker is."""
        seconds, self._asked = self._clock.seconds_and_reason()
        self.position = replace(self.position, seconds=seconds)

    def _runs(self, step: int, *share: int) -> Sequence[tuple[int, int]]:
        """Which pairs a step takes; with a worker and their number, those of that one."""
        training = self.position.training
        return ranges(training.sampler, training.seed, step, training.batch, self.pairs, *share)

    def _step(self) -> recovery.Step:
        position, training = self.position, self.position.training
        step, began = position.step, time.monotonic()
        runs = self._runs(step)
        mine = self._runs(step, self.engine.team.index, self.engine.team.workers)
        batch = make_batch(self.store.read(mine), training.max_length)
        fraction = self.ending.fraction(step, position.seconds)
        self._rate = rate(step, position.schedule, fraction, training)
        counted = self.engine.counted(runs)
        share = dropping(step, training.batch, self.pairs)
        found = self.engine.train(batch, self._rate, step, counted=counted, dropping=share)
        self._pace.add(time.monotonic() - began, sum(b - a for a, b in runs), found.tokens)
        health = recovery.after_step(position.recovery, found, training.batch)
        position = replace(position, step=step + 1, recovery=health, went_back="")
        if not health.refused:
            schedule = after_step(position.schedule, found.loss, training)
            losses = (*position.losses, found.loss)[-_MEAN_OF:]
            position = replace(position, schedule=schedule, losses=losses)
        self.position = position
        self._ask()
        return found

    def _pass_over(self, fault: str | None) -> Iterator[Record]:
        """A single step has been refused: nothing was changed by it, and the rate is halved."""
        mending.check_tries(self.position, fault, self.folder)
        self.position = mending.without_the_step(self.position)
        note = self._said(self.position.step, fault, "nothing changed by it")
        yield from self._log(self._record("rollback", note=note))

    def _go_back(self, checkpoints: Checkpoints, fault: str) -> Iterator[Record]:
        """Goes back to the best weights, and on at half the rate; then all since is forgotten.

        Newer checkpoints go after the one to go on from is there: who is killed in between goes on
        from those, and meets the same again.
        """
        wrong = self.position
        good = mending.back_to_the_best(wrong, self.folder, self.engine)
        back = f"back to the weights of step {good.step:,}"
        self.position = replace(good, went_back=self._said(wrong.step, fault, back))
        yield from self._save(checkpoints)
        checkpoints.drop_after(good.step)
        yield from self._insist(lambda: self._journal.drop_after(good.step))
        yield from self._log(self._record("rollback", note=self.position.went_back))
        mending.check_tries(wrong, fault, self.folder)

    def _said(self, step: int, fault: str | None, back: str) -> str:
        """What is said of a roll-back, after its pairs have been listed."""
        runs, longest = self._runs(step - 1), self.position.training.max_length
        suspects = mending.suspects(self.folder, self.store, runs, self.engine, longest)
        return f"at step {step:,} {fault}: {back}, learning rate halved; its pairs: {suspects}"

    def _judge(self, checkpoints: Checkpoints) -> Generator[Record, None, str | None]:
        """Validates, and lets the schedule decide; says what is wrong, if anything is."""
        judged = judge(self.store, self.engine, self.position.training.max_length)
        release_freed()  # before the best weights are written and watched, which takes some, too
        loss, position = judged.loss, self.position
        if fault := recovery.fault_of_validation(position.recovery, judged.network):
            return fault
        before, health = position.schedule, position.recovery
        after = after_validation(before, judged, position.training)
        self.position = replace(
            position,
            schedule=after,
            heldout_loss=None if self.memorising else loss,
            recovery=recovery.after_validation(health, judged.network, gained=loss < before.best),
        )
        known = {"loss" if self.memorising else "heldout_loss": loss}
        bits = judged.bits_per_character
        yield from self._log(self._record("validation", **known, bits_per_character=bits))
        if loss < self._best:
            yield from self._insist(lambda: checkpoints.save_best(self.position))
            self._best = loss
        if after.scale < before.scale:
            which = "training loss" if self.memorising else "held-out loss"
            note = f"{which} {why_decayed(before, judged, after)}"
            yield from self._log(self._record("decay", note=note))
        for record in watched(self.watch, judged):
            yield from self._log(record)
        return None

    def _average(self, checkpoints: Checkpoints) -> Iterator[Record]:
        """The mean of the last checkpoints becomes the best one if it is better."""
        loss, note = judged_mean(self.folder, self.engine, self.store, self.position, self._best)
        if loss < self._best:
            schedule = replace(self.position.schedule, best=loss)
            position = replace(self.position, heldout_loss=loss, schedule=schedule)
            yield from self._insist(lambda: checkpoints.save_best(position))
        yield from self._log(self._record("average", note=note))

    def _reason_to_end(self) -> str | None:
        position = self.position
        return self.ending.reason(position.step, position.seconds, position.schedule)

    def _since(self) -> tuple[str, int, float]:
        """When checkpoints are written, and steps and seconds since the last one."""
        now, last = self.position, self._saved
        step, seconds = (last.step, last.seconds) if last else (0, 0.0)
        return now.training.save_every, now.step - step, now.seconds - seconds

    def _save(self, checkpoints: Checkpoints) -> Iterator[Record]:
        yield from self._insist(self._journal.sync)
        path = yield from self._insist(lambda: checkpoints.save(self.position))
        self._saved = self.position
        yield from self._log(self._record("checkpoint", note=f"saved {path.name}"))

    def _progress(self, step: recovery.Step) -> Iterator[Record]:
        position, pace = self.position, self._pace
        left = self.ending.seconds_left(position.step, position.seconds, pace.seconds_a_step)
        known = progress(step, pace) | {"heldout_loss": position.heldout_loss, "seconds_left": left}
        record = self._record("progress", **known)
        shown: dict[str, Any] = {
            "next_save": seconds_to_save(*self._since(), pace.seconds_a_step),
            "disk_left": self._disk.bytes(self.folder.path),
        }
        if position.step % _RECORD_EVERY:
            yield replace(record, **shown)
        else:
            yield from self._log(record, **shown)

    def _record(self, kind: str, **known: Any) -> Record:  # noqa: ANN401 - fields of Record
        position = self.position
        if kind == "start":
            known["model"] = position.model.as_dict()
            known["training"] = position.training.as_dict()
        return Record(
            kind,
            position.step,
            seconds=round(position.seconds, 3),
            learning_rate=None if kind in ("stop", "rollback") else self._rate,  # of a step only
            **known,
        )

    def _log(self, record: Record, **shown: Any) -> Iterator[Record]:  # noqa: ANN401 - as above
        """Records, and yields that with what is only shown."""
        yield from self._journal.log(record, **shown)
        if self.watch:
            self.watch.see(record)

    def _insist(self, write: Callable[[], T]) -> Generator[Record, None, T]:
        return (yield from self._journal.insist(write, self._record("pause")))

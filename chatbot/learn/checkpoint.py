"""Weights, optimizer and position <-> the model folder.

Comes in: a network, its optimizer and a position. Goes out: TensorFlow checkpoints, written under
temporary names and renamed by TensorFlow, checksummed by it tensor by tensor. Knows nothing of the
training loop.

Beside the weights every checkpoint holds one text, the position: format number, step, seconds,
schedule, settings, and the digest of the vocabulary its ids belong to. So a checkpoint explains
itself, and weights and position can never disagree. `checkpoints/` keeps the newest few with the
optimizer, for resuming; `best/` keeps the weights with the least held-out loss, for use.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import NO_ROOM, ChatbotError, NoRoomError
from chatbot.folder import ModelFolder
from chatbot.learn.model import Seq2Seq
from chatbot.learn.optimizer import Adam
from chatbot.learn.schedule import Schedule

FORMAT = 2

_POSITION = "position/.ATTRIBUTES/VARIABLE_VALUE"

_NO_ROOM = re.compile("|".join(re.escape(os.strerror(number)) for number in NO_ROOM))

_UNREADABLE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)
"""What TensorFlow raises over a damaged checkpoint; IndexError over a truncated one."""


@dataclass(frozen=True)
class Position:
    """Where a run stands, and what it needs to go on.

    Attributes:
        step: steps done.
        seconds: training time so far.
        schedule: state of the learning rate.
        heldout_loss: of the last validation, nats per token, if there was one.
        vocabulary: digest of the vocabulary.
        size: its entries, V.
        model: settings of the network.
        training: settings of the run.
    """

    step: int
    seconds: float
    schedule: Schedule
    heldout_loss: float | None
    vocabulary: str
    size: int
    model: ModelConfig
    training: TrainingConfig

    def to_json(self) -> str:
        """The position as one line of JSON."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str, where: str) -> Position:
        """What `to_json` gave, read back.

        Raises:
            ChatbotError: another format number or unknown settings.
        """
        values: dict[str, Any] = json.loads(text)
        number = values.pop("format")
        if number != FORMAT:
            raise ChatbotError(
                f"{where}: format {number}, this version reads {FORMAT}. Train anew with --restart."
            )
        schedule = values.pop("schedule")
        schedule["recent"] = tuple(schedule["recent"])
        return cls(
            schedule=Schedule(**schedule),
            model=ModelConfig.from_dict(values.pop("model"), where),
            training=TrainingConfig.from_dict(values.pop("training"), where),
            **values,
        )


class Checkpoints:
    """Writes the checkpoints of one run."""

    def __init__(self, folder: ModelFolder, net: Seq2Seq, optimizer: Adam, keep: int) -> None:
        """Takes what to save, and how many of the newest to keep; removes what kills left."""
        self._text = tf.Variable("", dtype=tf.string, trainable=False)
        whole = tf.train.Checkpoint(model=net, optimizer=optimizer, position=self._text)
        weights = tf.train.Checkpoint(model=net, position=self._text)
        for place in (folder.checkpoints, folder.best):
            _remove_unfinished(place)
        self._newest = _manager(whole, folder.checkpoints, keep)
        self._best = _manager(weights, folder.best, 1)

    def save(self, position: Position) -> Path:
        """Saves everything as the newest checkpoint.

        Raises:
            NoRoomError: the disk is full; it can be saved when there is room.
            ChatbotError: it cannot be written.
        """
        return self._save(self._newest, position)

    def save_best(self, position: Position) -> Path:
        """Saves the weights as the best checkpoint; raises what `save` does."""
        return self._save(self._best, position)

    def _save(self, manager: tf.train.CheckpointManager, position: Position) -> Path:
        self._text.assign(position.to_json())
        try:
            return Path(manager.save(checkpoint_number=position.step))
        except (tf.errors.OpError, OSError) as error:
            _remove_unfinished(Path(manager.directory))
            kind = NoRoomError if _NO_ROOM.search(str(error)) else ChatbotError
            raise kind(
                f"{manager.directory}: cannot save a checkpoint ({_first_line(error)}). Make room "
                "or mend the folder, then run the same command: it resumes from the one before."
            ) from error


def _manager(what: tf.train.Checkpoint, folder: Path, keep: int) -> tf.train.CheckpointManager:
    return tf.train.CheckpointManager(what, str(folder), max_to_keep=keep, checkpoint_name="step")


def _remove_unfinished(folder: Path) -> None:
    """Removes what TensorFlow writes before it renames it."""
    for path in [*folder.glob("step-*_temp"), *folder.glob("step-*.tempstate*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def saved(folder: Path) -> list[Path]:
    """The checkpoints in `checkpoints/` or `best/`, oldest first."""
    names = [path.with_suffix("") for path in folder.glob("step-*.index")]
    steps = [path for path in names if path.name.removeprefix("step-").isdecimal()]
    return sorted(steps, key=lambda path: int(path.name.removeprefix("step-")))


def newest_whole(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint of which all can be read, and what is wrong with each newer one.

    Every byte of a checkpoint is under a checksum of TensorFlow's.

    Raises:
        ChatbotError: there are some, and none is whole.
    """
    damaged: list[str] = []
    for path in reversed(saved(folder)):
        fault = fault_of(path)
        if fault is None:
            return path, damaged
        damaged.append(fault)
    if damaged:
        raise ChatbotError(
            f"{damaged[0]}. None of those there is whole. Train anew with --restart."
        )
    return None, []


def damaged_in(folder: Path) -> list[str]:
    """What is wrong with the checkpoints in a folder that cannot be read."""
    return [fault for path in saved(folder) if (fault := fault_of(path)) is not None]


def fault_of(path: Path) -> str | None:
    """What is wrong with a checkpoint, in words; None if all of it can be read."""
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in [*reader.get_variable_to_shape_map(), _POSITION]:
            reader.get_tensor(name)
    except _UNREADABLE as error:
        return f"{path}: damaged checkpoint ({_first_line(error)})"
    return None


def find_checkpoint(folder: ModelFolder, name: str | None = None) -> Path:
    """The checkpoint to use for replies: the best by held-out loss, else the newest.

    Args:
        folder: the model folder.
        name: another one: `best`, `newest`, a step, or a path.

    Raises:
        ChatbotError: there is none, or none of that name.
    """
    best, newest = saved(folder.best), saved(folder.checkpoints)
    every = [*newest, *best]
    if not every:
        raise ChatbotError(
            f"{folder.path}: no checkpoint yet. Train first: chatbot train --model {folder.path}."
        )
    if name is None:
        return (best or newest)[-1]
    choices = {"best": best, "newest": newest}.get(name)
    if choices is None:
        choices = [path for path in every if path.name == f"step-{name}" or path == Path(name)]
    if not choices:
        there = ", ".join(sorted({path.name.removeprefix("step-") for path in every}))
        raise ChatbotError(f"--checkpoint: no {name!r} in {folder.path}. There: {there}.")
    return choices[-1]


def read_position(path: Path) -> Position:
    """The position inside a checkpoint.

    Raises:
        ChatbotError: the checkpoint cannot be read.
    """
    try:
        text = tf.train.load_checkpoint(str(path)).get_tensor(_POSITION)
    except _UNREADABLE as error:
        raise _damaged(path, error) from error
    return Position.from_json(text.decode(), str(path))


def check_vocabulary(path: Path, position: Position, vocabulary: Vocabulary) -> None:
    """Refuses a checkpoint whose ids mean other words.

    Raises:
        ChatbotError: the vocabulary is not the one the checkpoint was trained with.
    """
    if position.vocabulary != vocabulary.digest:
        raise ChatbotError(
            f"{path}: trained with another vocabulary ({position.size:,} entries) than the one "
            f"beside it ({len(vocabulary):,}). Put the matching vocabulary.txt back, or train anew "
            "with --restart."
        )


def restore(path: Path, net: Seq2Seq, optimizer: Adam | None = None) -> None:
    """Fills a network, and its optimizer if given, from a checkpoint.

    Raises:
        ChatbotError: the checkpoint cannot be read or does not fit.
    """
    what = tf.train.Checkpoint(model=net)
    if optimizer is not None:
        what = tf.train.Checkpoint(model=net, optimizer=optimizer)
    try:
        status = what.read(str(path)).expect_partial()
        status.assert_existing_objects_matched()
    except (*_UNREADABLE, AssertionError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ChatbotError:
    return ChatbotError(
        f"{path}: damaged checkpoint ({_first_line(error)}). Name another one with --checkpoint; "
        "train goes on from the newest that is whole."
    )


def _first_line(error: Exception) -> str:
    """What TensorFlow says, without the name of its node; a long text keeps its end, the reason."""
    text = re.sub(r"\{\{.*?\}\}", "", str(error)).strip().split("\n")[0].strip()
    return text if len(text) <= 160 else f"… {text[-160:]}"

"""Weights, optimizer and position <-> the model folder.

Comes in: a network, its optimizer and a position. Goes out: TensorFlow checkpoints, checksummed by
it tensor by tensor. Knows nothing of the training loop.

Beside the weights every checkpoint holds one text, the position: format number, step, seconds,
schedule, settings, and the digest of the vocabulary its ids belong to. So a checkpoint explains
itself, and weights and position can never disagree. `checkpoints/` keeps the newest few with the
optimizer, for resuming; `best/` keeps the weights with the least judged loss, for use and for a run
that has to go back.

A checkpoint is two files, `step-N.data-00000-of-00001` and `step-N.index`, and stands where its
index does. Both are written under other names, synced and renamed, the index last; only then are
older ones removed, so that at every moment a whole one is on disk, whenever the power is cut.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbot.errors import NO_ROOM, ChatbotError, NoRoomError
from chatbot.folder import ModelFolder, sync, sync_names
from chatbot.learn.bundle import DATA, INDEX
from chatbot.learn.model import Seq2Seq
from chatbot.learn.optimizer import Adam
from chatbot.learn.position import Position
from chatbot.learn.saved import damaged, fault_of, saved, step_of
from chatbot.learn.tf import tf

_UNFINISHED = "unfinished-"

_NO_ROOM = re.compile("|".join(re.escape(os.strerror(number)) for number in NO_ROOM))

_UNREADABLE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)
"""What TensorFlow raises over a damaged checkpoint; IndexError over a truncated one."""


class Checkpoints:
    """Writes the checkpoints of one run; of a worker that is not the chief, none."""

    def __init__(
        self, folder: ModelFolder, net: Seq2Seq, optimizer: Adam, keep: int, *, writes: bool = True
    ) -> None:
        """Takes what to save, and how many of the newest to keep; removes what kills left.

        Args:
            folder: the model folder.
            net: the network.
            optimizer: its optimizer.
            keep: how many of the newest stay.
            writes: whether this process writes; if not, nothing here does anything.
        """
        self._folder, self._keep, self._writes = folder, keep, writes
        self._text = tf.Variable("", dtype=tf.string, trainable=False)
        self._whole = tf.train.Checkpoint(model=net, optimizer=optimizer, position=self._text)
        self._weights = tf.train.Checkpoint(model=net, position=self._text)
        for place in (folder.checkpoints, folder.best) if writes else ():
            _remove_unfinished(place)

    def save(self, position: Position) -> Path:
        """Saves everything as the newest checkpoint.

        Raises:
            NoRoomError: the disk is full; it can be saved when there is room.
            ChatbotError: it cannot be written.
        """
        return self._save(self._whole, self._folder.checkpoints, position, self._keep)

    def save_best(self, position: Position) -> Path:
        """Saves the weights as the best checkpoint; raises what `save` does."""
        return self._save(self._weights, self._folder.best, position, 1)

    def drop_after(self, step: int) -> None:
        """Removes the checkpoints of later steps; the best one stays.

        Raises:
            ChatbotError: one cannot be removed.
        """
        if not self._writes:
            return
        with _writing(self._folder.checkpoints):
            for path in reversed(saved(self._folder.checkpoints)):
                if step_of(path) > step:
                    _remove(path)

    def _save(self, what: tf.train.Checkpoint, folder: Path, position: Position, keep: int) -> Path:
        final = folder / f"step-{position.step}"
        if not self._writes:
            return final
        self._text.assign(position.to_json())
        with _writing(folder):
            folder.mkdir(exist_ok=True)  # the model folder itself has to be there
            temporary = folder / f"{_UNFINISHED}{final.name}"
            _put_in_place(Path(what.write(str(temporary))), final)
            others = [path for path in saved(folder) if path != final]
            for path in others[: max(0, len(others) + 1 - keep)]:
                _remove(path)
        return final


def _put_in_place(temporary: Path, final: Path) -> None:
    """Gives a finished checkpoint its name, after it is on disk."""
    for suffix in (DATA, INDEX):
        sync(_file(temporary, suffix))
    # One of the same step goes first; a kill in between leaves a whole one to `finish_saves`.
    _file(final, INDEX).unlink(missing_ok=True)
    for suffix in (DATA, INDEX):
        _file(temporary, suffix).replace(_file(final, suffix))
    sync_names(final.parent)


def finish_saves(folder: ModelFolder) -> None:
    """Gives its name to a checkpoint that was whole when a kill came between its last steps.

    Raises:
        ChatbotError: the folder cannot be written.
    """
    for place in (folder.checkpoints, folder.best):
        for index in place.glob(f"{_UNFINISHED}step-*{INDEX}"):
            temporary = index.with_suffix("")
            final = place / temporary.name.removeprefix(_UNFINISHED)
            if _file(final, INDEX).exists():
                continue
            with _writing(place):
                if _file(temporary, DATA).exists():
                    _file(temporary, DATA).replace(_file(final, DATA))
                index.replace(_file(final, INDEX))
                if fault_of(final) is not None:
                    _remove(final)


def _remove(path: Path) -> None:
    for suffix in (INDEX, DATA):
        _file(path, suffix).unlink(missing_ok=True)


def _file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tells of a checkpoint that cannot be written in one line, and removes what there is of it."""
    try:
        yield
    except (tf.errors.OpError, OSError) as error:
        _remove_unfinished(folder)
        kind = NoRoomError if _NO_ROOM.search(str(error)) else ChatbotError
        raise kind(
            f"{folder}: cannot save a checkpoint ({_first_line(error)}). Make room or mend the "
            "folder, then run the same command: it resumes from the one before."
        ) from error


def _remove_unfinished(folder: Path) -> None:
    """Removes what was written and not given its name, and data without an index.

    Also what earlier versions left, who had TensorFlow name checkpoints.
    """
    unfinished = [*folder.glob(f"{_UNFINISHED}*"), *folder.glob("step-*_temp")]
    unfinished += [*folder.glob("step-*.tempstate*"), *folder.glob("checkpoint")]
    unfinished += [
        path
        for path in folder.glob(f"step-*{DATA}")
        if not path.with_name(path.name.removesuffix(DATA) + INDEX).exists()
    ]
    for path in unfinished:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


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
        raise damaged(path, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    """What TensorFlow says, without the name of its node; a long text keeps its end, the reason."""
    text = re.sub(r"\{\{.*?\}\}", "", str(error)).strip().split("\n")[0].strip()
    return text if len(text) <= 160 else f"… {text[-160:]}"

"""The checkpoints in a model folder: which are there, which are whole, where each stands.

Comes in: a model folder. Goes out: the checkpoint to use or to go on from, and the position and the
vocabulary that belong to it. Nothing here needs TensorFlow; `checkpoint` writes, and fills a
network.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.bundle import Bundle, DamagedError
from chatbot.learn.position import Position

T = TypeVar("T")

_POSITION = "position/.ATTRIBUTES/VARIABLE_VALUE"


def saved(folder: Path) -> list[Path]:
    """The checkpoints in `checkpoints/` or `best/`, oldest first."""
    names = [path.with_suffix("") for path in folder.glob("step-*.index")]
    steps = [path for path in names if path.name.removeprefix("step-").isdecimal()]
    return sorted(steps, key=step_of)


def step_of(path: Path) -> int:
    """The step that a checkpoint was saved at."""
    return int(path.name.removeprefix("step-"))


def newest_whole(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint of which all can be read, and what is wrong with each newer one.

    Every byte of a checkpoint is under a checksum.

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
        bundle = Bundle(path)
        bundle.check()
        bundle.text(_POSITION)
    except (OSError, DamagedError) as error:
        return f"{path}: damaged checkpoint ({_reason(error)})"
    return None


def find_checkpoint(folder: ModelFolder, name: str | None = None) -> tuple[Path, list[str]]:
    """The checkpoint to use for replies, and what is wrong with those that would have come before.

    It is the best by held-out loss, else the newest; of these the first that is whole. The best of
    a run without held-out pairs is there for a run that has to go back: such a bot is to know its
    pairs by heart, and the newest knows them best.

    Args:
        folder: the model folder.
        name: another one, whole or not: `best`, `newest`, a step, or a path.

    Raises:
        ChatbotError: there is none, none of that name, or none is whole.
    """
    best, newest = saved(folder.best), saved(folder.checkpoints)
    every = [*newest, *best]
    if not every:
        raise ChatbotError(
            f"{folder.path}: no checkpoint yet. Train first: chatbot train --model {folder.path}."
        )
    if name is not None:
        return _named(name, best, newest, folder), []
    faults: list[str] = []
    for path in reversed([*newest, *best]):
        fault = fault_of(path)
        if fault is None and (path not in best or read_position(path).heldout_loss is not None):
            return path, faults
        faults += [fault] if fault else []
    if faults:
        raise ChatbotError(f"{faults[0]}. None is whole. Train anew with --restart.")
    return best[-1], []


def _named(name: str, best: list[Path], newest: list[Path], folder: ModelFolder) -> Path:
    every = [*newest, *best]
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
    return Position.from_json(read(path, lambda bundle: bundle.text(_POSITION)).decode(), str(path))


def read(path: Path, what: Callable[[Bundle], T]) -> T:
    """What a function reads of a checkpoint.

    Raises:
        ChatbotError: the checkpoint cannot be read.
    """
    try:
        return what(Bundle(path))
    except (OSError, DamagedError) as error:
        raise damaged(path, _reason(error)) from error


def check_vocabulary(path: Path, position: Position, vocabulary: Vocabulary) -> None:
    """Refuses a checkpoint whose ids mean other words.

    Raises:
        ChatbotError: the vocabulary is not the one the checkpoint was trained with.
    """
    if position.vocabulary != vocabulary.digest:
        raise ChatbotError(
            f"{path}: trained with another vocabulary ({position.size:,} entries) than the one "
            f"beside it ({len(vocabulary):,}). Go on with this one with train --extend, put the "
            "matching vocabulary.txt back, or train anew with --restart."
        )


def vocabulary_of(position: Position, folder: ModelFolder) -> Vocabulary:
    """The vocabulary a checkpoint was trained with, if it is kept; else the one that stands.

    Raises:
        ChatbotError: it is damaged.
    """
    earlier = folder.earlier_vocabulary(position.vocabulary)
    return Vocabulary.load(earlier if earlier.exists() else folder.vocabulary)


def user_dict_of(folder: ModelFolder, vocabulary: Vocabulary) -> Path | None:
    """The user's words for the segmenter that a vocabulary was built with, None for none.

    Raises:
        ChatbotError: they are not in the folder, or they are others.
    """
    recorded = vocabulary.config.user_dict
    if recorded is None:
        return None
    try:
        checksum = f"{zlib.crc32(folder.user_dict.read_bytes()):08x}"
    except OSError as error:
        raise ChatbotError(
            f"{folder.user_dict}: cannot be read ({error.strerror}). Put the file back that the "
            "vocabulary was built with."
        ) from error
    if not recorded.endswith(f" {checksum}"):
        raise ChatbotError(
            f"{folder.user_dict}: not the words that the vocabulary was built with ({recorded}). "
            "Put these back."
        )
    return folder.user_dict


def damaged(path: Path, reason: str) -> ChatbotError:
    """What is said of a checkpoint that cannot be read."""
    return ChatbotError(
        f"{path}: damaged checkpoint ({reason}). Name another one with --checkpoint; train goes on "
        "from the newest that is whole."
    )


def _reason(error: OSError | DamagedError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

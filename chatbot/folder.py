"""What stands where in a model folder.

Comes in: the folder that `--model` names. Goes out: the paths of the files in it, and whether a
model was trained there. Knows nothing of what the files hold.

    model/
      vocabulary.txt     corpus/vocabulary.py
      pairs.store        corpus/store.py: a file, or a folder of shards
      segmented/         corpus/segmented.py: the corpus in words, for --add
      user-dict.txt      the user's words for the segmenter, as they were brought
      earlier/           vocabularies that checkpoints here were trained with, for --extend
      checkpoints/       learn/checkpoint.py: the newest few
      best/              learn/checkpoint.py: the one with the least held-out loss
      history.jsonl      history.py
      suspects.txt       learn/mending.py: the pairs of the step that went wrong last
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import ChatbotError


@dataclass(frozen=True)
class ModelFolder:
    """The paths in a model folder."""

    path: Path

    @property
    def vocabulary(self) -> Path:
        """The vocabulary file."""
        return self.path / "vocabulary.txt"

    @property
    def store(self) -> Path:
        """The token store."""
        return self.path / "pairs.store"

    @property
    def replies(self) -> Path:
        """The index of the training pairs' replies, of a large store."""
        return self.path / "replies.index"

    @property
    def segmented(self) -> Path:
        """The folder of the segmented corpus."""
        return self.path / "segmented"

    @property
    def user_dict(self) -> Path:
        """The user's words for the segmenter."""
        return self.path / "user-dict.txt"

    @property
    def checkpoints(self) -> Path:
        """The folder of the newest checkpoints."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The folder of the best checkpoint."""
        return self.path / "best"

    @property
    def history(self) -> Path:
        """The record of the training run."""
        return self.path / "history.jsonl"

    @property
    def suspects(self) -> Path:
        """The pairs of the step that went wrong last."""
        return self.path / "suspects.txt"

    @property
    def earlier(self) -> Path:
        """The folder of the vocabularies that checkpoints here were trained with."""
        return self.path / "earlier"

    def earlier_vocabulary(self, digest: str) -> Path:
        """Where a vocabulary of this digest is kept while another one stands in its place."""
        return self.earlier / f"vocabulary-{digest[:16]}.txt"

    @property
    def of_training(self) -> tuple[Path, ...]:
        """What a training run leaves: folders and files that go when it is given up."""
        return (self.checkpoints, self.best, self.earlier, self.history, self.suspects)

    @property
    def trained(self) -> bool:
        """Whether checkpoints stand here."""
        return any(self.checkpoints.glob("*.index")) or any(self.best.glob("*.index"))

    def forget_training(self) -> None:
        """Removes checkpoints and history; the vocabulary and the store stay.

        Raises:
            ChatbotError: a file cannot be removed.
        """
        try:
            for path in self.of_training:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise ChatbotError(
                f"{error.filename}: cannot be removed ({error.strerror}). Mend the folder, or "
                "choose another with --model."
            ) from error


def bytes_in(path: Path) -> int:
    """The size of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def put_in_place(temporary: Path, final: Path) -> None:
    """Syncs a finished file to disk and renames it, so that no half file is ever seen."""
    sync(temporary)
    temporary.replace(final)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file whole or, if that fails, not at all: what was there before stays.

    What is no plain file, such as a pipe or a device, is written to as it is.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    final = path.resolve()  # a link stays one
    temporary = final.with_name(final.name + ".tmp")
    try:
        temporary.write_bytes(data)
        put_in_place(temporary, final)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Waits until a file is on disk."""
    with path.open("r+b") as file:  # Windows syncs no file that is open for reading only
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Waits until the names in a folder are on disk, where the system can do that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)

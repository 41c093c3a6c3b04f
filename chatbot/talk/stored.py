"""What a bot needs of what was trained: settings, weights, counts; from a checkpoint or one file.

Comes in: a checkpoint, or a file that `write` made. Goes out: position, weights and n-grams; and
such a file. It is a zip archive: `bot.json`, the vocabulary, the user's words for the segmenter if
there are any, the counts of n-grams, and every variable as an `.npy`. With int8 a matrix is one
byte a number and besides a scale for each row or column, whichever there are more of (the longest
of which is 127), so that weights take a quarter of the room; in memory they are float32 again.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, write_whole
from chatbot.learn import saved
from chatbot.learn.bundle import Bundle
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.position import Position
from chatbot.talk.network import Weights

FORMAT = 1

_UNREADABLE = (
    *(OSError, zipfile.BadZipFile, zlib.error, EOFError),
    *(KeyError, ValueError, TypeError, RuntimeError),
)
"""What the reading of an archive raises that is damaged, or none of ours."""

_COUNTS = "model/mixture/counts/.ATTRIBUTES/py_state"
_FACTS, _NGRAMS, _WEIGHTS = "bot.json", "ngrams.bin", "weights/"
_SMALLEST = 4_096
"""Numbers in a matrix below which it stays as it is."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of all that is in a file, so that the same bot gives the same bytes."""


class Stored(NamedTuple):
    """What was trained.

    Attributes:
        position: where its training stood.
        weights: the variables of the network.
        counts: the counts of n-grams as they are stored, empty for none.
    """

    position: Position
    weights: Weights
    counts: bytes

    @property
    def ngrams(self) -> Ngrams | None:
        """The counts of n-grams."""
        return Ngrams.from_bytes(self.counts) if self.counts else None


def read(path: Path) -> Stored:
    """What is in a checkpoint, or in a bot in one file.

    Raises:
        ChatbotError: it cannot be read.
    """
    if not path.is_file():
        position = saved.read_position(path)
        return saved.read(path, lambda bundle: of_checkpoint(bundle, position))
    with _opened(path) as archive:
        facts = _facts(archive, path)
        position = Position.from_json(json.dumps(facts["position"]), str(path))
        counts = archive.read(_NGRAMS) if _NGRAMS in archive.namelist() else b""
        return Stored(position, dict(_arrays(archive)), counts)


def of_checkpoint(bundle: Bundle, position: Position) -> Stored:
    """What is in a checkpoint.

    Raises:
        ChatbotError: the counts of n-grams are missing.
    """
    weights = {path: bundle.array(name) for path, name in bundle.variables("model").items()}
    counts = b""
    if "mixture/weight" in weights:
        counts = bundle.text(_COUNTS) if _COUNTS in bundle else b""
        if not counts:
            raise ChatbotError("the counts of n-grams are missing. Train anew with --restart.")
    return Stored(position, weights, counts)


def files(folder: ModelFolder, vocabulary: Vocabulary) -> dict[str, bytes]:
    """What a bot's text is cut by, by the names of the files in a model folder."""
    found = {folder.vocabulary.name: vocabulary.to_bytes()}
    if user_dict := saved.user_dict_of(folder, vocabulary):
        found[user_dict.name] = user_dict.read_bytes()
    return found


@contextmanager
def unpacked(path: Path) -> Iterator[ModelFolder]:
    """The vocabulary and the user's words of a bot in one file, as in a model folder.

    Raises:
        ChatbotError: it cannot be read.
    """
    with TemporaryDirectory(prefix="chatbot-") as name:
        folder = ModelFolder(Path(name))
        with _opened(path) as archive:
            _facts(archive, path)
            for file in (folder.vocabulary, folder.user_dict):
                if file.name in archive.namelist():
                    file.write_bytes(archive.read(file.name))
        yield folder


def write(path: Path, stored: Stored, files: Mapping[str, bytes], *, int8: bool = False) -> None:
    """Writes a bot into one file, whole or not at all.

    Args:
        path: the file.
        stored: what was trained.
        files: the vocabulary, and the user's words if there are any, by their names in a folder.
        int8: whether large matrices are rounded to bytes.

    Raises:
        OSError: the file cannot be written.
    """
    position = json.loads(stored.position.to_json())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            _put(archive, name, data)
        if stored.counts:
            _put(archive, _NGRAMS, stored.counts)
        for name, values in sorted(stored.weights.items()):
            for part, array in _parts(values, int8=int8).items():
                packed = io.BytesIO()
                np.save(packed, array)
                # Weights hardly shrink, and are read at once where they are not compressed.
                _put(archive, f"{_WEIGHTS}{name}{part}.npy", packed.getvalue(), zipfile.ZIP_STORED)
        facts = {"chatbot": FORMAT, "int8": int8, "position": position}
        facts["members"] = _members(archive)
        _put(archive, _FACTS, json.dumps(facts, ensure_ascii=False).encode())
    write_whole(path, buffer.getvalue())


def _parts(values: NDArray[np.float32], *, int8: bool) -> dict[str, NDArray[np.generic]]:
    """What a variable is stored as, by what its name ends in."""
    if not int8 or values.ndim != 2 or values.size < _SMALLEST:
        return {"": values}
    axis = 1 if len(values) >= values.shape[1] else 0
    scales = np.abs(values).max(axis, keepdims=True) / 127
    rounded = np.rint(values / np.where(scales, scales, 1)).astype(np.int8)
    return {".int8": rounded, ".scales": scales.astype(np.float32)}


def _arrays(archive: zipfile.ZipFile) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every variable with its name."""
    for member in archive.namelist():
        name = member.removeprefix(_WEIGHTS).removesuffix(".npy")
        if not member.startswith(_WEIGHTS) or name.endswith(".scales"):
            continue
        values = np.load(io.BytesIO(archive.read(member)))
        if name.endswith(".int8"):
            name = name.removesuffix(".int8")
            scales = np.load(io.BytesIO(archive.read(f"{_WEIGHTS}{name}.scales.npy")))
            values = values.astype(np.float32) * scales
        yield name, values


def _put(
    archive: zipfile.ZipFile, name: str, data: bytes, kind: int = zipfile.ZIP_DEFLATED
) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, kind)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A bot in one file; every byte that is read is under a checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _UNREADABLE as error:
        raise ChatbotError(
            f"{path}: cannot be read as a bot in one file ({error}). Give the folder of a model, "
            "or a file that chatbot export wrote."
        ) from error


def _facts(archive: zipfile.ZipFile, path: Path) -> dict[str, object]:
    """What `bot.json` says."""
    if _FACTS not in archive.namelist():
        raise ValueError("it holds no bot")
    facts: dict[str, object] = json.loads(archive.read(_FACTS))
    if facts["chatbot"] != FORMAT:
        raise ChatbotError(
            f"{path}: format {facts['chatbot']}, this version reads {FORMAT}. Export it anew."
        )
    if facts["members"] != _members(archive):
        raise ValueError("its table of contents is damaged")
    return facts


def _members(archive: zipfile.ZipFile) -> dict[str, int]:
    """All that is in an archive but `bot.json`, with its checksum.

    The names of the archive's own table are under none.
    """
    return {one.filename: one.CRC for one in archive.infolist() if one.filename != _FACTS}

"""From names on the command line to corpus files.

Comes in: files, folders, `-`. Goes out: sources in a fixed order, each once. Knows nothing of what
is in them.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Self

from chatbot.corpus.files.sources import (
    STANDARD_INPUT,
    Source,
    is_corpus,
    opened_source,
    plain_source,
    write_copy,
)
from chatbot.errors import ChatbotError


class Spool:
    """Standard input, kept in a temporary file for as long as it is open.

    A corpus is read several times, standard input only once. Nothing is read before `path` is
    called; the file is removed when the block is left.
    """

    def __init__(self, stream: IO[bytes] | None = None) -> None:
        """Takes what to read, standard input if nothing is given."""
        self._stream = stream
        self._path: Path | None = None

    def __enter__(self) -> Self:
        """Reads nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def path(self) -> Path:
        """The file, written at the first call.

        Raises:
            ChatbotError: it cannot be written.
        """
        if self._path is None:
            handle, name = tempfile.mkstemp(prefix="chatbot-", suffix=".input")
            os.close(handle)
            self._path = Path(name)
            stream = self._stream or sys.stdin.buffer
            if stream.isatty():  # where the end has to be typed again for every read after it
                stream = io.BytesIO(stream.read())
            write_copy(stream, self._path, STANDARD_INPUT)
        return self._path


def find_sources(names: Sequence[Path | str], spool: Spool | None = None) -> list[Source]:
    """The corpus files behind files, folders and `-`, each once.

    A folder stands for all files in it and below, sorted by path, linked folders included; hidden
    files, READMEs and licences in a folder are not corpora. A file named outright is always taken.
    An archive stands for its members, as a folder for its files. Sources know whether they were
    named outright.

    Raises:
        ChatbotError: a name that does not exist, folders without a single corpus, or an archive
            that cannot be read.
    """
    found: dict[tuple[str, int], Source] = {}
    for name in names:
        for source in _sources(name, spool):
            first = found.setdefault(source.place, source)
            if source.named and not first.named:
                found[source.place] = replace(first, named=True)
    if not found:
        places = ", ".join(str(name) for name in names)
        raise ChatbotError(
            f"{places}: no corpus found. Put a file of conversations there, one question<TAB>reply "
            "a line, or name one: chatbot build-vocab FILE."
        )
    return list(found.values())


def _sources(given: Path | str, spool: Spool | None) -> Iterator[Source]:
    name = Path(given)
    if str(given) == "-":
        if spool is None:
            raise ChatbotError(
                f"{STANDARD_INPUT}: a corpus is read twice. Save it to a file first."
            )
        yield from opened_source(
            replace(plain_source(spool.path()), name=STANDARD_INPUT, named=True)
        )
    elif name.is_dir():
        for path in sorted(_files_below(name)):
            yield from opened_source(plain_source(path))
    elif name.is_file():
        yield from opened_source(replace(plain_source(name), named=True))
    elif name.exists():
        raise ChatbotError(
            f"{name}: not a regular file, and a corpus is read twice. Save it to a file first."
        )
    else:
        raise ChatbotError(
            f"{name}: no such file or folder. Name a file of conversations, or put one in data/."
        )


def _files_below(folder: Path) -> Iterator[Path]:
    """The corpora in a folder and below; no folder is entered twice, whatever links to it."""
    visited = set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_unreadable):
        real = os.path.realpath(place)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders.sort()
        for name in files:
            path = Path(place) / name
            if is_corpus(path.relative_to(folder)) and path.is_file():
                yield path


def _unreadable(error: OSError) -> None:
    raise ChatbotError(
        f"{error.filename}: cannot be read ({error.strerror}). Check the folder."
    ) from error

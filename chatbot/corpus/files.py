"""From names on the command line to lines of text.

Comes in: files and folders, plain or gzip, UTF-8. Goes out: the corpus files in a fixed order, and
their lines with numbers. Knows nothing of formats: what a line means is `pairs`' affair.

A line ends at a line feed and nowhere else (stray carriage returns and Unicode line separators
occur inside real lines). Lines with bytes that are not UTF-8 are handed on as None, so that they
can be counted; a file that is mostly not UTF-8, or binary, is refused.
"""

from __future__ import annotations

import gzip
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from chatbot.errors import ChatbotError

SAMPLE_LINES = 1000
"""Lines looked at to recognise a format or to refuse a foreign encoding."""

_LONGEST_LINE = 1 << 20
_BOM = b"\xef\xbb\xbf"
_NOT_CORPORA = re.compile(r"(readme|licen[cs]e|copying|changelog|notice)(?![a-z_])", re.IGNORECASE)


def find_files(names: Sequence[Path]) -> list[Path]:
    """The corpus files behind files and folders, each once.

    A folder stands for all files in it and below, sorted by path; hidden files, READMEs and
    licences in a folder are not corpora. A file named outright is always taken.

    Raises:
        ChatbotError: a name that does not exist, or folders without a single corpus.
    """
    found: dict[Path, Path] = {}
    for name in names:
        if name.is_dir():
            inside = sorted(path for path in name.rglob("*") if _is_corpus(path, name))
        elif name.is_file():
            inside = [name]
        elif name.exists():
            raise ChatbotError(
                f"{name}: not a regular file, and a corpus is read twice. Save it to a file first."
            )
        else:
            raise ChatbotError(
                f"{name}: no such file or folder. Name a file of conversations, or put one in "
                "data/."
            )
        for path in inside:
            found.setdefault(path.resolve(), path)
    if not found:
        places = ", ".join(str(name) for name in names)
        raise ChatbotError(
            f"{places}: no corpus found. Put a file of conversations there, one question<TAB>reply "
            "a line, or name one: chatbot build-vocab FILE."
        )
    return list(found.values())


def _is_corpus(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and not _NOT_CORPORA.match(path.name)


def read_lines(path: Path) -> Iterator[tuple[int, str | None]]:
    """The lines of a text file with their numbers from 1, without their line feed.

    A line that is not UTF-8 comes as None. A byte order mark is removed.

    Raises:
        ChatbotError: the file cannot be read, is binary, or has a line over 1 MiB.
    """
    try:
        with _open_bytes(path) as file:
            for number, raw in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), 1):
                if len(raw) > _LONGEST_LINE:
                    raise ChatbotError(
                        f"{path}:{number}: line over 1 MiB. Give one utterance or pair a line."
                    )
                if b"\0" in raw:
                    raise ChatbotError(
                        f"{path}:{number}: binary data. Name text files only (UTF-8, plain or .gz)."
                    )
                yield number, _decode(raw.removeprefix(_BOM) if number == 1 else raw)
    except (OSError, EOFError, zlib.error) as error:
        raise ChatbotError(f"{path}: cannot be read ({error}). Check the file.") from error


def sample_lines(path: Path) -> list[str]:
    """The first `SAMPLE_LINES` lines that are not blank, to recognise a format by.

    Raises:
        ChatbotError: as `read_lines`; also an empty file, and one that is mostly not UTF-8.
    """
    taken = list(itertools.islice(read_lines(path), SAMPLE_LINES))
    lines = [line for _, line in taken if line is not None and line.strip()]
    bad = [number for number, line in taken if line is None]
    if len(bad) > len(taken) / 10:
        raise ChatbotError(
            f"{path}:{bad[0]}: not UTF-8. Convert it first, for Chinese often: "
            f"iconv -f gb18030 -t utf-8 {path.name} > utf8-{path.name}"
        )
    if not lines:
        raise ChatbotError(f"{path}: empty file. Put conversations in it, or remove it.")
    return lines


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


def _decode(raw: bytes) -> str | None:
    try:
        return raw.removesuffix(b"\n").decode("utf-8")
    except UnicodeDecodeError:
        return None

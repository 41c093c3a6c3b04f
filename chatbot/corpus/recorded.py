"""Settings as the files of a build record them, and settings to add to a build with.

Comes in: settings in which files are named by their paths, or those that a segmented corpus was
made with. Goes out: settings in which files are named by their names and checksums; settings that
agree with what stands in a folder. Knows nothing of pairs.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.pairs import recordable
from chatbot.corpus.segmented import read_manifest, stored_settings
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.settings import option_of


def recorded(config: CorpusConfig, cleaning: CleaningConfig) -> tuple[CorpusConfig, CleaningConfig]:
    """The settings as files record them: instead of a path, the name and CRC-32 of what it names.

    Raises:
        ChatbotError: a file that is named cannot be read.
    """
    if config.user_dict is not None:
        config = dataclasses.replace(config, user_dict=named(Path(config.user_dict)))
    if cleaning.block_list is not None:
        cleaning = dataclasses.replace(cleaning, block_list=named(Path(cleaning.block_list)))
    return config, cleaning


def named(path: Path) -> str:
    """What is recorded of a file that settings name: its name without folders, and its CRC-32.

    Raises:
        ChatbotError: it cannot be read.
    """
    try:
        return f"{recordable(path.name)} {zlib.crc32(path.read_bytes()):08x}"
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error


def settings_to_add_with(
    folder: ModelFolder,
    corpus: Mapping[str, Any],
    cleaning: Mapping[str, Any],
    vocab: Path | None = None,
) -> tuple[CorpusConfig, CleaningConfig]:
    """The settings to add corpora with: those the folder was built with, and what may change.

    Args:
        folder: the model folder.
        corpus: settings of `CorpusConfig` asked for now.
        cleaning: those of `CleaningConfig`.
        vocab: the vocabulary that is brought now, if any; it may be another than before.

    Raises:
        ChatbotError: nothing can be added to, or a setting cannot change.
    """
    if not (folder.segmented / "manifest").exists():
        raise ChatbotError(
            f"{folder.path}: no segmented corpus to add to. Build from all files first: chatbot "
            f"build-vocab FILE... --model {folder.path}."
        )
    stored, cleaned = stored_settings(folder.segmented)
    anew = "without --add"
    for name, given, before in (
        ("user_dict", corpus, stored.user_dict),
        ("block_list", cleaning, cleaned.block_list),
    ):
        if given.get(name) is not None and named(Path(given[name])) != before:
            way = f"with {before}, which cannot change. Give the same file"
            if before is None:
                way = "without one, which cannot change. Leave the option out"
            raise ChatbotError(
                f"{option_of(name)} {given[name]}: what stands in {folder.path} began {way}, or "
                f"build anew {anew}."
            )
    if cleaned.block_list is not None and cleaning.get("block_list") is None:
        raise ChatbotError(
            f"--block-list: what stands in {folder.path} was built with {cleaned.block_list}. Give "
            "the same file again."
        )
    if vocab is None and (before := read_manifest(folder.segmented).get("vocab")):
        raise ChatbotError(
            f"--vocab: what stands in {folder.path} was built with {before}. Give it again, or "
            f"another, or build anew {anew}."
        )
    if stored.user_dict is not None:
        check_words(folder.user_dict, stored.user_dict)
    files = {"user_dict", "block_list"}
    corpus = {name: value for name, value in corpus.items() if name not in files}
    config = CorpusConfig.resumed(stored, corpus, anew)
    path = cleaning.get("block_list")
    rest = {name: value for name, value in cleaning.items() if name not in files}
    return config, dataclasses.replace(CleaningConfig.resumed(cleaned, rest, anew), block_list=path)


def check_words(path: Path, before: str) -> None:
    """Refuses words of the user's that are not those the corpus was cut with."""
    if named(path).split(" ")[-1] != before.split(" ")[-1]:
        raise ChatbotError(
            f"{path}: not the words that the corpus was cut with ({before}). Put these back, or "
            "build from all files again, without --add."
        )

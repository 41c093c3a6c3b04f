"""Segmented corpora that were made apart, brought together.

Comes in: the model folders of builds over parts of a corpus, on other machines perhaps. Goes out:
one segmented corpus with the pairs of all, as if one build had read all their files in this order;
no text is cut again. Memory holds one list of words and one writing of pairs. Knows nothing of
vocabularies or of stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.recorded import check_words
from chatbot.corpus.repeats import AllHashes
from chatbot.corpus.segmented import Progress, Segmented, read_manifest, stored_settings
from chatbot.corpus.words import words_of
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.settings import Config, option_of


def merge(
    parts: Sequence[ModelFolder],
    into: Segmented,
    hashes: AllHashes,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Puts the pairs of some builds behind those of a segmented corpus.

    Args:
        parts: the folders of the builds, in the order that their files shall have.
        into: what they go to; its settings must be those of the parts.
        hashes: where the hashes of all pairs go.
        progress: told now and then how far it is.

    Raises:
        ChatbotError: the segmented corpus of a part is damaged, or has pairs of another one.
    """
    total = sum(sum(read_manifest(part.segmented)["rows"]) for part in parts)
    for part in parts:
        found = Segmented.open(part.segmented)
        _append(found, into, hashes, lambda: progress(_so_far(into, total)))
        into.census.add(found.census)
        for facts in found.files:
            if facts.pairs and facts in into.files:
                raise ChatbotError(
                    f"{part.path}: its pairs of {facts.name} are there already, from a part "
                    "before. Name each part once, and build no two of the same file."
                )
            into.files.append(facts)


def _so_far(into: Segmented, total: int) -> Progress:
    return Progress("merging", into.spill.pairs, into.spill.pairs, total)


def _append(found: Segmented, into: Segmented, hashes: AllHashes, told: Callable[[], None]) -> None:
    """Appends the pairs of one segmented corpus, their words in the ids of the other."""
    files, pairs, generation = len(into.files), into.spill.pairs, -1
    for writing in found.spill.writings(with_ids=True):
        if writing.generation != generation:
            generation = writing.generation
            mapping = into.words.add(words_of(found.folder, generation))
        rows = writing.rows.copy()
        rows["file"] += files
        rows["serial"] += pairs
        part = (writing.places >> np.uint64(32)).astype(np.int64)
        places = into.spill.add(into.words.generation, part, rows, mapping[writing.ids])
        hashes.add(rows, places)
        told()


def settings_to_merge_with(
    parts: Sequence[ModelFolder], corpus: Mapping[str, Any], cleaning: Mapping[str, Any]
) -> tuple[CorpusConfig, CleaningConfig]:
    """The settings of a merge: those that all parts were built with, and what may change.

    Args:
        parts: the folders of the builds.
        corpus: settings of `CorpusConfig` that are asked for now.
        cleaning: those of `CleaningConfig`.

    Raises:
        ChatbotError: a part has no segmented corpus, or was built with other settings than the
            first one, or a setting cannot change.
    """
    first, *others = (_stored(part) for part in parts)
    for part, stored in zip(parts[1:], others, strict=True):
        for before, mine, asked in zip(first, stored, (corpus, cleaning), strict=True):
            _check_alike(before, mine, asked, parts[0], part)
    anew = "by building every part again"
    return (
        CorpusConfig.resumed(first[0], corpus, anew),
        CleaningConfig.resumed(first[1], cleaning, anew),
    )


def _stored(part: ModelFolder) -> tuple[CorpusConfig, CleaningConfig]:
    """The settings that a part was built with."""
    if not (part.segmented / "manifest").exists():
        raise ChatbotError(
            f"{part.path}: no segmented corpus to merge. Build this part with chatbot build-vocab "
            f"FILE... --model {part.path}, which keeps one unless --no-keep-segmented is given."
        )
    if brought := read_manifest(part.segmented).get("vocab"):
        raise ChatbotError(
            f"{part.path}: built with --vocab {brought.rpartition(' ')[0]}. Build the parts "
            "without it, and give it to the merge."
        )
    settings = stored_settings(part.segmented)
    if (user_dict := settings[0].user_dict) is not None:
        check_words(part.user_dict, user_dict)
    return settings


def _check_alike(
    before: Config, mine: Config, asked: Mapping[str, Any], first: ModelFolder, part: ModelFolder
) -> None:
    """Refuses settings of a part that are not those of the first one and are not chosen anew."""
    for field in fields(before):  # type: ignore[arg-type]
        one, other = getattr(before, field.name), getattr(mine, field.name)
        free = field.name in asked and not field.metadata["fixed"]
        if one != other and not free:
            way = "" if field.metadata["fixed"] else f", or choose now with {option_of(field.name)}"
            raise ChatbotError(
                f"{part.path}: built with {option_of(field.name)} {other}, {first.path} with "
                f"{one}. Build both with the same{way}."
            )

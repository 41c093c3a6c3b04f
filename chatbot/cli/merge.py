"""`chatbot merge`: builds over parts of a corpus -> one vocabulary and token store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from chatbot.cli.corpora import (
    Opened,
    building_options,
    check_building,
    conclude,
    explicit_settings,
    note_effort,
    progress_line,
)
from chatbot.cli.options import check_folder, given, model_option, settings_options
from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.folder import ModelFolder


@click.command()
@click.argument(
    "parts", nargs=-1, required=True, metavar="PART...", type=click.Path(path_type=Path)
)
@model_option
@settings_options(CorpusConfig, *CorpusConfig.free())
@settings_options(CleaningConfig, *CleaningConfig.free())
@building_options
def merge(
    parts: tuple[Path, ...],
    model: Path,
    vocab: Path | None,
    keep_segmented: bool,
    shards: int,
    restart: bool,
    extend: bool,
    **settings: Any,  # noqa: ANN401 - those of CorpusConfig and CleaningConfig that may change
) -> None:
    """Put builds over parts of a corpus together, as if one build had read it all.

    PART are model folders that build-vocab wrote, on other machines perhaps, each from other files.
    Vocabulary and store are the same, to the byte, as those of one build that is given all files in
    this order; no text is cut again.
    """
    from chatbot.corpus.building import Sources, build
    from chatbot.corpus.merging import settings_to_merge_with

    check_building(vocab, given(settings, CorpusConfig), contradiction=restart and extend)
    check_folder(model)
    began = time.monotonic()
    folders = [ModelFolder(part) for part in parts]
    config, cleaning = settings_to_merge_with(
        folders, given(settings, CorpusConfig), given(settings, CleaningConfig)
    )
    with progress_line() as progress:
        sources = Sources(
            (), config, cleaning, vocab, progress=progress, parts=folders, shards=shards
        )
        report = build(
            sources, ModelFolder(model), keep=keep_segmented, restart=restart, extend=extend
        )
    note_effort(report.survey, Opened([], []), began)
    conclude(report, began, model, explicit_settings(settings, vocab), added=True)

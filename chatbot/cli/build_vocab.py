"""`chatbot build-vocab`: corpora -> vocabulary and token store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.corpora import (
    building_options,
    check_building,
    conclude,
    corpora_argument,
    explicit_settings,
    note_effort,
    opened,
    progress_line,
    reading_options,
    workers_of,
    workers_option,
)
from chatbot.cli.options import (
    check_folder,
    given,
    model_option,
    settings_of,
    settings_options,
)
from chatbot.cli.show import tell
from chatbot.config import CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.folder import ModelFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatbot.corpus.doctor.survey import FileFacts


@click.command()
@corpora_argument
@model_option
@reading_options
@settings_options(CorpusConfig)
@settings_options(CleaningConfig)
@click.option("--add", is_flag=True, help="put the corpora behind those built from before")
@workers_option
@building_options
@click.option("--part", is_flag=True, help="only cut the text into words, for chatbot merge")
def build_vocab(
    corpora: tuple[Path, ...],
    model: Path,
    vocab: Path | None,
    add: bool,
    keep_segmented: bool,
    shards: int,
    workers: int | None,
    restart: bool,
    extend: bool,
    part: bool,
    **settings: Any,  # noqa: ANN401 - those of ReadingConfig, CorpusConfig and CleaningConfig
) -> None:
    """Read conversations; write the vocabulary and the token store.

    CORPUS are files, folders, or - for standard input; without any, everything in data/ is read.
    Format, compression and encoding of each file are recognised: lines of question<TAB>reply, E/M
    conversations, CSV, JSON, YAML, SQLite, paired files and more, see docs/formats.md.
    """
    from chatbot.corpus.building import Sources, build, cut
    from chatbot.corpus.recorded import settings_to_add_with

    if add and not corpora:
        raise click.UsageError("--add: name the files to add.")
    others = (vocab is not None, add, not keep_segmented, restart, extend, shards > 1)
    if part and any(others):
        raise click.UsageError("--part: goes with no other option of what is written.")
    check_building(vocab, given(settings, CorpusConfig), contradiction=restart and extend)
    check_folder(model)
    began = time.monotonic()
    folder = ModelFolder(model)
    reading = settings_of(ReadingConfig, settings)
    config = settings_of(CorpusConfig, settings)
    cleaning = settings_of(CleaningConfig, settings)
    if add:
        config, cleaning = settings_to_add_with(
            folder, given(settings, CorpusConfig), given(settings, CleaningConfig), vocab
        )
    with opened(corpora, reading) as found, progress_line() as progress:
        how = (vocab, workers_of(workers), progress)
        sources = Sources(found.corpora, config, cleaning, *how, shards=shards)
        if part:
            _tell_cut(cut(sources, folder), model)
            return
        report = build(
            sources, folder, add=add, keep=keep_segmented, restart=restart, extend=extend
        )
        note_effort(report.survey, found, began)
    conclude(report, began, model, explicit_settings(settings, vocab), corpora, added=add)


def _tell_cut(files: Sequence[FileFacts], model: Path) -> None:
    for facts in files:
        left_out = sum(facts.skipped.values()) + sum(facts.dropped.values())
        tell(f"{facts.name}: {facts.pairs:,} pairs, {left_out:,} lines or pairs left out")
    tell(
        f"wrote {model / 'segmented'}; put it together with the other parts: chatbot merge PART..."
    )

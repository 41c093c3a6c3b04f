"""`chatbot build-vocab`: corpora -> vocabulary and token store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.corpora import (
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
from chatbot.cli.show import duration, size, tell
from chatbot.config import CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.folder import ModelFolder
from chatbot.settings import option_of

if TYPE_CHECKING:
    from chatbot.corpus.building import Report


@click.command()
@corpora_argument
@model_option
@reading_options
@settings_options(CorpusConfig)
@settings_options(CleaningConfig)
@click.option(
    "--vocab",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="take this vocabulary: a list of words, one a line, or a vocabulary.txt",
)
@click.option("--add", is_flag=True, help="put the corpora behind those built from before")
@click.option(
    "--keep-segmented/--no-keep-segmented",
    default=True,
    show_default=True,
    help="keep the corpus cut into words in the folder; --add needs it",
)
@workers_option
@click.option("--restart", is_flag=True, help="give up a model trained in the folder")
@click.option("--extend", is_flag=True, help="keep that model, to go on with: train --extend")
def build_vocab(
    corpora: tuple[Path, ...],
    model: Path,
    vocab: Path | None,
    add: bool,
    keep_segmented: bool,
    workers: int | None,
    restart: bool,
    extend: bool,
    **settings: Any,  # noqa: ANN401 - those of ReadingConfig, CorpusConfig and CleaningConfig
) -> None:
    """Read conversations; write the vocabulary and the token store.

    CORPUS are files, folders, or - for standard input; without any, everything in data/ is read.
    Format, compression and encoding of each file are recognised: lines of question<TAB>reply, E/M
    conversations, CSV, JSON, YAML, SQLite, paired files and more, see docs/formats.md.
    """
    from chatbot.cli.survey_text import report as in_words
    from chatbot.corpus.building import Sources, build
    from chatbot.corpus.doctor.advice import advise
    from chatbot.corpus.recorded import settings_to_add_with

    _check_usage(corpora, vocab, given(settings, CorpusConfig), add, restart and extend)
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
        sources = Sources(found.corpora, config, cleaning, vocab, workers_of(workers), progress)
        report = build(
            sources, folder, add=add, keep=keep_segmented, restart=restart, extend=extend
        )
        note_effort(report.survey, found, began)
    brought = {} if vocab is None else {"vocab": vocab}
    advice = advise(
        report.survey,
        [str(path) for path in corpora],
        explicit_settings(settings) | brought,
        "" if model == Path("model") else str(model),
        added=add,
    )
    tell(in_words(report.survey, advice))
    _summarise(report, model, time.monotonic() - began)


def _check_usage(
    corpora: tuple[Path, ...],
    vocab: Path | None,
    settings: dict[str, Any],
    add: bool,
    contradiction: bool,
) -> None:
    """Refuses options that do not go together; `settings` are those of the corpus that are given.

    Raises:
        click.UsageError: they do not.
    """
    if add and not corpora:
        raise click.UsageError("--add: name the files to add.")
    if contradiction:
        raise click.UsageError("--restart gives up what --extend keeps. Choose one.")
    for name in ("min_freq", "max_size"):
        if vocab is not None and name in settings:
            raise click.UsageError(
                f"{option_of(name)}: --vocab takes a vocabulary as it is. Leave one of them out."
            )


def _summarise(report: Report, model: Path, seconds: float) -> None:
    from chatbot.memory import peak_memory, peak_memory_of_workers

    header = report.header
    held_out = f"{header.held_out:,} held out" if header.held_out else "none held out"
    if header.settings["holdout"] and not header.held_out:
        held_out += ", as equal pairs stay together and there are too many of them"
    words = report.survey.words
    lines = [
        f"{header.pairs:,} pairs, {held_out}; {words:,} words, "
        f"{report.survey.distinct_words:,} distinct",
        f"vocabulary: {len(report.vocabulary):,} entries, covering "
        f"{report.covered / words:.1%} of the words; "
        f"{report.unknown / header.tokens:.3%} of {header.tokens:,} tokens unknown",
        f"wrote {model / 'vocabulary.txt'} and {model / 'pairs.store'} in {duration(seconds)}, "
        f"peak memory {size(peak_memory())}"
        + (f" and {size(w)} a worker" if (w := peak_memory_of_workers()) else ""),
    ]
    for line in lines:
        tell(line)

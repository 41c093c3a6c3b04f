"""`chatbot inspect`: what is in corpora, what is wrong with them, and how to train on them."""

from __future__ import annotations

import json
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
    check_writable,
    json_option,
    settings_of,
    settings_options,
    writing,
)
from chatbot.cli.show import tell
from chatbot.config import CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.folder import write_whole

if TYPE_CHECKING:
    from chatbot.corpus.doctor.survey import Survey


@click.command()
@corpora_argument
@reading_options
@settings_options(CorpusConfig)
@settings_options(CleaningConfig)
@workers_option
@json_option
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write the report as a page with plots, too",
)
def inspect(
    corpora: tuple[Path, ...],
    workers: int | None,
    as_json: bool,
    html: Path | None,
    **settings: Any,  # noqa: ANN401 - those of ReadingConfig, CorpusConfig and CleaningConfig
) -> None:
    """Look at conversations before building: what they hold, what is wrong, what to do.

    Reads CORPUS as build-vocab would, with the same options, and writes nothing. Tells formats,
    encodings, faults, lengths, repetition, script and vocabulary, and recommends commands.
    """
    from chatbot.corpus.doctor.advice import advise

    if html is not None:
        check_writable("--html", html)
    survey = _survey(corpora, workers, settings)
    advice = advise(survey, [str(path) for path in corpora], explicit_settings(settings))
    if as_json:
        facts = survey.as_dict() | {"advice": advice.as_dict()}
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        from chatbot.cli.survey_text import report

        click.echo(report(survey, advice))
    if html is not None:
        from chatbot.cli.survey_page import page

        with writing("--html", html):
            write_whole(html, page(survey, advice).encode())
        tell(f"wrote {html}")


def _survey(corpora: tuple[Path, ...], workers: int | None, settings: dict[str, Any]) -> Survey:
    """Reads the corpora."""
    from chatbot.corpus.building import Sources, examine

    began = time.monotonic()
    reading = settings_of(ReadingConfig, settings)
    config = settings_of(CorpusConfig, settings)
    cleaning = settings_of(CleaningConfig, settings)
    with opened(corpora, reading) as found, progress_line() as progress:
        sources = Sources(found.corpora, config, cleaning, None, workers_of(workers), progress)
        survey = examine(sources)
        note_effort(survey, found, began)
    return survey

"""What the commands that read corpora share: their options, opening them, and showing progress.

Comes in: names and options from the command line. Goes out: corpora with their formats, told on
stderr, and a status line for the reading of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from chatbot.cli.options import given, settings_options
from chatbot.cli.show import StatusLine, duration, size, tell
from chatbot.config import MOST_SHARDS, CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.errors import ChatbotError
from chatbot.machine import cores
from chatbot.settings import option_of

if TYPE_CHECKING:
    from chatbot.corpus.building import Report
    from chatbot.corpus.doctor.survey import Survey
    from chatbot.corpus.pairs import Corpus
    from chatbot.corpus.segmented import Progress

F = TypeVar("F", bound=Callable[..., Any])

DATA = Path("data")

_END = "Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-D"

corpora_argument = click.argument(
    "corpora", nargs=-1, metavar="[CORPUS]...", type=click.Path(path_type=Path)
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    help="processes that cut text  [default: one per processor]",
)


def reading_options(command: F) -> F:
    """A decorator: the options of `ReadingConfig`."""
    return settings_options(ReadingConfig)(command)


def building_options(command: F) -> F:
    """A decorator: what `build-vocab` and `merge` share."""
    for option in (
        click.option(
            "--shards",
            type=click.IntRange(1, MOST_SHARDS),
            default=1,
            show_default=True,
            help="files that the token store is written in",
        ),
        click.option(
            "--extend", is_flag=True, help="keep that model, to go on with: train --extend"
        ),
        click.option("--restart", is_flag=True, help="give up a model trained in the folder"),
        click.option(
            "--keep-segmented/--no-keep-segmented",
            default=True,
            show_default=True,
            help="keep the corpus cut into words in the folder; --add and merge need it",
        ),
        click.option(
            "--vocab",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="take this vocabulary: a list of words, one a line, or a vocabulary.txt",
        ),
    ):
        command = option(command)
    return command


def check_building(vocab: Path | None, settings: dict[str, Any], *, contradiction: bool) -> None:
    """Refuses options that do not go together; `settings` are those of the corpus that are given.

    Raises:
        click.UsageError: they do not.
    """
    if contradiction:
        raise click.UsageError("--restart gives up what --extend keeps. Choose one.")
    for name in ("min_freq", "max_size"):
        if vocab is not None and name in settings:
            raise click.UsageError(
                f"{option_of(name)}: --vocab takes a vocabulary as it is. Leave one of them out."
            )


def explicit_settings(values: dict[str, Any], vocab: Path | None = None) -> dict[str, Any]:
    """What stands on the command line of how corpora are read, cleaned and cut."""
    groups = (ReadingConfig, CorpusConfig, CleaningConfig)
    found = {name: value for group in groups for name, value in given(values, group).items()}
    return found if vocab is None else found | {"vocab": vocab}


class Opened(NamedTuple):
    """What stands behind the names on a command line."""

    corpora: list[Corpus]
    left_out: list[str]
    """files in folders and archives that are empty or binary, and which of it"""


def note_effort(survey: Survey, found: Opened, began: float) -> None:
    """Writes into a survey what reading the corpora took, since `began` on the monotonic clock.

    And the files that were left out.
    """
    from chatbot.memory import peak_memory

    survey.left_out = found.left_out
    survey.text_bytes = sum(text.size for corpus in found.corpora for text in corpus.texts)
    survey.seconds = time.monotonic() - began
    survey.peak_bytes = peak_memory()


def workers_of(workers: int | None) -> int:
    """The number of processes that cut text."""
    return workers or cores()


def check_reading(reading: ReadingConfig) -> None:
    """Makes a format or an encoding that does not exist a usage error."""
    from chatbot.corpus.files.encodings import check_encoding
    from chatbot.corpus.formats import format_named

    for name, check in (("format", format_named), ("encoding", check_encoding)):
        if (value := getattr(reading, name)) is not None:
            try:
                check(value)
            except ChatbotError as error:
                raise click.UsageError(str(error)) from error


@contextmanager
def opened(names: tuple[Path, ...], reading: ReadingConfig) -> Iterator[Opened]:
    """The corpora behind some names, `data/` without any; says what each was taken for."""
    from chatbot.corpus.files.containers import Spool
    from chatbot.corpus.pairs import find_corpora

    check_reading(reading)
    if any(str(name) == "-" for name in names) and sys.stdin is not None and sys.stdin.isatty():
        tell(f"-: reads what you type or paste here; {_END} on a line of its own ends it")
    with Spool() as spool:
        left_out: list[str] = []
        found = Opened(find_corpora(names or (DATA,), reading, spool, left_out), left_out)
        for said in left_out:
            tell(f"left out {said}")
        for corpus in found.corpora:
            tell(f"{corpus.text.name}: {corpus.format.title} ({corpus.reason})")
        yield found


def conclude(
    report: Report,
    began: float,
    model: Path,
    given: Mapping[str, Any],
    corpora: Sequence[Path] = (),
    *,
    added: bool,
) -> None:
    """Tells what a build has found, what is advised, and what it has made.

    Args:
        report: of the build.
        began: when, on the monotonic clock.
        model: the model folder.
        given: what stands on the command line, as `advise` takes it.
        corpora: what was read, as it was named.
        added: whether that went behind other corpora.
    """
    from chatbot.cli.survey_text import report as in_words
    from chatbot.corpus.doctor.advice import advise

    names, folder = [str(path) for path in corpora], "" if model == Path("model") else str(model)
    tell(in_words(report.survey, advise(report.survey, names, given, folder, added=added)))
    for line in _made(report, model, time.monotonic() - began):
        tell(line)


def _made(report: Report, model: Path, seconds: float) -> list[str]:
    from chatbot.memory import peak_memory, peak_memory_of_workers

    header = report.header
    held_out = f"{header.held_out:,} held out" if header.held_out else "none held out"
    if header.settings["holdout"] and not header.held_out:
        held_out += ", as too few pairs are there only once"
    if header.openings:
        held_out += f", besides {header.openings:,} openings of conversations"
    words = report.survey.words
    return [
        f"{header.pairs - header.openings:,} pairs, {held_out}; {words:,} words, "
        f"{report.survey.distinct_words:,} distinct",
        f"vocabulary: {len(report.vocabulary):,} entries, covering "
        f"{report.covered / words:.1%} of the words; "
        f"{report.unknown / report.tokens:.3%} of {report.tokens:,} tokens unknown",
        f"wrote {model / 'vocabulary.txt'} and {model / 'pairs.store'} in {duration(seconds)}, "
        f"peak memory {size(peak_memory())}"
        + (f" and {size(w)} a worker" if (w := peak_memory_of_workers()) else ""),
    ]


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """A status line, and what to tell it; of a stage that was shown, its last count is, too."""
    with StatusLine(every=10) as line:
        began: dict[str, float] = {}
        shown: set[str] = set()
        last: list[Progress] = []

        def show(progress: Progress) -> None:
            """Shows how far a stage is, and ends the line of the one before."""
            if last and last[0].stage != progress.stage:
                finish()
            seconds = time.monotonic() - began.setdefault(progress.stage, time.monotonic())
            if line.show(_described(progress, seconds)):
                shown.add(progress.stage)
                last.clear()
            else:
                last[:] = [progress]

        def finish() -> None:
            """Leaves the line of a stage that was shown, with what it came to."""
            if last and last[0].stage in shown:
                line.show(_counted(last[0]), now=True)
            last.clear()

        yield show
        finish()


def _counted(progress: Progress) -> str:
    return f"{progress.stage}: {progress.pairs:,} pair{'s' * (progress.pairs != 1)}"


def _described(progress: Progress, seconds: float) -> str:
    text = _counted(progress)
    if progress.total and progress.done and seconds > 0.5:
        speed = progress.done / seconds
        if progress.stage == "reading":
            text += f", {size(progress.done)} of {size(progress.total)}, {size(speed)}/s"
        else:
            text += f" of {progress.total:,}"
        text += f", {duration((progress.total - progress.done) / speed)} left"
    return text

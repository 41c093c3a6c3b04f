"""`chatbot build-vocab`: corpora -> vocabulary and token store."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.options import model_option, settings_options
from chatbot.cli.show import StatusLine, duration, size, tell
from chatbot.config import CorpusConfig
from chatbot.folder import ModelFolder

if TYPE_CHECKING:
    from chatbot.corpus.building import Report

_DATA = Path("data")


@click.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS]...", type=click.Path(path_type=Path))
@model_option
@settings_options(CorpusConfig)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="processes that cut text  [default: one per processor]",
)
@click.option("--restart", is_flag=True, help="give up a model trained in the folder")
def build_vocab(
    corpora: tuple[Path, ...],
    model: Path,
    workers: int | None,
    restart: bool,
    **settings: Any,  # noqa: ANN401 - one for each field of CorpusConfig
) -> None:
    """Read conversations; write the vocabulary and the token store.

    CORPUS are files or folders; without any, everything in data/ is read. The format of each file
    is recognised: lines of question<TAB>reply (or " | ", "=", "@@" between them), E/M
    conversations, or paired files such as train.enc and train.dec; plain or .gz, UTF-8.
    """
    from chatbot.corpus.building import build
    from chatbot.corpus.pairs import find_corpora

    began = time.monotonic()
    found = find_corpora(corpora or (_DATA,))
    for corpus in found:
        tell(f"{corpus.path}: {corpus.format_name}")
    with StatusLine(every=10) as line:
        report = build(
            found,
            ModelFolder(model),
            CorpusConfig(**settings),
            workers=workers or os.cpu_count() or 1,
            restart=restart,
            progress=lambda pairs: line.show(
                f"{pairs:,} pairs, {pairs / (time.monotonic() - began):,.0f} a second"
            ),
        )
    _summarise(report, model, time.monotonic() - began)


def _summarise(report: Report, model: Path, seconds: float) -> None:
    from chatbot.memory import peak_memory, peak_memory_of_workers

    header = report.header
    for file in header.files:
        skipped = ", ".join(f"{n:,} {why}" for why, n in file["skipped"].items())
        skipped = f"; skipped: {skipped}" if skipped else ""
        tell(f"{file['name']}: {file['pairs']:,} pairs{skipped}")
    held_out = f"{header.held_out:,} held out" if header.held_out else "none held out"
    if header.settings["holdout"] and not header.held_out:
        held_out += ", as equal pairs stay together and there are too many of them"
    questions, replies = (_percentiles(counts) for counts in header.lengths)
    lines = [
        f"{header.pairs:,} pairs, {held_out}; {report.words:,} words, {report.distinct:,} distinct",
        f"vocabulary: {len(report.vocabulary):,} entries, covering "
        f"{report.covered / report.words:.1%} of the words; "
        f"{report.unknown / header.tokens:.3%} of {header.tokens:,} tokens unknown",
        f"tokens a question: {questions}; a reply with its end: {replies}",
        f"wrote {model / 'vocabulary.txt'} and {model / 'pairs.store'} in {duration(seconds)}, "
        f"peak memory {size(peak_memory())}"
        + (f" and {size(w)} a worker" if (w := peak_memory_of_workers()) else ""),
    ]
    for line in lines:
        tell(line)


def _percentiles(counts: list[int]) -> str:
    """Median, 95th percentile and maximum of a histogram."""
    total, seen, points = sum(counts), 0, []
    for share in (0.5, 0.95, 1.0):
        seen, length = 0, 0
        while seen < share * total:
            seen += counts[length]
            length += 1
        points.append(length - 1)
    more = " or more" if points[-1] == len(counts) - 1 else ""
    return f"half up to {points[0]}, 95 % up to {points[1]}, longest {points[2]}{more}"

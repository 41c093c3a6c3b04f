"""`chatbot report`: what came of a training run, as a page, as drawings, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatbot.cli.options import check_folder, json_option, model_option, writing
from chatbot.cli.show import tell
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, write_whole
from chatbot.history import read

if TYPE_CHECKING:
    from chatbot.cli.curves import Curve
    from chatbot.cli.run_events import Record

_PAGE = Path("report.html")
_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@model_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"the page to write  [default: {_PAGE}; none with --json]",
)
@click.option("--svg", type=_folder, metavar="DIR", help="write every curve as SVG, too")
@click.option(
    "--png", type=_folder, metavar="DIR", help="write every curve as PNG, too (the extra plot)"
)
@json_option
def report(
    model: Path, out: Path | None, svg: Path | None, png: Path | None, as_json: bool
) -> None:
    """Show a training run: curves, what happened, sample replies, settings.

    Reads the history in the model folder, of a run that has ended or still goes on, and writes one
    page that needs nothing else.
    """
    from chatbot.cli import curve_png, curve_svg
    from chatbot.cli.curves import curves_of
    from chatbot.cli.run_facts import facts_of, headline
    from chatbot.cli.run_page import page

    if png is not None:
        curve_png.check_plotting()
    check_folder(model)
    records = _records(ModelFolder(model))
    facts = facts_of(records)
    curves = curves_of(records, facts)
    click.echo(json.dumps(facts.as_dict(), ensure_ascii=False) if as_json else headline(facts))
    out = _PAGE if out is None and not as_json else out
    if out is not None:
        with writing("--out", out):
            write_whole(out, page(facts, curves, str(model)).encode())
        tell(f"wrote {out}")
    if svg is not None:
        _write("--svg", svg, curves, lambda curve: curve_svg.standalone(curve).encode())
    if png is not None:
        _write("--png", png, curves, curve_png.png)


def _records(folder: ModelFolder) -> list[Record]:
    """The history of the run in a folder."""
    from chatbot.cli.run_events import sound

    if not folder.history.exists():
        raise ChatbotError(
            f"{folder.path}: no training is recorded here. Begin with: chatbot train --model "
            f"{folder.path}."
        )
    try:
        return sound(read(folder.history), str(folder.history))
    except OSError as error:
        raise ChatbotError(
            f"{folder.history}: cannot be read ({error.strerror}). Mend the folder, or name "
            "another with --model."
        ) from error


def _write(
    option: str, folder: Path, curves: Sequence[Curve], draw: Callable[[Curve], bytes]
) -> None:
    """Writes every curve into a folder, which is made if it is not there."""
    suffix = option.removeprefix("--")
    with writing(option, folder):
        folder.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        path = folder / f"{curve.name}.{suffix}"
        with writing(option, path):
            write_whole(path, draw(curve))
    s = "" if len(curves) == 1 else "s"
    tell(f"wrote {len(curves)} curve{s} into {folder}")

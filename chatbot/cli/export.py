"""`chatbot export`: a bot in one file, to be taken elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from chatbot.cli.options import (
    check_folder,
    check_writable,
    checkpoint_option,
    model_option,
    writing,
)
from chatbot.cli.show import load_bot, size, tell

_FILE = Path("bot.chatbot")


@click.command()
@model_option
@checkpoint_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_FILE,
    show_default=True,
    metavar="FILE",
    help="the file to write",
)
@click.option("--int8", is_flag=True, help="a byte for each weight instead of four")
def export(model: Path, checkpoint: str | None, out: Path, int8: bool) -> None:
    """Write the bot into one file: chatbot chat --model FILE talks to it.

    It holds the vocabulary and the weights, not the pairs, and nothing to train on with.
    """
    from chatbot.talk import stored

    check_folder(model)
    check_writable("--out", out)
    bot = load_bot(model, checkpoint)
    with writing("--out", out):
        files = stored.files(bot.folder, bot.vocabulary)
        stored.write(out, stored.read(bot.checkpoint), files, int8=int8)
    tell(f"wrote {out}, {size(out.stat().st_size)}: chatbot chat --model {out}")

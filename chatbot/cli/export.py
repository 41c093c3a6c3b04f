"""`chatbot export`: a bot to be taken elsewhere, with or without this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from chatbot.cli.options import (
    check_folder,
    check_writable,
    checkpoint_option,
    model_option,
    writing,
)
from chatbot.cli.show import load_bot, size, tell
from chatbot.errors import ChatbotError
from chatbot.folder import bytes_in, write_whole

if TYPE_CHECKING:
    from chatbot.talk.bot import Bot


class _Kind(NamedTuple):
    """What a bot can be written as.

    Attributes:
        out: what it is called unless told otherwise.
        write: writes a bot to a path; the last argument is whether weights are bytes.
        use: how it is used, `{}` for its name.
    """

    out: str
    write: Callable[[Bot, Path, bool], None]
    use: str


def _file(bot: Bot, out: Path, int8: bool) -> None:
    from chatbot.talk import stored

    files = stored.files(bot.folder, bot.vocabulary)
    stored.write(out, stored.read(bot.checkpoint), files, int8=int8)


def _saved_model(bot: Bot, out: Path, int8: bool) -> None:
    from chatbot.graph import served
    from chatbot.talk import stored

    served.write(bot, stored.read(bot.checkpoint), out)


def _litert(bot: Bot, out: Path, int8: bool) -> None:
    from chatbot.graph import lite, networks
    from chatbot.talk import stored

    found = stored.read(bot.checkpoint)
    network = networks.network(found.weights, bot.position.model, found.ngrams)
    write_whole(out, lite.converted(network, int8=int8))


_KINDS = {
    "bot": _Kind("bot.chatbot", _file, "chatbot chat --model {}"),
    "savedmodel": _Kind("bot-savedmodel", _saved_model, "tf.saved_model.load('{}')"),
    "litert": _Kind("bot.tflite", _litert, "signatures begin and step, see docs/chat.md"),
}


@click.command()
@model_option
@checkpoint_option
@click.option(
    "--as",
    "kind",
    type=click.Choice(list(_KINDS)),
    default="bot",
    show_default=True,
    help="for chatbot itself, for any TensorFlow (text in, text out), or for LiteRT (ids)",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="the file to write, of a SavedModel the folder  [default: bot.chatbot, bot-savedmodel, "
    "bot.tflite]",
)
@click.option("--int8", is_flag=True, help="a byte for each weight instead of four")
def export(model: Path, checkpoint: str | None, kind: str, out: Path | None, int8: bool) -> None:
    """Write the bot into one file: chatbot chat --model FILE talks to it.

    It holds the vocabulary and the weights, not the pairs, and nothing to train on with. With --as
    it is written for programs that have no chatbot.
    """
    if int8 and kind == "savedmodel":
        raise click.BadParameter("a SavedModel has none.", param_hint="'--int8'")
    chosen = _KINDS[kind]
    out = Path(chosen.out) if out is None else out
    check_folder(model)
    if kind == "savedmodel":
        _check_replaceable(out)
    else:
        check_writable("--out", out)
    bot = load_bot(model, checkpoint)
    with writing("--out", out):
        chosen.write(bot, out, int8)
    tell(f"wrote {out}, {size(bytes_in(out))}: {chosen.use.format(out)}")


def _check_replaceable(folder: Path) -> None:
    """Refuses to put a SavedModel where something else is.

    Raises:
        ChatbotError: there is a file, or a folder of other things.
    """
    if folder.is_dir() and ((folder / "saved_model.pb").exists() or not any(folder.iterdir())):
        return
    if folder.exists() or folder.is_symlink():
        raise ChatbotError(f"--out {folder}: is there, and no SavedModel. Name another folder.")

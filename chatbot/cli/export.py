"""`chatbot export`: a bot to be taken elsewhere, with or without this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
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


Write = Callable[[Path], None]


class _Kind(NamedTuple):
    """What a bot can be written as.

    Attributes:
        out: what it is called unless told otherwise.
        made: makes it of a bot, with weights of a byte each or not; what it gives writes it.
        use: how it is used, `{}` for its name.
    """

    out: str
    made: Callable[[Bot, bool], Write]
    use: str


def _file(bot: Bot, int8: bool) -> Write:
    from chatbot.talk import stored

    found, files = stored.read(bot.checkpoint), stored.files(bot.folder, bot.vocabulary)
    return lambda out: stored.write(out, found, files, int8=int8)


def _saved_model(bot: Bot, int8: bool) -> Write:
    from chatbot.graph import served
    from chatbot.talk import stored

    graph = served.GraphBot(bot, stored.read(bot.checkpoint))
    graph.reply.get_concrete_function()  # what can go wrong but the writing does so here
    return lambda out: served.write(graph, out)


def _litert(bot: Bot, int8: bool) -> Write:
    from chatbot.graph import lite, networks
    from chatbot.talk import stored

    found = stored.read(bot.checkpoint)
    network = networks.network(found.weights, bot.position.model, found.ngrams)
    data = lite.converted(network, int8=int8)
    return lambda out: write_whole(out, data)


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
    help="the file to write, of a SavedModel the folder  [default: "
    f"{', '.join(kind.out for kind in _KINDS.values())}]",
)
@click.option("--int8", is_flag=True, help="a byte for each weight instead of four")
def export(model: Path, checkpoint: str | None, kind: str, out: Path | None, int8: bool) -> None:
    """Write the bot into one file: chatbot chat --model FILE talks to it.

    It holds the vocabulary and the weights, not the pairs, and nothing to train on with. With --as
    it is written for programs that have no chatbot.
    """
    if int8 and kind == "savedmodel":
        raise click.BadParameter(
            "a SavedModel has no such form. Leave it out, or take --as litert.",
            param_hint="'--int8'",
        )
    chosen = _KINDS[kind]
    out = Path(chosen.out) if out is None else out
    check_folder(model)
    if kind == "savedmodel":
        _check_replaceable(out)
    else:
        check_writable("--out", out)
    write = chosen.made(load_bot(model, checkpoint), int8)
    with writing("--out", out):
        write(out)
    tell(f"wrote {out}, {size(bytes_in(out))}: {chosen.use.format(out)}")


def _check_replaceable(folder: Path) -> None:
    """Refuses to put a SavedModel where something else is, or where nothing can be written.

    Raises:
        ChatbotError: there is a file, or a folder of other things, or none can be made.
    """
    with writing("--out", folder), TemporaryDirectory(dir=folder.parent):
        pass
    if folder.is_dir() and ((folder / "saved_model.pb").exists() or not any(folder.iterdir())):
        return
    if folder.exists() or folder.is_symlink():
        raise ChatbotError(f"--out {folder}: is there, and no SavedModel. Name another folder.")

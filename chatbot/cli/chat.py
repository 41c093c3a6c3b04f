"""`chatbot chat`: a conversation in the terminal, or a reply to each line of a pipe."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.options import checkpoint_option, model_option, settings_options
from chatbot.cli.show import tell_damaged
from chatbot.config import ReplyConfig

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from chatbot.talk.bot import Bot

_HELP = """\
Type something and press Enter; the bot answers.
  /help   this text
  /quit   leave; so does Ctrl-D
  Ctrl-C clears the line; the arrow keys bring earlier lines back."""


@click.command()
@model_option
@checkpoint_option
@settings_options(ReplyConfig)
def chat(model: Path, checkpoint: str | None, **settings: Any) -> None:  # noqa: ANN401 - ReplyConfig
    """Talk to the bot.

    When the input is not a terminal: one reply on stdout for each line of input. Each line is a
    question of its own; for a bot built with --context, earlier turns may stand before it, a TAB
    after each.
    """
    config = ReplyConfig(**settings)
    terminal = sys.stdin.isatty()
    if terminal:
        click.echo("waking the bot …", err=True)
    from chatbot.talk.bot import Bot

    bot = Bot.load(model, checkpoint)
    tell_damaged(bot)
    if terminal:
        _converse(bot, config)
    else:
        for line in sys.stdin:
            *earlier, text = line.split("\t") if bot.context else (line,)
            click.echo(bot.reply(text, config, earlier))


def _converse(bot: Bot, config: ReplyConfig) -> None:
    bot.reply("", config)  # compiles the network while the user reads
    click.echo(f"step {bot.position.step:,}; /help for help, /quit to leave", err=True)
    session = _session()
    turns: deque[str] = deque(maxlen=bot.context)
    while True:
        try:
            text = session.prompt("> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text == "/quit":
            return
        if text == "/help":
            click.echo(_HELP, err=True)
        elif text.startswith("/"):
            click.echo(f"{text.split()[0]}: no such command; /help lists them", err=True)
        elif text:
            reply = bot.reply(text, config, turns)
            click.echo(reply)
            turns += (text, reply)


def _session() -> PromptSession[str]:
    import platformdirs
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    history: History = InMemoryHistory()
    folder = Path(platformdirs.user_state_dir("chatbot", appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "history").open("a").close()
        history = FileHistory(str(folder / "history"))
    except OSError:
        pass  # a folder that cannot be written to costs the history of earlier sessions only
    return PromptSession(history=history)

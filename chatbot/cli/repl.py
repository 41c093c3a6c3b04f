"""A conversation in the terminal: lines typed, replies shown while they are decided, commands.

Comes in: a bot that may still be waking, lines of a user. Goes out: replies on stdout, everything
else on stderr. What commands do is `talk.conversation`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import click

from chatbot.cli.options import writing
from chatbot.cli.show import counted, tell
from chatbot.config import ReplyConfig
from chatbot.errors import ChatbotError
from chatbot.folder import write_whole
from chatbot.settings import option_of

if TYPE_CHECKING:
    from chatbot.talk.conversation import Conversation

HELP = """\
Type something and press Enter; the bot answers.
  /retry         another reply          /undo   take the last exchange back
  /candidates    the best replies       /reset  forget all that was said
  /good, /bad    rate the reply         /why    what the bot looked at
  /why FILE      the same as a picture, .svg or .png
  /beam N, /temperature X, /top-p X, /anti-lm X, /seed N and the other options
                 of chatbot chat: how replies are chosen from now on;
                 default: as it was
  /settings      what they are
  /save FILE     add the conversation to a file, for build-vocab
  /help          this text              /quit   leave; so does Ctrl-D
  Ctrl-C clears the line or breaks a reply off; the arrow keys bring earlier
  lines back."""


class Repl:
    """One conversation in a terminal."""

    def __init__(self, conversation: Callable[[], Conversation], transcript: Path | None) -> None:
        """Takes what gives the conversation, once it is ready, and a file to keep it in."""
        self._conversation = conversation
        self._transcript = transcript
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda rest: tell(HELP),
            "reset": self._reset,
            "undo": self._undo,
            "retry": self._retry,
            "candidates": self._candidates,
            "settings": self._settings,
            "save": self._save,
            "why": self._why,
            "good": lambda rest: self._rate("up"),
            "bad": lambda rest: self._rate("down"),
        }

    def run(self, prompt: Callable[[], str]) -> None:
        """Reads lines until the user leaves.

        Args:
            prompt: gives a line; KeyboardInterrupt clears it, EOFError leaves.
        """
        while True:
            try:
                text = prompt().encode("utf-8", "replace").decode().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text == "/quit":
                return
            try:
                self._take(text)
            except KeyboardInterrupt:
                click.echo()
            except ChatbotError as error:
                tell(str(error))

    def _take(self, text: str) -> None:
        """One line."""
        if not text.startswith("/"):
            if text:
                self._say(text)
            return
        name, _, rest = text[1:].partition(" ")
        names = {option_of(field.name)[2:]: field.name for field in fields(ReplyConfig)}
        if name in self._commands:
            self._commands[name](rest.strip())
            if name in ("undo", "retry", "good", "bad"):
                self._keep()
        elif name in names:
            self._set(names[name], rest.strip())
        else:
            tell(f"/{name}: no such command; /help lists them")

    def _say(self, text: str) -> None:
        for part in self._conversation().say(text):
            click.echo(part, nl=False)
        click.echo()
        self._keep()

    def _keep(self) -> None:
        """Keeps the transcript up to date."""
        if self._transcript is not None:
            with writing("--transcript", self._transcript):
                self._conversation().save(self._transcript)

    def _reset(self, rest: str) -> None:
        self._conversation().reset()
        tell("forgotten")

    def _undo(self, rest: str) -> None:
        taken = self._conversation().undo()
        tell(f"taken back: {taken.question}")

    def _retry(self, rest: str) -> None:
        click.echo(self._conversation().retry())

    def _candidates(self, rest: str) -> None:
        for number, reply in enumerate(self._conversation().candidates(), 1):
            tell(f"  {number}  {reply}")

    def _rate(self, rating: str) -> None:
        self._conversation().rate(rating)
        tell("noted" if self._transcript else "noted; /save FILE keeps it")

    def _settings(self, rest: str) -> None:
        conversation = self._conversation()
        for field in fields(ReplyConfig):
            tell(f"  /{option_of(field.name)[2:]:<20} {_now(conversation, field.name)}")
        tell(f"  {conversation.bot.checkpoint}, {conversation.bot.context} earlier turns")

    def _set(self, name: str, value: str) -> None:
        """Changes one setting."""
        conversation = self._conversation()
        shown = f"/{option_of(name)[2:]}"
        if not value:
            tell(f"{shown} is {_now(conversation, name)}")
            return
        hint = get_type_hints(ReplyConfig)[name]
        kind: Any = next(one for one in (*get_args(hint), hint) if one is not type(None))
        if name == "mmi" and conversation.bot.backward is None:
            tell("/mmi: needs a backward model: chatbot chat --backward")
            return
        with suppress(ValueError):
            new = getattr(ReplyConfig(), name) if value == "default" else kind(value)
            changed: dict[str, Any] = {name: new}
            conversation.config = replace(conversation.config, **changed)
            tell(f"{shown} is {_now(conversation, name)} from now on")
            return
        tell(f"{shown}: {value!r} is no number")

    def _save(self, rest: str) -> None:
        if not rest:
            tell("/save FILE: name a file")
            return
        conversation = self._conversation()
        with writing("/save", Path(rest)):
            conversation.save(Path(rest))
        tell(f"wrote {counted(len(conversation.exchanges), 'exchange')} to {rest}")

    def _why(self, rest: str) -> None:
        from chatbot.cli.heat import in_svg, in_text

        conversation = self._conversation()
        why = conversation.why()
        if rest:
            path = Path(rest)
            if path.suffix.lower() not in (".png", ".svg"):
                tell("/why FILE: name a file that ends in .svg or .png")
                return
            with writing("/why", path):
                drawn = _png(why) if path.suffix.lower() == ".png" else in_svg(why).encode()
                write_whole(path, drawn)
            tell(f"wrote {rest}")
            return
        for line in in_text(why, shutil.get_terminal_size().columns):
            tell(line)
        copies = conversation.copies()
        if copies is not None and copies.pairs:
            tell(f"the reply of {counted(copies.pairs, 'training pair')}, first {copies.place}")
        elif copies is not None:
            tell("no training pair has this reply")


def _now(conversation: Conversation, name: str) -> str:
    """What a setting is."""
    value = getattr(conversation.bot.settled(conversation.config), name)
    return "none" if value is None else str(value)


def _png(why: Any) -> bytes:  # noqa: ANN401 - Why, which needs NumPy
    from chatbot.cli.heat_png import png

    return png(why)

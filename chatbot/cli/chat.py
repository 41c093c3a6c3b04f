"""`chatbot chat`: a conversation in the terminal, or a reply to each line of a pipe."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.options import (
    bot_option,
    check_writable,
    checkpoint_option,
    json_option,
    settings_options,
)
from chatbot.cli.show import load_bot, tell, tell_damaged
from chatbot.config import ReplyConfig
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from chatbot.talk.conversation import Conversation

_READ = 1 << 16
_LONGEST = 1 << 16
"""Bytes of a question; no bot reads more words than are in the last of them."""

_AT_ONCE = 64
"""Lines of a pipe that are answered together, if so many are there."""


@click.command()
@bot_option
@checkpoint_option
@click.option(
    "--backward",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="a backward model, to choose replies by: a bot built with --reverse; see --mmi",
)
@click.option(
    "--transcript",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="keep the conversation in a file that build-vocab reads",
)
@settings_options(ReplyConfig)
@json_option
def chat(
    model: Path,
    checkpoint: str | None,
    backward: Path | None,
    transcript: Path | None,
    as_json: bool,
    **settings: Any,  # noqa: ANN401 - those of ReplyConfig
) -> None:
    """Talk to the bot.

    When the input is not a terminal: one reply on stdout for each line of input. Each line is a
    question of its own; for a bot built with --context, earlier turns may stand before it, a TAB
    after each. With --json each is an object with question and reply.
    """
    config = ReplyConfig(**settings)
    if config.mmi is not None and backward is None:
        raise click.UsageError("--mmi: name a backward model with --backward.")
    if sys.stdin.isatty() and not as_json:
        _converse(model, checkpoint, backward, config, transcript)
        return
    if transcript is not None:
        raise click.UsageError("--transcript is for a conversation in a terminal.")
    bot = load_bot(model, checkpoint, backward)
    for lines in _lines(sys.stdin.buffer):
        turns = [line.split("\t") if bot.context else [line] for line in lines]
        texts = [said[-1] for said in turns]
        replies = bot.replies(texts, config, [said[:-1] for said in turns])
        for text, reply in zip(texts, replies, strict=True):
            shown = json.dumps({"question": text, "reply": reply}, ensure_ascii=False)
            click.echo(shown if as_json else reply)


def _lines(stream: Any) -> Iterator[list[str]]:  # noqa: ANN401 - a binary one, buffered
    """The lines of a pipe, as many at a time as are there; waits for none but the first."""
    rest = bytearray()
    while data := stream.read1(_READ):
        *lines, last = data.split(b"\n")
        if lines:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        rest += last
        del rest[: max(0, len(rest) - _LONGEST)]  # of a longer question the end is read
        for first in range(0, len(lines), _AT_ONCE):
            some = lines[first : first + _AT_ONCE]
            yield [line[-_LONGEST:].removesuffix(b"\r").decode("utf-8", "replace") for line in some]
    if rest:
        yield [rest.decode("utf-8", "replace")]


class NotAwakeError(Exception):
    """There is no bot to talk to; its cause says why."""


class _Waking:
    """A conversation whose bot is loaded while its user types."""

    def __init__(self, load: Callable[[], Conversation]) -> None:
        """Takes what loads the bot."""
        self._load = load
        self._found: Conversation | None = None
        self._failed: BaseException | None = None
        self._said = False
        self._thread = threading.Thread(target=self._wake, daemon=True)
        self._done = threading.Event()
        self._told: Callable[[BaseException], object] = lambda error: None

    def begin(self, told: Callable[[BaseException], object]) -> None:
        """Begins to load, once; `told` is called if that fails."""
        if self._thread.ident is None:
            self._told = told
            self._thread.start()

    def __call__(self) -> Conversation:
        """The conversation, when the bot is awake.

        Raises:
            NotAwakeError: it cannot be loaded.
        """
        self.begin(lambda error: None)  # a dumb terminal's prompt does not
        if not self._done.is_set():
            tell("waking the bot …")
            self._done.wait()
        if self._found is None:
            raise NotAwakeError from self._failed
        self.check()
        return self._found

    def check(self) -> None:
        """Says once what there is to say of the bot; raises what went wrong."""
        if self._failed is not None:
            raise self._failed
        if self._found is not None and not self._said:
            self._said = True
            tell_damaged(self._found.bot)

    def _wake(self) -> None:
        try:
            self._found = self._load()
        except (ChatbotError, OSError, MemoryError, ValueError, RuntimeError, ImportError) as error:
            self._failed = error
            self._told(error)
        finally:
            self._done.set()


def _converse(
    model: Path,
    checkpoint: str | None,
    backward: Path | None,
    config: ReplyConfig,
    transcript: Path | None,
) -> None:
    """A conversation in the terminal; the bot wakes behind the prompt."""
    from chatbot.cli.repl import Repl

    if not model.is_file() and not ModelFolder(model).trained:
        load_bot(model, checkpoint)  # says what is missing
    if transcript is not None:
        check_writable("--transcript", transcript)
    waking = _Waking(partial(_awake, model, checkpoint, backward, config))
    session = _session()
    tell("/help for help, /quit to leave")

    def wake() -> None:
        """Begins when the prompt is there, and takes it away if there is no bot."""
        application = session.app

        def give_up(error: BaseException) -> None:
            """Has the prompt that is there now raise what went wrong, else the next one does."""
            loop = application.loop
            if loop is not None:
                with suppress(RuntimeError):  # it has just been closed
                    loop.call_soon_threadsafe(partial(_exit, application, error))

        waking.begin(give_up)

    def prompt() -> str:
        """A line of the user's."""
        waking.check()
        text: str = session.prompt("> ", pre_run=wake)
        return text

    try:
        Repl(waking, transcript).run(prompt)
    except NotAwakeError as error:
        cause = error.__cause__
        raise cause or ChatbotError(f"{model}: the bot could not be loaded.") from None


def _exit(application: Any, error: BaseException) -> None:  # noqa: ANN401 - an Application
    if application.is_running and not application.future.done():
        application.exit(exception=error)


def _awake(
    model: Path, checkpoint: str | None, backward: Path | None, config: ReplyConfig
) -> Conversation:
    from chatbot.memory import give_back_large, release_freed
    from chatbot.talk.bot import Bot
    from chatbot.talk.conversation import Conversation

    give_back_large()
    bot = Bot.load(model, checkpoint, backward)
    bot.warm_up()
    release_freed()
    return Conversation(bot, config)


def _session() -> PromptSession[str]:
    import platformdirs
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory
    from prompt_toolkit.output import create_output

    history: History = InMemoryHistory()
    folder = Path(platformdirs.user_state_dir("chatbot", appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "history").open("a").close()
        history = FileHistory(str(folder / "history"))
    except OSError:
        pass  # a folder that cannot be written to costs the history of earlier sessions only
    output = None if sys.stdout.isatty() else create_output(stdout=sys.stderr)
    return PromptSession(history=history, output=output)

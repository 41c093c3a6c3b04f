"""The commands: the only files that print, prompt or exit.

Comes in: the command line. Goes out: replies and requested results on stdout, everything else on
stderr, and an exit code: 0 done, 1 an error the user can mend, 2 wrong usage, 130 interrupted, 143
terminated. Knows what to say and how to show it, nothing of how it is done.

Each command is a file; what it needs is imported when it runs, so `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from chatbot import __version__
from chatbot.cli.build_vocab import build_vocab
from chatbot.cli.chat import chat
from chatbot.cli.evaluate import evaluate
from chatbot.cli.export import export
from chatbot.cli.info import info
from chatbot.cli.inspect import inspect
from chatbot.cli.merge import merge
from chatbot.cli.report import report
from chatbot.cli.train import train
from chatbot.errors import ChatbotError

INTERRUPTED = 130
TERMINATED = 143


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="chatbot")
def cli() -> None:
    """Train a chatbot of your own on your own conversations, from scratch.

    \b
    Put conversations into data/, one question<TAB>reply a line, then:
      chatbot build-vocab     read them, choose the vocabulary
      chatbot train           train the network
      chatbot chat            talk to it
    """  # noqa: D301 - click wants the character: what follows it is not wrapped


for command in (inspect, build_vocab, merge, train, chat, evaluate, export, info, report):
    cli.add_command(command)


def main() -> NoReturn:
    """Runs the command line and exits."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for the process
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            newline = "\n" if stream is sys.stdin else None
            stream.reconfigure(encoding="utf-8", errors="replace", newline=newline)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as exit:
        sys.exit(exit.exit_code)
    except ChatbotError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone; nothing is left to flush
        sys.exit(1)
    except OSError as error:
        where = error.filename or "standard output"
        click.echo(f"Error: {where}: {error.strerror}. Make room or mend it.", err=True)
        sys.stdout = None
        sys.exit(1)
    sys.exit(0)


def _terminate(number: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)

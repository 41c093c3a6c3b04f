"""Train a seq2seq chatbot of one's own, from scratch, in bounded memory.

The command line is `chatbot`; these names are the Python API, imported when they are first used:

    Bot             a trained bot: `Bot.load("model").reply("你好")`
    ReplyConfig     how a reply is chosen: `ReplyConfig(beam=5)`
    batches         padded batches without end, for a training loop of one's own
    ChatbotError    what all of them raise when the user can mend it
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatbot.config import ReplyConfig
    from chatbot.corpus.batches import stream as batches
    from chatbot.errors import ChatbotError
    from chatbot.talk.bot import Bot

__version__ = "0.1.0"
__all__ = ["Bot", "ChatbotError", "ReplyConfig", "__version__", "batches"]

_PLACES = {
    "Bot": ("chatbot.talk.bot", "Bot"),
    "ChatbotError": ("chatbot.errors", "ChatbotError"),
    "ReplyConfig": ("chatbot.config", "ReplyConfig"),
    "batches": ("chatbot.corpus.batches", "stream"),
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)

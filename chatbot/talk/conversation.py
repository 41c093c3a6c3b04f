"""A conversation with a bot: what has been said, and what can be done about it.

Comes in: a bot, settings, utterances. Goes out: replies, what has been said before, why. Knows
nothing of terminals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chatbot.config import ReplyConfig
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.folder import write_whole
from chatbot.talk.bot import CANDIDATES, Bot
from chatbot.talk.copies import copies_of
from chatbot.talk.reply_index import Copies
from chatbot.talk.why import Why

_WIDEST = 40
"""Of the beams in which another reply is looked for."""

_DRAWS = 20
"""Draws after which no other reply is looked for."""


@dataclass
class Exchange:
    """An utterance and the reply to it.

    Attributes:
        question: the utterance.
        reply: the reply.
        earlier: the turns before it that the bot looked at, the oldest first.
        rating: `up`, `down`, or None.
        refused: replies that were given before this one and not wanted.
    """

    question: str
    reply: str
    earlier: tuple[str, ...] = ()
    rating: str | None = None
    refused: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `build-vocab` reads a line of it as a pair, unless it is rated down."""
        return {
            "question": self.question,
            "reply": self.reply,
            "history": list(self.earlier),
            "rating": self.rating,
        }


class Conversation:
    """One conversation.

    Attributes:
        bot: the bot.
        config: how replies are chosen from now on.
        exchanges: what has been said, also before the bot was made to forget it.
    """

    def __init__(self, bot: Bot, config: ReplyConfig) -> None:
        """Begins with nothing said."""
        self.bot, self.config = bot, config
        self.exchanges: list[Exchange] = []
        self._forgotten = 0
        self._written: dict[Path, bytes] = {}

    @property
    def last(self) -> Exchange:
        """The last exchange that the bot has not forgotten.

        Raises:
            ChatbotError: there is none.
        """
        if len(self.exchanges) <= self._forgotten:
            raise ChatbotError("nothing has been said yet")
        return self.exchanges[-1]

    @property
    def earlier(self) -> tuple[str, ...]:
        """The turns that the bot will look at besides the next utterance, the oldest first."""
        said = self.exchanges[self._forgotten :]
        turns = [turn for one in said for turn in (one.question, one.reply)]
        return tuple(turns[max(0, len(turns) - self.bot.context) :])

    def say(self, text: str) -> Iterator[str]:
        """The reply in parts, while it is decided; it is remembered when it is whole."""
        earlier, parts = self.earlier, []
        for part in self.bot.stream(text, self.config, earlier):
            parts.append(part)
            yield part
        self.exchanges.append(Exchange(text, "".join(parts), earlier))

    def retry(self) -> str:
        """Another reply to the last utterance than those it had.

        Where replies are drawn, it is drawn anew; else it is the next best of a beam.

        Raises:
            ChatbotError: nothing has been said, or there is no other reply.
        """
        last = self.last
        had = {*last.refused, last.reply}
        for reply in self._others(last):
            if reply and reply not in had:
                last.refused.append(last.reply)
                last.reply, last.rating = reply, None
                return reply
        raise ChatbotError("no other reply is found")

    def _others(self, last: Exchange) -> Iterator[str]:
        if self.config.temperature:
            for _ in range(_DRAWS):
                yield self.bot.reply(last.question, self.config, last.earlier)
            return
        beam = max(self.bot.settled(self.config).beam, CANDIDATES)
        for factor in (1, 2, 4, 8):
            if factor == 1 or factor * beam <= _WIDEST:
                wider = replace(self.config, beam=factor * beam)
                yield from self.bot.candidates(last.question, wider, last.earlier)

    def candidates(self) -> list[str]:
        """The best replies to the last utterance, the best first.

        Raises:
            ChatbotError: nothing has been said.
        """
        return self.bot.candidates(self.last.question, self.config, self.last.earlier)

    def undo(self) -> Exchange:
        """Takes the last exchange back, as if it had not been.

        Raises:
            ChatbotError: nothing has been said.
        """
        last = self.last
        self.exchanges.pop()
        return last

    def reset(self) -> None:
        """Forgets all that has been said; it stays in the transcript."""
        self._forgotten = len(self.exchanges)

    def rate(self, rating: str) -> None:
        """Rates the last reply, `up` or `down`.

        Raises:
            ChatbotError: nothing has been said.
        """
        self.last.rating = rating

    def why(self) -> Why:
        """What the bot looked at for the last reply.

        Raises:
            ChatbotError: nothing has been said.
        """
        last = self.last
        return self.bot.why(last.question, last.reply, last.earlier)

    def copies(self) -> Copies | None:
        """Which training pairs have the last reply; None where the store is not at hand.

        Raises:
            ChatbotError: nothing has been said.
        """
        last, bot = self.last, self.bot
        with suppress(ChatbotError), TokenStore(bot.folder.store, verify=False) as store:
            if store.header.vocabulary == bot.vocabulary.digest:
                return copies_of(store, bot.ids(last.reply), bot.folder.replies)
        return None

    def save(self, path: Path) -> None:
        """Writes all that has been said, an exchange a line, behind what else is in the file.

        What was written into it before takes no second place.

        Raises:
            OSError: it cannot be written.
        """
        lines = [json.dumps(one.as_dict(), ensure_ascii=False) + "\n" for one in self.exchanges]
        block, place = "".join(lines).encode(), path.resolve()
        there = path.read_bytes() if path.is_file() else b""
        ours = self._written.get(place, b"")
        at = there.rfind(ours) if ours else -1
        if at >= 0:
            whole = there[:at] + block + there[at + len(ours) :]
        else:
            whole = there + (b"\n" if there and not there.endswith(b"\n") else b"") + block
        write_whole(path, whole)
        self._written[place] = block

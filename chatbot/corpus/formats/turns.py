"""The conversation that a reader is gathering, turn by turn, in bounded memory.

Comes in: turns with their lines, and whether each is a reply. Goes out: conversations. One of
thousands of turns is handed on in pieces, each with the turns before it as context, so that no pair
is lost and none comes twice. Knows nothing of how the turns are marked in a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from chatbot.config import LARGEST_CONTEXT, ReadingConfig
from chatbot.corpus.formats.base import NO_REPLY, Conversation
from chatbot.errors import ChatbotError

MOST_TURNS = 4_000
"""Turns after which a conversation is handed on in pieces."""

KEPT_TURNS = 1 + LARGEST_CONTEXT
"""Turns that a piece repeats from the one before: a question and the largest `--context`."""

NO_MARKED_REPLY = "conversation without a reply to learn"
SYSTEM = "system turn"

_SHOWN = 8
_USERS = {"user", "usr", "human", "client", "customer"}


class Turns:
    """The turns since the conversation began.

    The readers do three things with it: `add` a turn; `if turns.full: yield turns.piece()`; and
    where a conversation ends, `if (one := turns.end()): yield one`. Between those, a reader in a
    hurry may append to the lists `turns` and `lines` itself.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        """Begins with no turn; what gives no pair is counted in `skipped`."""
        self.skipped = skipped
        self.turns: list[str] = []
        self.lines: list[int] = []
        self._mute: set[int] = set()
        self._old = 0

    def add(self, turn: str, line: int, reply: bool = True) -> None:
        """Takes the next turn; `reply` is False if it is not to be learned as an answer."""
        if not reply:
            self._mute.add(len(self.turns))
        self.turns.append(turn)
        self.lines.append(line)

    @property
    def full(self) -> bool:
        """Whether a piece shall be handed on before the next turn."""
        return len(self.turns) >= MOST_TURNS

    def piece(self) -> Conversation:
        """The turns so far, as a piece of a conversation that goes on."""
        one = self._conversation()
        self.turns, self.lines = self.turns[-KEPT_TURNS:], self.lines[-KEPT_TURNS:]
        self._old = len(self.turns)
        self._mute = set(range(self._old))
        return one

    def end(self) -> Conversation | None:
        """The conversation that ends here, if it has a reply; the next turn opens another."""
        size, one = len(self.turns), None
        if not size:
            return None
        if len(self._mute - {0}) < size - 1:
            one = self._conversation()
        elif not self._old:
            self.skipped[NO_REPLY if size == 1 else NO_MARKED_REPLY] += 1
        self.turns, self.lines = [], []
        self._mute, self._old = set(), 0
        return one

    def _conversation(self) -> Conversation:
        if not self._mute:
            return Conversation(self.turns, self.lines)
        replies = [place not in self._mute for place in range(len(self.turns))]
        return Conversation(self.turns, self.lines, replies)


class RepliesBy:
    """Whose turns are replies: anyone's, or those of the speaker that `--replies-by` names."""

    def __init__(self, reading: ReadingConfig) -> None:
        """Takes the user's choice."""
        self._wanted = reading.replies_by
        self._key = _key(reading.replies_by or "")
        self._seen: dict[str, None] = {}
        self._met = False

    def __call__(self, *names: str) -> bool:
        """Whether a turn of a speaker who goes by any of these names is a reply."""
        if self._wanted is None:
            return True
        if any(_key(name) == self._key for name in names):
            self._met = True
            return True
        if len(self._seen) <= _SHOWN:
            self._seen[names[0].strip()] = None
        return False

    def check(self, where: str) -> None:
        """To be called when the file has been read.

        Raises:
            ChatbotError: there were turns, but none of the speaker that was asked for.
        """
        if self._seen and not self._met:
            shown = ", ".join(list(self._seen)[:_SHOWN])
            more = " and others" if len(self._seen) > _SHOWN else ""
            raise ChatbotError(
                f"{where}: --replies-by {self._wanted}: no turn is by {self._wanted!r}; the "
                f"speakers are {shown}{more}. Name one of them, or leave the option out."
            )


def answers_users(others: Set[str]) -> bool:
    """Whether a `system` that talks with these others, in small letters, is who answers them.

    Where anyone else but users speaks, or no one does, it is an instruction to the speakers.
    """
    return bool(others) and others <= _USERS


def _key(name: str) -> str:
    return name.strip().casefold()

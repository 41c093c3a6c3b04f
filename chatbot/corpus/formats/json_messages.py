"""Conversations that are JSON lists of messages with roles.

Comes in: JSON records. Goes out: conversations without what the system said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatbot.corpus.formats.base import NO_CONVERSATION, Conversation, Example
from chatbot.corpus.formats.json_shapes import (
    EMPTY,
    ROLES,
    JsonFormat,
    has_role,
    is_message,
    sides_of,
    text_of,
    turns_of,
)
from chatbot.corpus.formats.json_stream import Json, Record
from chatbot.corpus.formats.turns import MOST_TURNS, SYSTEM, RepliesBy, Turns, answers_users

_NO_SPEAKERS = {"system", "developer", "tool", "function", "observation"}


class _Message(NamedTuple):
    """Who said what, and where it stands."""

    text: str
    key: str
    """what the role is called: role, from, speaker ... or nothing if there is none"""
    role: str
    line: int


class JsonMessages(JsonFormat):
    """A conversation is a list of messages; each message answers the one before.

    A message is an object with a text (`content`, `value`, `text`, `utterance` or `message`) and
    mostly a role (`role`, `from`, `speaker`, `sender`, `agent`, `author` or `user`), or a text.
    The list stands alone or in an object (`messages`, `conversations`, `conversation`, `dialog`,
    `dialogue`, `turns`, `utterances`, `log` or `content`), and the file is one conversation, an
    array or an object of conversations, or has one a line. Content in several parts is joined.

    What system, developer, tool, function and observation say is left out before anything else, and
    counted as "system turn". But where users (`usr`, `user`, `human`, `client`, `customer`) talk to
    no one else, `sys` is a speaker, and so is a `speaker` called `system`. With `--replies-by ROLE`
    only the turns of that role are replies; where no role is given, all are.
    """

    name = "json-messages"
    title = "JSON messages with roles"
    shape = "messages"
    examples = (
        Example(
            {
                "talks.jsonl": '{"messages": [{"role": "system", "content": "Be nice."}, '
                '{"role": "user", "content": "早"}, {"role": "assistant", "content": "你早"}]}\n'
            },
            [("早", "你早")],
        ),
        Example(
            {
                "talk.json": '[{"role": "usr", "content": "早"},\n'
                ' {"role": "sys", "content": "你早"},\n {"role": "usr", "content": "吃了吗"}]\n'
            },
            [("早", "你早"), ("你早", "吃了吗")],
        ),
        Example(
            {
                "sharegpt.json": '[{"id": "1", "conversations": [{"from": "human", "value": "早"}, '
                '{"from": "gpt", "value": "你早"}]}]\n'
            },
            [("早", "你早")],
        ),
        Example({"daily.jsonl": '{"dialog": ["早", "你早"], "topic": "1"}\n'}, [("早", "你早")]),
    )

    def fits(self, record: Record) -> bool:
        """Whether the record is a conversation of messages, or a message with a role."""
        value = record.value
        if not isinstance(value, dict):
            return False
        turns = turns_of(value)
        if turns is not None:
            return bool(turns) and (isinstance(turns[0], str) or is_message(turns[0]))
        if sides_of(value) or not is_message(value):
            return False
        bare = len(value) == 1 and "text" not in value and record.arrays > 0
        return has_role(value) or bare or record.arrays > 1

    def plausible(self, records: Sequence[Record]) -> float:
        """Lines that are a message each may be anything that has a sender and a text."""
        lines = sum(record.arrays == 0 and turns_of(record.value) is None for record in records)
        return 1 - 0.3 * lines / len(records)

    def read_records(
        self, records: Iterator[Record], name: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """One conversation for every list of messages."""
        turns, by = Turns(skipped), RepliesBy(self.reading)
        together: list[_Message] = []
        group = (0, 0)
        for record in records:
            messages = _messages(record)
            alone = isinstance(messages, _Message)
            if (group != record.group or not alone) and (turns.turns or together):
                _add(turns, together, by)
                together = []
                if one := turns.end():
                    yield one
            if isinstance(messages, _Message):
                together.append(messages)
                group = record.group
                if len(together) >= MOST_TURNS:
                    _add(turns, together, by)
                    together = []
                    yield turns.piece()
            elif not messages:
                skipped[NO_CONVERSATION if messages is None else EMPTY] += 1
            else:
                _add(turns, messages, by)
                if one := turns.end():
                    yield one
        _add(turns, together, by)
        if one := turns.end():
            yield one
        by.check(name)


def _messages(record: Record) -> _Message | list[_Message] | None:
    """The message that a record is, or the list of messages it has; None if it is neither."""
    value, line = record.value, record.line
    turns = turns_of(value) if isinstance(value, dict) else None
    if turns is not None:
        texts = all(turn is None or isinstance(turn, str) or is_message(turn) for turn in turns)
        return [_message(turn, line) for turn in turns] if texts else None
    if not is_message(value) or sides_of(value) is not None:
        return None
    return _message(value, line) if record.arrays or has_role(value) else None


def _message(message: Json, line: int) -> _Message:
    text = text_of(message) or ""
    if isinstance(message, dict):
        for key in ROLES:
            if isinstance(role := message.get(key), str):
                return _Message(text, key, role, line)
    return _Message(text, "", "", line)


def _add(turns: Turns, messages: Sequence[_Message], by: RepliesBy) -> None:
    """Adds the messages of one conversation that speakers have said."""
    roles = {message.role.strip().lower() for message in messages if message.key}
    for message in messages:
        if _is_spoken(message, roles):
            turns.add(message.text, message.line, not message.key or by(message.role))
        else:
            turns.skipped[SYSTEM] += 1


def _is_spoken(message: _Message, roles: set[str]) -> bool:
    """Whether a message is a speaker's, among the roles of its conversation."""
    role = message.role.strip().lower()
    if role == "sys" or (role == "system" and message.key not in ("role", "from")):
        return answers_users(roles - {role})
    return role not in _NO_SPEAKERS

"""What the JSON formats share: the shapes of records, and how a file is recognised by them.

Comes in: JSON records. Goes out: which of the shapes a record has, the texts in it, and the share
of a sample's records that have a format's shape. No record has two shapes, so no file is two
formats. Knows nothing of files but their samples.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Format
from chatbot.corpus.formats.json_stream import CUT_OFF, Json, JsonStream, Record
from chatbot.corpus.formats.shape import weighed

EMPTY = "empty conversation"

TURN_LISTS = (
    *("messages", "conversations", "conversation", "dialog", "dialogue", "dialogs", "dialogues"),
    *("turns", "utterances", "log", "content"),
)
TEXTS = ("content", "value", "text", "utterance", "message")
ROLES = ("role", "from", "speaker", "sender", "agent", "author", "user")
QUESTIONS = (
    *("instruction", "query", "prompt", "question", "ask", "input", "human", "q", "post", "title"),
    *("user", "问题", "提问", "问"),
)
ANSWERS = (
    *("output", "response", "completion", "answer", "answers", "reply", "replies", "responses"),
    *("assistant", "target", "a", "回答", "答案", "答"),
)

_TURN_LISTS = frozenset(TURN_LISTS)
_SURROGATES = re.compile("[\ud800-\udfff]")
_LIKE_A_NAME = re.compile(r"[\x21-\x7e]*")


def text_of(value: Json) -> str | None:
    """The text that a JSON value stands for; None if it stands for none.

    Parts of a text are joined, and halves of surrogate pairs become U+FFFD.

    >>> text_of([{"type": "text", "text": "早"}, {"type": "image_url"}, "！"])
    '早！'
    """
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(text_of(part) or "" for part in value)
    if isinstance(value, dict):
        return next((text_of(value[key]) for key in TEXTS if key in value), None)
    return json.dumps(value)


def is_message(value: Json) -> bool:
    """Whether this is an object with a text, as of one turn."""
    return isinstance(value, dict) and any(
        key in value and isinstance(value[key], str | list | None) for key in TEXTS
    )


def has_role(message: Mapping[str, Json]) -> bool:
    """Whether an object names who speaks."""
    return any(isinstance(message.get(key), str) for key in ROLES)


def turns_of(record: Json) -> list[Json] | None:
    """The list of messages, texts or sides that an object has as its conversation, if any."""
    if _TURN_LISTS.isdisjoint(record):  # the usual case, at a tenth of the time
        return None
    for key in TURN_LISTS:
        turns = record.get(key)
        if isinstance(turns, list) and (key != "content" or not has_role(record)):
            first = turns[0] if turns else ""
            if isinstance(first, str) or is_message(first) or sides_of(first):
                return turns
    return None


def sides_of(record: Json) -> tuple[dict[str, Json], str, str] | None:
    """The object, and the names of its question and of its answer, if it has both.

    Capitals in names do not matter; the object comes with the names that it is to be asked for.
    """
    if not isinstance(record, dict):
        return None
    for named in (record, {key.lower(): value for key, value in record.items()}):
        question = next((key for key in QUESTIONS if isinstance(named.get(key), str)), None)
        answer = next((key for key in ANSWERS if key in named), None)
        if question and answer and answers_of(named[answer]):
            return named, question, answer
    return None


def answers_of(value: Json) -> list[str]:
    """The text, or the texts of a list, that are the answers to one question."""
    texts = [text_of(one) for one in (value if isinstance(value, list) else [value])]
    return [] if None in texts else [text for text in texts if text is not None]


def is_record(record: dict[str, Json]) -> bool:
    """Whether an object is a conversation, a turn of one, or a question with its answer."""
    if turns_of(record) is not None or sides_of(record) is not None:
        return True
    return is_message(record) and (has_role(record) or not _holds(record))


def _holds(record: dict[str, Json]) -> bool:
    """Whether lists of other things are in it, as in {"message": "success", "data": [...]}."""
    lists = (value for key, value in record.items() if isinstance(value, list) and key not in TEXTS)
    return any(value and isinstance(value[0], list | dict) for value in lists)


def is_list(record: Record) -> bool:
    """Whether this is a list of texts that is a conversation: no object's member, not too deep."""
    return (
        isinstance(record.value, list)
        and record.key is None
        and record.arrays <= 1
        and all(turn is None or isinstance(turn, str) for turn in record.value)
    )


def like_names(texts: Sequence[str]) -> bool:
    """Whether most of these look like names or paths in a program, and not like what people say."""
    return 2 * sum(_LIKE_A_NAME.fullmatch(text) is not None for text in texts) > len(texts)


class JsonFormat(Format):
    """A format whose records are found by `JsonStream`."""

    members: ClassVar[bool] = False
    """whether the members of objects are its records"""
    shape: ClassVar[str]
    """what its records are, in a clause for the user"""

    @abstractmethod
    def fits(self, record: Record) -> bool:
        """Whether a record has this format's shape and no other's."""

    def plausible(self, records: Sequence[Record]) -> float:
        """How much to believe records that all fit, 0 to 1."""
        return 1.0

    @abstractmethod
    def read_records(
        self, records: Iterator[Record], name: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """The conversations of the records."""

    def evidence(self, sample: Sample) -> Evidence:
        """The share of the records in the sample that fit."""
        first = next((line for line in sample.lines if line.strip()), "")
        if first.lstrip("\ufeff \t")[:1] not in ("[", "{"):
            return NOTHING
        records, damaged = self._sampled(sample, partial=False)
        if not records and not sample.whole:
            records, damaged = self._sampled(sample, partial=True)
        fitting = [record for record in records if self.fits(record)]
        if not fitting:
            return NOTHING
        top = self.plausible(fitting)
        if not top:
            return NOTHING
        total = len(records) + damaged
        return weighed(top, len(fitting), total, f"are {self.shape}", "JSON records")

    def _sampled(self, sample: Sample, partial: bool) -> tuple[list[Record], int]:
        skipped: Counter[str] = Counter()
        text = iter(["\n".join(sample.lines)])
        records = list(self._stream(sample.name, text, skipped, partial).records())
        del skipped[CUT_OFF]
        return records, skipped.total()

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The conversations of the file.

        Raises:
            ChatbotError: a record is longer than 16 MiB.
        """
        records = self._stream(text.name, text.blocks(), skipped).records()
        yield from self.read_records(records, text.name, skipped)

    def _stream(
        self, name: str, blocks: Iterator[str], skipped: Counter[str], partial: bool = False
    ) -> JsonStream:
        whole = None if self.members else is_record
        return JsonStream(name, blocks, skipped, whole, partial=partial)

"""Conversations that are JSON lists of texts.

Comes in: JSON records. Goes out: conversations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chatbot.corpus.formats.base import NO_CONVERSATION, Conversation, Example
from chatbot.corpus.formats.json_shapes import (
    EMPTY,
    JsonFormat,
    is_list,
    text_of,
)
from chatbot.corpus.formats.json_stream import Record


class JsonLists(JsonFormat):
    """A conversation is a list of texts; each text answers the one before.

    The file is one array of such lists, or an object of several arrays (`train`, `valid`, `test`:
    all are read), or has one list a line. This is the shape of LCCC. A text may already be cut
    into words by blanks.
    """

    name = "json-lists"
    title = "JSON lists of texts"
    shape = "lists of texts"
    examples = (
        Example(
            {"talks.json": '[["早", "你早", "吃了吗"],\n ["晚安", "好梦"]]\n'},
            [("早", "你早"), ("你早", "吃了吗"), ("晚安", "好梦")],
        ),
        Example(
            {"splits.json": '{"train": [["早", "你 早"]], "valid": [["晚安", "好 梦"]]}\n'},
            [("早", "你 早"), ("晚安", "好 梦")],
        ),
        Example(
            {"talks.jsonl": '["早", "你早"]\n["晚安", "好梦"]\n'},
            [("早", "你早"), ("晚安", "好梦")],
        ),
    )

    def fits(self, record: Record) -> bool:
        """Whether the record is a list of texts that is no object's member."""
        return is_list(record) and bool(record.value)

    def plausible(self, records: Sequence[Record]) -> float:
        """A single list may be anything; a list of two or more lists is conversations."""
        alone = len(records) == 1 and records[0].arrays == 0
        return 0.7 if alone and len(records[0].value) <= 2 else 0.4 if alone else 1.0

    def read_records(
        self, records: Iterator[Record], name: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """One conversation for every list of texts."""
        for record in records:
            if not is_list(record):
                skipped[NO_CONVERSATION] += 1
            elif not record.value:
                skipped[EMPTY] += 1
            else:
                turns = [text_of(turn) or "" for turn in record.value]
                yield Conversation(turns, [record.line] * len(turns))

"""JSON objects whose names are questions and whose values are their answers.

Comes in: JSON records, each a member of an object. Goes out: a conversation for every answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chatbot.corpus.formats.base import NO_CONVERSATION, Conversation, Example
from chatbot.corpus.formats.json_shapes import (
    QUESTIONS,
    JsonFormat,
    like_names,
    text_of,
)
from chatbot.corpus.formats.json_stream import Record


class QuestionAnswers(JsonFormat):
    """An object whose names are questions; each value is the answer, or a list of answers.

    Every answer gives a pair. The file is one object, an array of objects, or has one a line. It is
    not recognised where most names look like those of settings (`name`, `max_size`); `--format
    question-answers` reads it all the same.
    """

    name = "question-answers"
    title = "JSON object of questions and answers"
    shape = "questions with their answers"
    members = True
    examples = (
        Example(
            {"faq.json": '{"早": ["你早", "早啊"],\n "晚安": "好梦"}\n'},
            [("早", "你早"), ("早", "早啊"), ("晚安", "好梦")],
        ),
    )

    def fits(self, record: Record) -> bool:
        """Whether the record is a member whose value is a text or a list of texts."""
        return record.key is not None and _answers(record) is not None

    def plausible(self, records: Sequence[Record]) -> float:
        """Names like those of settings, or the same ones in every object, are no questions."""
        names = [record.key or "" for record in records]
        fields = len(set(names)) <= len(names) / 2 or set(names) & set(QUESTIONS)
        return 0.0 if fields or like_names(names) else 1.0

    def read_records(
        self, records: Iterator[Record], name: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """One conversation for every answer."""
        for record in records:
            answers = _answers(record)
            if record.key is None or answers is None:
                skipped[NO_CONVERSATION] += 1
                continue
            for answer in answers:
                yield Conversation([text_of(record.key) or "", answer], [record.line] * 2)


def _answers(record: Record) -> list[str] | None:
    """The answers to a question; None where they are no texts."""
    value = record.value
    values = value if isinstance(value, list) else [value]
    if not values or not all(one is None or isinstance(one, str) for one in values):
        return None
    return [text_of(one) or "" for one in values]

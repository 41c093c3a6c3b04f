"""Questions with their answers in JSON objects, as for instruction tuning.

Comes in: JSON records. Goes out: conversations of which only the marked answers are replies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from chatbot.corpus.formats.base import NO_CONVERSATION, Conversation, Example
from chatbot.corpus.formats.json_shapes import (
    EMPTY,
    JsonFormat,
    answers_of,
    like_names,
    sides_of,
    text_of,
    turns_of,
)
from chatbot.corpus.formats.json_stream import Json, Record

RATED_DOWN = "answers rated down"


class Instruction(JsonFormat):
    """An object holds a question and its answer; only the answer is a reply.

    The question is called `instruction`, `query`, `prompt`, `question`, `ask`, `input`, `human`,
    `q`, `post`, `title`, `user`, `问题`, `提问` or `问`, the answer `output`, `response`,
    `completion`, `answer`, `reply` (or the plural of these), `assistant`, `target`, `a`, `回答`,
    `答案` or `答`. An `input` or `context` beside an `instruction` is put after it. Several answers
    are as many pairs. In `history`, a list of pairs, texts or messages, stand the earlier turns:
    they are context, and no replies. In an object with a list of such objects (`conversation`),
    each answer is a reply, and the earlier ones are context. A `system` field is left out, and so
    is an object whose `rating` is `down`, as in transcripts of `chatbot chat`. The file is one
    array or object of such objects, also inside others, or has one a line.
    """

    name = "instruction"
    title = "JSON questions with answers"
    shape = "questions with answers"
    examples = (
        Example(
            {
                "alpaca.json": '[{"instruction": "说早", "input": "", "output": "早"},\n'
                ' {"instruction": "翻译", "input": "早", "output": "Morning"}]\n'
            },
            [("说早", "早"), ("翻译 早", "Morning")],
        ),
        Example(
            {
                "chatglm.jsonl": '{"query": "吃了吗", "response": "吃了", '
                '"history": [["早", "你早"]]}\n'
            },
            [("吃了吗", "吃了")],
        ),
        Example(
            {
                "xtuner.json": '[{"conversation": [{"system": "友好", "input": "早", '
                '"output": "你早"}, {"input": "晚安", "output": "好梦"}]}]\n'
            },
            [("早", "你早"), ("晚安", "好梦")],
        ),
        Example(
            {"faq.json": '[{"question": "早", "answers": ["你早", "早啊"]}]\n'},
            [("早", "你早"), ("早", "早啊")],
        ),
    )

    def fits(self, record: Record) -> bool:
        """Whether the record is a question with its answer, or a list of such."""
        if not isinstance(record.value, dict):
            return False
        turns = turns_of(record.value)
        if turns is not None:
            return bool(turns) and sides_of(turns[0]) is not None
        return sides_of(record.value) is not None

    def plausible(self, records: Sequence[Record]) -> float:
        """A single object whose sides look like names is a configuration."""
        sides = sides_of(records[0].value)
        if len(records) > 1 or sides is None:
            return 1.0
        named, question, answer = sides
        return 0.0 if like_names([named[question], *answers_of(named[answer])]) else 1.0

    def read_records(
        self, records: Iterator[Record], name: str, skipped: Counter[str]
    ) -> Iterator[Conversation]:
        """A conversation for every answer, or for every list of questions with answers."""
        for record in records:
            value = record.value
            turns = turns_of(value) if isinstance(value, dict) else None
            if turns is not None:
                yield from _exchanges(turns, record.line, skipped)
            elif (sides := sides_of(value)) is None:
                skipped[NO_CONVERSATION] += 1
            elif sides[0].get("rating") == "down":
                skipped[RATED_DOWN] += 1
            else:
                named, question, answer = sides
                before = [*_history(named.get("history")), _question(named, question)]
                for text in answers_of(named[answer]):
                    replies = [False] * len(before) + [True]
                    lines = [record.line] * len(replies)
                    yield Conversation([*before, text], lines, replies)


def _exchanges(turns: Sequence[Json], line: int, skipped: Counter[str]) -> Iterator[Conversation]:
    """The conversation of a list of questions with answers."""
    texts: list[str] = []
    for turn in turns:
        if (sides := sides_of(turn)) is None:
            skipped[NO_CONVERSATION] += 1
            return
        named, question, answer = sides
        texts += [_question(named, question), "\n".join(answers_of(named[answer]))]
    if texts:
        yield Conversation(texts, [line] * len(texts), [i % 2 == 1 for i in range(len(texts))])
    else:
        skipped[EMPTY] += 1


def _question(record: Mapping[str, Json], key: str) -> str:
    """What is asked: with an instruction, what it is about after it."""
    text = text_of(record[key]) or ""
    if key == "instruction":
        about = record.get("input") or record.get("context") or ""
        return "\n".join(part for part in (text, text_of(about)) if part)
    return text


def _history(history: Json) -> Iterator[str]:
    """The earlier turns: pairs, texts, messages, or objects of two sides."""
    for turn in history if isinstance(history, list) else [history or []]:
        if isinstance(turn, list):
            yield from (text_of(side) or "" for side in turn)
        elif (sides := sides_of(turn)) is not None:
            named, question, answer = sides
            yield from (_question(named, question), "\n".join(answers_of(named[answer])))
        elif not (isinstance(turn, dict) and turn.get("role") == "system"):
            yield text_of(turn) or ""

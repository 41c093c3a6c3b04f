"""Two files of which line i of one answers line i of the other; they are told by their names.

Comes in: the file of the questions; the file of the replies is looked for beside it. Goes out: a
conversation of two turns for every line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.answers import Answers
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.names import renamed, turned
from chatbot.corpus.formats.separated import TabLines
from chatbot.corpus.formats.shape import REFUSED
from chatbot.corpus.formats.speakers import SpeakerTable
from chatbot.corpus.formats.table import Table
from chatbot.errors import ChatbotError

_SIDES = {
    "enc": ("dec",),
    "encode": ("decode",),
    "encoder": ("decoder",),
    "question": ("answer", "reply"),
    "questions": ("answers", "replies"),
    "ask": ("answer", "reply"),
    "query": ("response", "answer", "reply"),
    "post": ("response", "reply"),
    "posts": ("responses", "replies"),
    "prompt": ("response",),
    "context": ("response",),
    "src": ("trg", "tgt"),
    "source": ("target",),
    "input": ("output",),
    "from": ("to",),
    "问": ("答",),
    "问题": ("回答", "答案"),
}
_QUESTIONS = turned(_SIDES)
_NO_LINES = (".json", ".jsonl", ".yml", ".yaml")
"""What the names of files end in whose lines are no utterances."""


def reply_names(name: str) -> list[str]:
    """The names that the reply side may have if a file of this name is the question side.

    JSON and YAML files have none.

    >>> reply_names("x_post.txt")
    ['x_response.txt', 'x_reply.txt']
    """
    return [] if name.lower().endswith(_NO_LINES) else renamed(name, _SIDES)


def question_names(name: str) -> list[str]:
    """The names that the question side may have if a file of this name is the reply side.

    >>> question_names("train.dec")
    ['train.enc']
    """
    return [] if name.lower().endswith(_NO_LINES) else renamed(name, _QUESTIONS)


class Paired(Format):
    """Line i of one file is answered by line i of the other.

    The two stand in one folder and their names tell which is which: one word is exchanged, the rest
    is the same. Known are enc/dec, encode/decode, encoder/decoder, question/answer or reply,
    ask/answer or reply, query/response, answer or reply, post/response or reply, prompt/response,
    context/response, src/trg or tgt, source/target, input/output, from/to, 问/答 and 问题/回答 or
    答案, as in `train.enc`, `x_post.txt` or `Questions`. It is enough to name one of the two files.
    If one has more lines than the other, that is an error. Where one is a table by itself, as of
    ids and texts, you are asked: `--format paired` takes its lines as they are.
    """

    name = "paired"
    title = "paired files"
    examples = (
        Example(
            {"train.enc": "早\n晚安\n", "train.dec": "你早\n好梦\n"},
            [("早", "你早"), ("晚安", "好梦")],
        ),
        Example({"x_post.txt": "早\n", "x_response.txt": "你早\n"}, [("早", "你早")]),
    )

    def companions(self, name: str) -> Sequence[str]:
        """The names of the reply side."""
        return reply_names(name)

    def openers(self, name: str) -> Sequence[str]:
        """The names of the question side."""
        return question_names(name)

    def evidence(self, sample: Sample) -> Evidence:
        """Certain of a question side's name: that its reply side stands beside it is no chance."""
        if not reply_names(sample.name):
            return NOTHING
        return Evidence(1.0, "its name and the one beside it are those of paired files")

    def rivals(self, sample: Sample, companion: Sample) -> Sequence[tuple[Format, Evidence]]:
        """The reader of tables that one side is for, if its lines have fields of their own."""
        for side in (sample, companion):
            readers = [one(self.reading) for one in (TabLines, Table, SpeakerTable, Answers)]
            found = [(reader, reader.evidence(side)) for reader in readers]
            best, evidence = max(found, key=lambda one: one[1].sureness)
            if evidence.sureness >= REFUSED:
                reason = f"in {side.name} {evidence.reason}"
                return [(best, Evidence(evidence.sureness, reason))]
        return ()

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One pair for every line.

        Raises:
            ChatbotError: there is no reply side, or one side is longer.
        """
        names = reply_names(text.short_name)
        replies = text.beside(names)
        if replies is None:
            raise ChatbotError(
                f"{text.name}: paired files have names such as train.enc and train.dec; no file of "
                f"replies stands beside this one ({', '.join(names) or 'its name is no such'}). "
                "Rename the two."
            )
        questions, answers = text.lines(), replies.lines()
        count = 0
        for count, question in questions:
            answer = next(answers, None)
            if answer is None:
                more = sum(1 for _ in questions)
                raise _unequal(text, replies, count + more, count - 1)
            yield Conversation((question, answer[1]), (count, count))
        more = sum(1 for _ in answers)
        if more:
            raise _unequal(text, replies, count, count + more)


def _unequal(text: Text, replies: Text, questions: int, answers: int) -> ChatbotError:
    return ChatbotError(
        f"{text.name}: {questions:,} lines, but {PurePath(replies.name).name} has {answers:,}. "
        "Line i of one must answer line i of the other; mend the files."
    )

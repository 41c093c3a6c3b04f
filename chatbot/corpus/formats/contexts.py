"""Lines of several turns of which the last is the reply to learn.

Comes in: a text. Goes out: a conversation for every line, with its last turn as the only reply and
the turns before it as context.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import (
    NOTHING,
    WRONG_FIELDS,
    Conversation,
    Evidence,
    Example,
    Format,
)
from chatbot.corpus.formats.shape import doubted, filled, looks_listed, weighed
from chatbot.corpus.formats.table import NEGATIVE


class LabelledLines(Format):
    """A label, the turns of a conversation and a response, with TABs between.

    Lines that begin with 1 are kept: the last turn is the reply to the one before it, and the
    earlier turns are its context (`--context`). Lines that begin with 0 hold a response that does
    not belong there; they are skipped and counted as "label 0 (a negative)".
    """

    name = "labels"
    title = "labelled turns"
    examples = (
        Example(
            {"train.txt": "1\t在吗\t在的\t有货吗\n0\t在吗\t在的\t今天下雨\n1\t早\t你早\n"},
            [("在的", "有货吗"), ("早", "你早")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines that begin with 0 or 1 and have two turns or more."""
        if self.reading.columns:
            return NOTHING
        lines = filled(sample)
        fields = [line.split("\t") for line in lines]
        fits = [one for one in fields if len(one) > 2 and one[0].strip() in ("0", "1")]
        found = weighed(0.96, len(fits), len(lines), "are a label and turns by TAB")
        return doubted(found, looks_listed([(one[-1], "") for one in fits]) and "they hold numbers")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One conversation for every line with label 1."""
        for number, line in text.lines():
            label, *turns = line.split("\t")
            label = label.strip()
            if len(turns) > 1 and label == "1":
                yield _with_one_reply(turns, number)
            elif len(turns) > 1 and label == "0":
                skipped[NEGATIVE] += 1
            elif line.strip():
                skipped[WRONG_FIELDS] += 1


class ContextLines(Format):
    """The turns of a conversation with `<s>` between them, a TAB, and the reply to the last.

    The earlier turns are context (`--context`). A line without exactly one TAB is skipped and
    counted as "wrong number of fields".
    """

    name = "contexts"
    title = "turns with <s> and a reply"
    examples = (
        Example(
            {"train.txt": "在吗<s>在的\t有货吗\n早\t你早\n"}, [("在的", "有货吗"), ("早", "你早")]
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines of two fields, if `<s>` parts turns in many of them."""
        if self.reading.columns:
            return NOTHING
        lines = filled(sample)
        contexts = [line.split("\t")[0] for line in lines if line.count("\t") == 1]
        parted = sum("<s>" in context for context in contexts)
        if parted < 0.2 * len(contexts):
            return NOTHING
        what = f"have one TAB, {parted:,} of them with <s> before it"
        return weighed(0.96, len(contexts), len(lines), what)

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One conversation for every line."""
        for number, line in text.lines():
            context, tab, reply = line.partition("\t")
            if tab and "\t" not in reply:
                turns = context.split("<s>")
                if len(turns) > 1 and not turns[-1].strip():
                    turns.pop()
                yield _with_one_reply([*turns, reply], number)
            elif line.strip():
                skipped[WRONG_FIELDS] += 1


def _with_one_reply(turns: Sequence[str], number: int) -> Conversation:
    size = len(turns)
    return Conversation(turns, (number,) * size, [False] * (size - 1) + [True])

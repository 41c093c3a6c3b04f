"""Tables with one utterance a row.

Comes in: a text with rows parted by commas, semicolons or TABs, the first of which names the
columns. Goes out: the conversations whose turns follow each other in the rows.
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
from chatbot.corpus.formats.rows import rows
from chatbot.corpus.formats.shape import weighed
from chatbot.corpus.formats.table import Layout, layouts
from chatbot.corpus.formats.turns import SYSTEM, RepliesBy, Turns, answers_users
from chatbot.errors import ChatbotError


class SpeakerTable(Format):
    """One utterance a row, with its conversation, its speaker, or both in other columns.

    The first row names the columns, such as `Dialogue_ID,Speaker,Utterance`, `conversation_id,text`
    or `会话id,角色,内容`. Each row answers the one before it while the conversation stays the same,
    whoever speaks; `--replies-by NAME` makes replies of one speaker's turns only. Turns of the role
    `system` are left out and counted as "system turn", unless the other side is only users. A row
    with more or fewer fields than the first is counted as "wrong number of fields", and nothing is
    answered across it.
    """

    name = "csv-turns"
    title = "table with one utterance a row (CSV)"
    examples = (
        Example(
            {
                "talks.csv": 'Dialogue_ID,Speaker,Utterance\n0,小明,你好\n0,小红,"早,早"\n'
                "0,小红,吃了吗\n1,小明,晚安\n1,小红,好梦\n"
            },
            [("你好", "早,早"), ("早,早", "吃了吗"), ("晚安", "好梦")],
        ),
        Example({"talks.tsv": "角色\t内容\n客户\t在吗\n客服\t在的\n"}, [("在吗", "在的")]),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of rows as wide as the first, if that names utterances and whose they are."""
        layout = _of_turns(sample)
        if layout is None or self.reading.columns:
            return NOTHING
        return weighed(
            0.97,
            layout.fits if layout.of else 1,
            layout.of or 1,
            f"have {layout.width} fields by {layout.called} under a header of utterances",
            "rows",
        )

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The utterances of one conversation after the other."""
        sample = text.sample()
        layout = _of_turns(sample)
        if layout is None:
            raise ChatbotError(
                f"{text.name}:1: the first row names no column of utterances with one of speakers "
                "or conversations. Name them, e.g. conversation,speaker,utterance."
            )
        by, turns = RepliesBy(self.reading), Turns(skipped)
        system = _system_is_a_role(sample, layout)
        named, before = layout.roles, None
        table = rows(text.lines(), layout.delimiter, layout.quoted)
        next(table, None)
        for number, fields in table:
            if len(fields) != layout.width:
                skipped[WRONG_FIELDS] += 1
                if one := turns.end():
                    yield one
                continue
            conversation = None if named.conversation is None else fields[named.conversation]
            if conversation != before and (one := turns.end()):
                yield one
            before = conversation
            speaker = "" if named.speaker is None else fields[named.speaker]
            if system and speaker.strip().casefold() == "system":
                skipped[SYSTEM] += 1
                continue
            reply = named.speaker is None or by(speaker)
            turns.add(fields[named.utterance or 0], number, reply)
            if turns.full:
                yield turns.piece()
        if one := turns.end():
            yield one
        by.check(text.name)


def _of_turns(sample: Sample) -> Layout | None:
    found = (one for one in layouts(sample) if one.roles.has_turns and not one.roles.answers)
    return next(found, None)


def _system_is_a_role(sample: Sample, layout: Layout) -> bool:
    """Whether `system` is an instruction to the speakers, and not the one who answers users."""
    place = layout.roles.speaker
    if place is None:
        return False
    table = rows(iter(enumerate(sample.lines, 1)), layout.delimiter, layout.quoted)
    names: Sequence[str] = [
        fields[place].strip().casefold()
        for row, (_, fields) in enumerate(table)
        if row and len(fields) == layout.width
    ]
    return not answers_users(set(names) - {"system"})

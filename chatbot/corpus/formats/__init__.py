"""The formats a corpus file may have, and which of them a file is in.

Comes in: a text with its encoding settled. Goes out: the reader of its format and the evidence.
Every reader weighs the file's beginning, and the surest one is taken; if two are about equally
sure, the user is asked instead of a guess made. Knows nothing of how any format is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import Text
from chatbot.corpus.formats.answers import Answers
from chatbot.corpus.formats.base import NO_ANSWER, Evidence, Format
from chatbot.corpus.formats.chat import NOTICE, Chat
from chatbot.corpus.formats.chatterbot import Chatterbot
from chatbot.corpus.formats.contexts import ContextLines, LabelledLines
from chatbot.corpus.formats.conv import Conv, SlashedConv
from chatbot.corpus.formats.cornell import Cornell
from chatbot.corpus.formats.fbdialog import PERSONA, FbDialog
from chatbot.corpus.formats.headings import HEADER
from chatbot.corpus.formats.instruction import Instruction
from chatbot.corpus.formats.json_lists import JsonLists
from chatbot.corpus.formats.json_messages import JsonMessages
from chatbot.corpus.formats.marked import EouLines, QaLines
from chatbot.corpus.formats.paired import Paired
from chatbot.corpus.formats.plain import Alternating, Blocks
from chatbot.corpus.formats.question_answers import QuestionAnswers
from chatbot.corpus.formats.separated import AtLines, EqualsLines, PipeLines, TabLines
from chatbot.corpus.formats.speakers import SpeakerTable
from chatbot.corpus.formats.sqlite import Sqlite
from chatbot.corpus.formats.table import NEGATIVE, Table, table_fault
from chatbot.corpus.formats.turns import NO_MARKED_REPLY, SYSTEM
from chatbot.errors import ChatbotError

FORMATS: tuple[type[Format], ...] = (
    Conv,
    SlashedConv,
    TabLines,
    PipeLines,
    EqualsLines,
    AtLines,
    Answers,
    Table,
    SpeakerTable,
    Alternating,
    Blocks,
    QaLines,
    Chat,
    EouLines,
    LabelledLines,
    ContextLines,
    FbDialog,
    JsonMessages,
    JsonLists,
    Instruction,
    QuestionAnswers,
    Chatterbot,
    Sqlite,
    Cornell,
    Paired,
)
"""Every format, in the order of docs/formats.md."""

ON_PURPOSE = frozenset({NO_ANSWER, NEGATIVE, SYSTEM, PERSONA, NOTICE, HEADER, NO_MARKED_REPLY})
"""Reasons for which a line or a turn is passed over in a file that is read as it should be."""

ENOUGH = 0.5
"""The least sureness with which a file is taken."""

TIE = 0.05
"""Formats whose sureness differs by less are equally sure."""


def format_named(name: str) -> type[Format]:
    """The format that `--format` calls by this name.

    Raises:
        ChatbotError: there is none.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    raise ChatbotError(f"--format {name}: no such format. Known: {_names()}.")


def recognise(text: Text, reading: ReadingConfig) -> tuple[Format, Evidence]:
    """The reader of a file's format, and how sure it is and why; the one that `--format` names.

    Raises:
        ChatbotError: no format explains the file, two do about equally well, or there is none of
            the name given.
    """
    if reading.format is not None:
        chosen = format_named(reading.format)(reading)
        return chosen, Evidence(1.0, f"--format {reading.format} says so")
    sample = text.sample()
    found = []
    for one in FORMATS:
        reader = one(reading)
        evidence = reader.evidence(sample)
        companions = reader.companions(sample.name)
        if evidence.sureness > 0 and (not companions or text.beside(companions) is not None):
            found.append((reader, evidence))
    found.sort(key=lambda one: -one[1].sureness)
    if not found or found[0][1].sureness < ENOUGH:
        fault = table_fault(sample, text.name, reading.columns)
        raise fault or _unknown(text.name, sample.lines, found)
    best = found[0][1].sureness
    equal = [one for one in found if best - one[1].sureness < TIE - 1e-9]
    companion = text.beside(found[0][0].companions(sample.name))
    if len(equal) == 1 and companion is not None:
        equal += found[0][0].rivals(sample, companion.sample())
    if len(equal) > 1:
        plain = all(isinstance(one, Alternating | Blocks | Chat) for one, _ in equal)
        fault = table_fault(sample, text.name, reading.columns) if plain else None
        raise fault or _undecided(text.name, equal)
    return found[0]


def _names() -> str:
    return ", ".join(one.name for one in FORMATS)


def _unknown(
    where: str, lines: Sequence[str], found: Sequence[tuple[Format, Evidence]]
) -> ChatbotError:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return ChatbotError(
            f"{where}: format not recognised; it begins with no text. Name files of text only."
        )
    near = ""
    if found:
        near = f" Nearest is {found[0][0].title}: {found[0][1].reason}."
    return ChatbotError(
        f"{where}: format not recognised; the first line reads {first.strip()[:40]!r}.{near} Name "
        f"it with --format, one of {_names()}, or see docs/formats.md."
    )


def _undecided(where: str, equal: Sequence[tuple[Format, Evidence]]) -> ChatbotError:
    candidates = "; ".join(
        f"{one.title} ({evidence.reason}): --format {one.name}" for one, evidence in equal
    )
    return ChatbotError(f"{where}: may be in {len(equal)} formats. Say which: {candidates}.")

r"""Lines with the names of those who speak: exports of chat programs, and `小明：你好` lines.

Comes in: a text. Goes out: conversations, without the names and times. How a file writes them is
told from its beginning: a name with its time above each message or behind it, a time and a name in
front of each message, or only a name.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NOTHING, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.people import STAMP, STAMPED, SURELY
from chatbot.corpus.formats.plain import UNDECIDED, parted
from chatbot.corpus.formats.shape import doubted, filled, looks_coded, looks_spoken, weighed
from chatbot.corpus.formats.turns import RepliesBy, Turns
from chatbot.errors import ChatbotError

NO_NAME = "no name in front"
NOTICE = "notice by no one"

MOST_LINES = 1_000
"""Lines of one message; what follows them is counted as `NO_NAME`."""

_NAME = r"(?P<name>[^\s:：\[\]][^:：\[\]]{,39}?)"
_TEXT = r"\s*[:：](?!//)\s*(?P<text>.*)"
_ABOVE = re.compile(rf"{STAMP}\s+(?!-\s){_NAME}(?P<text>)\s*")
_BEHIND = re.compile(rf"\s*{_NAME}\s+{STAMP}(?P<text>)\s*")
_TIMED = re.compile(rf"{STAMP}\s*(?:-\s+)?{_NAME}{_TEXT}", re.DOTALL)
_NAMED = re.compile(rf"[\s\ufeff]*{_NAME}{_TEXT}", re.DOTALL)
_WRITTEN = {
    _ABOVE: "are a time and a name",
    _BEHIND: "are a name and a time",
    _TIMED: "begin with a time and a name",
    _NAMED: "begin with a name",
}
_LEVELS = r".*\b(?:trace|debug|info|warn|warning|error|fatal|critical|notice)\b.*"
_LEVEL = re.compile(_LEVELS, re.IGNORECASE | re.DOTALL)
_PROGRAM = re.compile(
    rf"{_LEVELS}|.*[<>{{}}()\[\]/\\=#|@].*|.*\w\.\w.*|\W*\d*\W*", re.IGNORECASE | re.DOTALL
)
_PLAIN = re.compile(r"[a-z0-9_\-]+")


class _Way(NamedTuple):
    """How a file says who speaks, and how sure that is."""

    head: re.Pattern[str]
    """what finds a name"""
    fits: int
    """lines in which it finds one"""
    evidence: Evidence


class Chat(Format):
    """Messages with the names of those who write them, as chat programs export them.

    The name stands above its message with date and time (`2024-01-01 10:00 小明`, or the name
    first), or both in front of it (`01/01/24, 10:00 - Name: text`, `[01/01/24, 10:00:00] Name:
    text`), or the name alone does (`小明：你好`, `User: hi`). Names and times are taken away. Lines
    without them belong to the message before, where there are times; a line with a time and no name
    is counted as "notice by no one". Where there are only names, a line without one is counted as
    "no name in front", nothing is answered across it, and blank lines part conversations. Names
    that may as well be labels (`Title: …`) are asked about. `--replies-by 小红` makes replies of
    one writer's messages only.
    """

    name = "chat"
    title = "chat with names"
    examples = (
        Example(
            {
                "wechat.txt": "2024-01-01 10:00 小明\n你好\n2024-01-01 10:01 小红\n早\n吃了吗\n\n"
                "2024-01-01 10:02 小明\n吃了\n"
            },
            [("你好", "早 吃了吗"), ("早 吃了吗", "吃了")],
        ),
        Example(
            {
                "whatsapp.txt": "01/01/24, 10:00 - Messages are encrypted.\n"
                "01/01/24, 10:00 - Ann: hi\n01/01/24, 10:01 - Ben: hello\nhow are you?\n"
            },
            [("hi", "hello how are you?")],
        ),
        Example({"talk.txt": "小明：你好\n小红：你好呀\n"}, [("你好", "你好呀")]),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """The share of lines with a name, if they are few and look like names of people."""
        return _way(sample).evidence

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """The messages, one after the other.

        Raises:
            ChatbotError: no line of its beginning has a name.
        """
        sample = text.sample()
        head = _way(sample).head
        if not any(map(head.fullmatch, sample.lines)):
            raise ChatbotError(
                f"{text.name}: no line says who speaks, such as 小明：你好 or 2024-01-01 10:00 "
                "小明. Leave --format out to have the format recognised."
            )
        by = RepliesBy(self.reading)
        if head is _NAMED:
            yield from _lines(text, skipped, by)
        else:
            yield from _messages(text, head, skipped, by)
        by.check(text.name)


def _lines(text: Text, skipped: Counter[str], by: RepliesBy) -> Iterator[Conversation]:
    """The conversations of lines that each begin with a name."""
    turns, gap = Turns(skipped), 0
    least = _least_gap(text.sample())
    for number, line in text.lines():
        if not line or line.isspace():
            gap += 1
            if gap == least and (one := turns.end()):
                yield one
            continue
        gap = 0
        head = _NAMED.fullmatch(line)
        if head is None:
            skipped[NO_NAME] += 1
            if one := turns.end():
                yield one
            continue
        turns.add(head["text"], number, by(head["name"]))
        if turns.full:
            yield turns.piece()
    if one := turns.end():
        yield one


def _least_gap(sample: Sample) -> int:
    """Blank lines that part conversations: more than stand between all messages."""
    found = parted(sample.lines)
    alone = sum(len(block) == 1 for block in found.blocks)
    return found.least + 1 if alone == len(found.blocks) else found.least


def _messages(
    text: Text, head: re.Pattern[str], skipped: Counter[str], by: RepliesBy
) -> Iterator[Conversation]:
    """The one conversation of messages with times, each with the lines that follow it."""
    turns = Turns(skipped)
    name, began, parts = "", 0, list[str]()
    for number, line in text.lines():
        found = head.fullmatch(line)
        if found is None and not (head is _TIMED and STAMPED.match(line)):
            if began and len(parts) < MOST_LINES:
                parts.append(line)
            elif line.strip():
                skipped[NO_NAME] += 1
            continue
        if began:
            turns.add("\n".join(parts), began, by(name))
            if turns.full:
                yield turns.piece()
        if found is None:
            began = 0
            skipped[NOTICE] += 1
        else:
            name, began, parts = found["name"], number, [found["text"]]
    if began:
        turns.add("\n".join(parts), began, by(name))
    if one := turns.end():
        yield one


def _way(sample: Sample) -> _Way:
    """The way that most lines are written in."""
    lines = filled(sample)
    ways = [_weighed(head, lines) for head in _WRITTEN]
    return max(ways, key=lambda way: (way.evidence.sureness, way.fits))


def _weighed(head: re.Pattern[str], lines: Sequence[str]) -> _Way:
    found = [head.fullmatch(line) for line in lines]
    heads = [one for one in found if one]
    names = Counter(one["name"].strip() for one in heads)
    if len(names) < 2 or len(names) > max(3, 0.5 * len(heads)):
        return _Way(head, len(heads), NOTHING)
    written = f"{_WRITTEN[head]} such as {heads[0]['name'].strip()}"
    if head is _NAMED:
        return _Way(head, len(heads), _weighed_names(heads, names, lines, written))
    evidence = weighed(0.93, len(heads), len(lines), written)
    if head is not _TIMED:
        pairs = itertools.pairwise(found)
        said = sum(one is not None and after is None for one, after in pairs)
        if said < 0.5 * len(heads) or len(heads) < 0.1 * len(lines):
            return _Way(head, len(heads), NOTHING)
        evidence = evidence._replace(sureness=0.93)
    return _Way(head, len(heads), doubted(evidence, _doubt(head, heads, names)))


def _doubt(head: re.Pattern[str], heads: Sequence[re.Match[str]], names: Counter[str]) -> str:
    """In words, why lines with times may be a program's."""
    sign = _PROGRAM if head is _TIMED else _LEVEL
    programs = [name for name in names if sign.fullmatch(name)]
    if len(programs) > 0.5 * len(names):
        return f"a log has names such as {programs[0]}"
    plain = head is _TIMED and all(map(_PLAIN.fullmatch, names))
    if plain and not looks_spoken([one["text"] for one in heads]):
        return "a log has such names too"
    return ""


def _weighed_names(
    heads: Sequence[re.Match[str]], names: Counter[str], lines: Sequence[str], written: str
) -> Evidence:
    """Names without times are taken only if they are people's; else they may be asked about."""
    evidence = weighed(0.9, len(heads), len(lines), written)
    few = len(names) <= max(2, 0.1 * len(heads))
    if not few or evidence.sureness < UNDECIDED or looks_coded([one["text"] for one in heads]):
        return NOTHING
    sure = sum(count for name, count in names.items() if SURELY.fullmatch(name))
    letters = sum(len(name) == 1 and name.isascii() for name in names)
    if sure >= 0.95 * len(heads) and letters <= 2:
        return evidence
    return Evidence(UNDECIDED, evidence.reason) if len(heads) >= 0.9 * len(lines) else NOTHING

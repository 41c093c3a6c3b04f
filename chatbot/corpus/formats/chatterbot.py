"""The YAML files of chatterbot-corpus.

Comes in: the lines of a text. Goes out: conversations. The list is taken apart line by line, so a
file may be of any size and a damaged conversation costs only itself; what stands in a conversation
is read by PyYAML's parser. No value is interpreted: `yes`, `3.10` and `2001-01-01` stay as written.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chatbot.corpus.files.text import Sample, Text
from chatbot.corpus.formats.base import NO_CONVERSATION, Conversation, Evidence, Example, Format
from chatbot.corpus.formats.shape import weighed
from chatbot.errors import ChatbotError

if TYPE_CHECKING:
    from yaml import Event

NOT_YAML = "not YAML"

_LARGEST = 16 << 20
_BATCH = 64 << 10
"""Characters parsed together; the parser takes long to start."""

_OPENING = re.compile(r"""["']?conversations["']?\s*:\s*(?:#.*)?""")
_ITEM = re.compile(r"( *)-(?:\s|$)")
_SECTION = re.compile(r"""[\w"'].*:(?:\s|$)|---|\.\.\.|%""")
_BLANK = re.compile(r"\s*(?:#.*)?")
_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_FORBIDDEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class _Item(NamedTuple):
    """The lines of one conversation."""

    line: int
    lines: Sequence[str]


class Chatterbot(Format):
    """A YAML list of conversations; each turn answers the one before.

    `conversations:` alone on a line is followed by the list, each conversation a list of texts in
    turn. This is the shape of the PyPI package chatterbot-corpus. Categories and anything else
    beside the conversations are passed over. Texts may be quoted or folded over several lines;
    those that YAML takes for numbers, dates or truth values stay as written. A conversation that is
    no list of texts, or no YAML (often an unquoted text that begins with `@`, `*`, `[` or `"`), is
    counted and left out.
    """

    name = "chatterbot"
    title = "chatterbot-corpus (YAML)"
    examples = (
        Example(
            {
                "talk.yml": "categories:\n- 问候\nconversations:\n- - 早\n  - 你早\n  - 吃了吗\n"
                "- - 1加1\n  - 2\n"
            },
            [("早", "你早"), ("你早", "吃了吗"), ("1加1", "2")],
        ),
    )

    def evidence(self, sample: Sample) -> Evidence:
        """Whether the lines have `conversations:` and a list after it."""
        items = list(itertools.islice(_items(iter(enumerate(sample.lines, 1)), sample.name), 1000))
        lists = sum(re.match(r" *-\s+-\s|\s*-\s*$", item.lines[0]) is not None for item in items)
        return weighed(0.98, lists, len(items), "under conversations: are lists", "YAML items")

    def read(self, text: Text, skipped: Counter[str]) -> Iterator[Conversation]:
        """One conversation for every item of the list.

        Raises:
            ChatbotError: an item is longer than 16 MiB.
        """
        batch: list[_Item] = []
        size = 0
        for item in _items(text.lines(), text.name):
            batch.append(item)
            size += sum(map(len, item.lines))
            if size > _BATCH:
                yield from _parsed(batch, skipped)
                batch, size = [], 0
        yield from _parsed(batch, skipped)


def _items(lines: Iterator[tuple[int, str]], name: str) -> Iterator[_Item]:
    """The items of the lists under `conversations:`, blank lines and comments with them."""
    indent: int | None = None
    opened, first, size = False, 0, 0
    item: list[str] = []
    for number, line in lines:
        line = _FORBIDDEN.sub("", _BREAKS.sub(" ", line))
        if not opened:
            opened, indent = _OPENING.fullmatch(line.rstrip()) is not None, None
            continue
        start = _ITEM.match(line)
        if start and (indent is None or len(start[1]) == indent):
            if item:
                yield _Item(first, item)
            indent, first, item, size = len(start[1]), number, [line], len(line)
        elif _SECTION.match(line):
            if item:
                yield _Item(first, item)
            opened, indent, item = _OPENING.fullmatch(line.rstrip()) is not None, None, []
        elif item or not _BLANK.fullmatch(line):
            first = first if item else number
            item.append(line)
            size += len(line)
            if size > _LARGEST:
                raise ChatbotError(
                    f"{name}:{first}: the conversation that begins here is longer than 16 MiB. "
                    "Begin each with '- - ' on a line of its own."
                )
    if item:
        yield _Item(first, item)


def _parsed(items: Sequence[_Item], skipped: Counter[str]) -> list[Conversation]:
    """The conversations of some items; if they are no YAML together, of each by itself."""
    import yaml

    if not items:
        return []
    count: Counter[str] = Counter()
    lines = [line for item in items for line in item.lines]
    try:
        events = yaml.parse("\n".join(lines), getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        found = list(_conversations(events, items[0].line, count))
    except yaml.YAMLError:
        if len(items) == 1:
            skipped[NOT_YAML] += 1
            return []
        half = len(items) // 2
        return _parsed(items[:half], skipped) + _parsed(items[half:], skipped)
    skipped.update(count)
    return found


def _conversations(
    events: Iterator[Event], line: int, skipped: Counter[str]
) -> Iterator[Conversation]:
    """The conversations in a YAML list that begins in a line."""
    import yaml

    depth, texts = 0, True
    turns: list[str] = []
    lines: list[int] = []
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == 2:
                turns, lines, texts = [], [], isinstance(event, yaml.SequenceStartEvent)
            texts &= depth <= 2
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            if depth == 1 and texts and turns:
                yield Conversation(turns, lines)
            elif depth == 1:
                skipped[NO_CONVERSATION] += 1
        elif depth == 2 and isinstance(event, yaml.ScalarEvent):
            turns.append(event.value)
            lines.append(line + (event.start_mark.line if event.start_mark else 0))
        elif isinstance(event, yaml.NodeEvent):
            texts = False
            if depth == 1:
                skipped[NO_CONVERSATION] += 1

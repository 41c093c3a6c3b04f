"""What the tests of readers share: real files with any text, and what a reader makes of them."""

import itertools
from collections import Counter

import pytest

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats import format_named


@pytest.fixture(scope="session")
def text_of(tmp_path_factory):
    """(text, or texts by file name; options) -> the `Text` of a file, the first if several.

    Its encoding is given: that of the shortest texts cannot be told.
    """
    folder, counter = tmp_path_factory.mktemp("texts"), itertools.count()

    def make(content, name="talk.txt", **options):
        files = content if isinstance(content, dict) else {name: content}
        place = folder / str(next(counter))
        place.mkdir()
        for each, text in files.items():
            (place / each).write_text(text, encoding="utf-8", newline="")
        (text,) = find_texts(
            [place / next(iter(files))], ReadingConfig(**{"encoding": "utf-8"} | options)
        )
        return text

    return make


def pairs_of(conversations):
    """The pairs without context, each side with its whitespace collapsed; a loop of its own."""
    found = []
    for turns, lines, replies in conversations:
        assert len(turns) == len(lines)
        assert replies is None or len(replies) == len(turns)
        for place in range(1, len(turns)):
            if replies is None or replies[place]:
                found.append((" ".join(turns[place - 1].split()), " ".join(turns[place].split())))
    return found


@pytest.fixture(scope="session")
def read(text_of):
    """(format, text) -> its pairs, and what was skipped."""

    def make(format_name, content, name="talk.txt", **options):
        skipped = Counter()
        reader = format_named(format_name)(ReadingConfig(**options))
        pairs = pairs_of(reader.read(text_of(content, name, **options), skipped))
        return pairs, dict(skipped)

    return make


@pytest.fixture(scope="session")
def conversations(text_of):
    """(format, text) -> its conversations as they are."""

    def make(format_name, content, name="talk.txt", **options):
        reader = format_named(format_name)(ReadingConfig(**options))
        return list(reader.read(text_of(content, name, **options), Counter()))

    return make

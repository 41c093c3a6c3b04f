"""The names of two files that belong together: one word is exchanged, the rest is the same.

Comes in: the name of one file, and which word stands for which others. Goes out: the names that the
other file may have. Knows nothing of what is in the files, or whether they are there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def turned(sides: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same exchanges the other way round.

    >>> turned({"post": ["response", "reply"], "ask": ["reply"]})
    {'response': ['post'], 'reply': ['post', 'ask']}
    """
    others: dict[str, list[str]] = {}
    for word, replacements in sides.items():
        for other in replacements:
            others.setdefault(other, []).append(word)
    return others


def renamed(name: str, sides: Mapping[str, Sequence[str]]) -> list[str]:
    """The name with one of its words exchanged, in each way that `sides` has, keeping capitals.

    >>> renamed("Post_2.txt", {"post": ["response", "reply"]})
    ['Response_2.txt', 'Reply_2.txt']
    """
    longest_first = sorted(sides, key=len, reverse=True)
    words = re.finditer(rf"(?<![a-z])({'|'.join(longest_first)})(?![a-z])", name, re.IGNORECASE)
    return [
        name[: word.start()] + _with_capitals(other, word[1]) + name[word.end() :]
        for word in words
        for other in sides[word[1].lower()]
    ]


def _with_capitals(word: str, like: str) -> str:
    return word.upper() if like.isupper() else word.title() if like.istitle() else word

"""Words a bot is never to say.

Comes in: the words, and replies as ids. Goes out: which entries in a row say one of them. A reply
is looked at as text, so a word is found however it is put together from entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_SEPARATORS = re.compile("[,，、;；]")
_BEFORE, _BEHIND = r"(?<![^\W\u4e00-\u9fff])", r"(?![^\W\u4e00-\u9fff])"
"""No letter or digit stands before, or behind; a Chinese character may."""


class Ban:
    """Words that are banned, and the rows of entries that have been found to say them.

    Attributes:
        rows: those rows, for `rules.Rules`.
    """

    def __init__(
        self, words: str, text: Callable[[Sequence[int]], str], normal: Callable[[str], str] = str
    ) -> None:
        """Takes words with commas between, what makes text of ids, and what text goes through.

        A word that begins or ends in a letter or digit of an alphabet is found as a whole word, in
        upper and lower case; Chinese ones wherever they stand.
        """
        wanted = [normal(word).strip() or word.strip() for word in _SEPARATORS.split(words)]
        patterns = [
            (_BEFORE if _alphabetic(word[0]) else "")
            + re.escape(word)
            + (_BEHIND if _alphabetic(word[-1]) else "")
            for word in wanted
            if word
        ]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
        self._text = text
        self.rows: tuple[tuple[int, ...], ...] = ()

    def finds(self, reply: Sequence[int]) -> bool:
        """Whether a reply says a banned word; if so the fewest entries that do are rows now."""
        if not self._says(reply):
            return False
        size = len(reply)
        # What a piece says is looked at beside its neighbour, which may be of the same word.
        last = next(
            n for n in range(1, size + 1) if self._says(reply[:n]) and self._says(reply[: n + 1])
        )
        first = next(
            n
            for n in range(last - 1, -1, -1)
            if self._says(reply[n:last]) and self._says(reply[max(0, n - 1) : last])
        )
        row = tuple(reply[first:last])
        if row not in self.rows:
            self.rows += (row,)
        return True

    def says(self, text: str) -> bool:
        """Whether a text has a banned word."""
        return self._pattern is not None and bool(self._pattern.search(text))

    def _says(self, reply: Sequence[int]) -> bool:
        return self._pattern is not None and self.says(self._text(reply))


def _alphabetic(character: str) -> bool:
    """Whether a word that begins or ends so has to begin or end there in text, too."""
    cased = character.lower() != character.upper()
    return cased or (character.isascii() and character.isalnum())

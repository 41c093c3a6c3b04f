"""Which pairs are left out on purpose.

Comes in: the normalised turns of a chunk and the pairs they make. Goes out: the pairs that stay,
and counts of the others by the option that took them. Repeats over the whole corpus are not seen
here: that is `repeats`' affair.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.config import CleaningConfig
from chatbot.corpus.dialogue import Pairing
from chatbot.errors import ChatbotError

BLOCKED = "block list"
ECHO = "reply equals question"
TOO_SHORT = "too short"
TOO_LONG = "too long"
DUPLICATE = "duplicate"
REPEATED = "reply repeated too often"


def block_list_of(path: Path) -> list[str]:
    """The entries of a block list: a word or phrase a line, blank lines and `#` lines left out.

    Raises:
        ChatbotError: the file cannot be read, is not UTF-8, or has no entry.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path}: not UTF-8. Save the block list as UTF-8.") from error
    entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not entries:
        raise ChatbotError(f"{path}: an empty block list. Give a word or phrase a line.")
    return entries


class Filter:
    """Leaves out the pairs that `CleaningConfig` asks to, those aside that take a second look."""

    def __init__(self, config: CleaningConfig, normalise: Callable[[str], str]) -> None:
        """Takes the options, and what has been done to the text that will be looked at.

        Raises:
            ChatbotError: as `block_list_of`, and a list of which normalising leaves nothing.
        """
        self._config = config
        self._blocked: BlockList | None = None
        if config.block_list is not None:
            entries = [normalise(one) for one in block_list_of(Path(config.block_list))]
            if not any(entries):
                raise ChatbotError(
                    f"{config.block_list}: nothing is left of any entry when it is normalised, as "
                    "the text is. Give other words, or keep what is taken out, e.g. with "
                    "--no-strip-placeholders."
                )
            self._blocked = BlockList(filter(None, entries))

    def __call__(
        self,
        pairing: Pairing,
        texts: Sequence[str],
        hashes: NDArray[np.uint64],
        characters: NDArray[np.int64],
        dropped: Counter[str],
    ) -> Pairing:
        """The pairs that stay.

        Args:
            pairing: P pairs among T turns.
            texts: the turns.
            hashes: equal for equal turns, [T].
            characters: the length of every turn, [T].
            dropped: counts the others, each under the first option that takes it.
        """
        config = self._config
        question, reply = pairing.question, pairing.reply
        found: list[tuple[str, NDArray[np.bool_]]] = []
        if self._blocked is not None:
            bounds = np.zeros(len(texts) + 1, np.int64)
            bad = np.fromiter(map(self._blocked, texts), np.int64, len(texts))
            np.cumsum(bad, out=bounds[1:])
            found.append((BLOCKED, bounds[reply + 1] > bounds[pairing.first]))
        if config.drop_echoes:
            found.append((ECHO, hashes[question] == hashes[reply]))
        shorter = np.minimum(characters[question], characters[reply])
        longer = np.maximum(characters[question], characters[reply])
        if config.min_chars is not None:
            found.append((TOO_SHORT, shorter < config.min_chars))
        if config.max_chars is not None:
            found.append((TOO_LONG, longer > config.max_chars))
        out = np.zeros(len(reply), np.bool_)
        for reason, taken in found:
            if count := int((taken & ~out).sum()):
                dropped[reason] += count
            out |= taken
        return pairing.take(~out) if out.any() else pairing


class BlockList:
    """Finds entries in texts, whatever their case; letters and digits at an end end a word there.

    Of all entries, those are looked for whose first two characters stand in the text: tens of
    thousands cost hardly more than one.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        """Takes the entries, none of them empty."""
        beginning: defaultdict[str, list[str]] = defaultdict(list)
        for entry in sorted({entry.casefold() for entry in entries}):
            beginning[entry[:2]].append(entry)
        self._beginning = dict(beginning)
        self._patterns: dict[str, re.Pattern[str]] = {}

    def __call__(self, text: str) -> bool:
        """Whether an entry stands in a text."""
        text = text.casefold()
        pairs = map(operator.add, text, text[1:])
        found = self._beginning.keys() & itertools.chain(text, pairs)
        return any(self._pattern(two).search(text) for two in found)

    def _pattern(self, two: str) -> re.Pattern[str]:
        """Finds the entries that begin with these characters."""
        if two not in self._patterns:
            self._patterns[two] = re.compile("|".join(map(_bounded, self._beginning[two])))
        return self._patterns[two]


def _bounded(entry: str) -> str:
    before = "(?<![a-z0-9])" if re.match("[a-z0-9]", entry) else ""
    after = "(?![a-z0-9])" if re.search("[a-z0-9]$", entry) else ""
    return before + re.escape(entry) + after

"""Which pairs are left out on purpose.

Comes in: the normalised turns of a chunk and the pairs they make. Goes out: the pairs that stay,
and counts of the others by the option that took them. Repeats over the whole corpus are not seen
here: that is `repeats`' affair.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
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
            ChatbotError: as `block_list_of`.
        """
        self._config = config
        self._blocked: re.Pattern[str] | None = None
        if config.block_list is not None:
            entries = [normalise(one) for one in block_list_of(Path(config.block_list))]
            self._blocked = _any_of([one for one in entries if one])

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
            bad = bounds = np.zeros(len(texts) + 1, np.int64)
            bad = np.fromiter((bool(self._blocked.search(one)) for one in texts), np.int64)
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


def _any_of(entries: Sequence[str]) -> re.Pattern[str]:
    """Finds any entry, whatever its case; letters and digits at its ends end a word there."""
    parts = []
    for entry in sorted(set(entries), key=len, reverse=True):
        before = r"(?<![a-z0-9])" if re.match("[A-Za-z0-9]", entry) else ""
        after = r"(?![a-z0-9])" if re.search("[A-Za-z0-9]$", entry) else ""
        parts.append(before + re.escape(entry) + after)
    return re.compile("|".join(parts), re.IGNORECASE)

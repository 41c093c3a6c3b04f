"""Runs of Chinese characters -> words that are in no dictionary, by jieba's hidden Markov model.

Comes in: a run of characters. Goes out: its words. Knows nothing of dictionaries.

States are B(egin), M(iddle), E(nd) of a word and S(ingle); the likeliest path is found (Rabiner
1989, section III.B, Viterbi). The tables are jieba's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import add
from typing import Any

IMPOSSIBLE = -3.14e100
"""The log-probability of a character that the tables lack."""

_ASCII = re.compile("[a-zA-Z0-9]")
_BEFORE = {"B": "SE", "M": "MB", "E": "MB", "S": "SE"}
"""The states that may come before a state, the one preferred among equals first."""


class Markov:
    """The words of a run of Chinese characters by jieba's hidden Markov model.

    States are B, M, E and S. Where two paths are equally likely, the later letter is preferred, as
    `jieba.finalseg` does.
    """

    def __init__(self, finalseg: Any) -> None:  # noqa: ANN401 - jieba has no types
        """Takes the module that has the model's tables."""
        self._cut = finalseg.cut
        self._emissions = [finalseg.emit_P[state] for state in "BMES"]
        self.starts = [finalseg.start_P[state] for state in "BMES"]
        self.steps = [
            [finalseg.trans_P[before][state] for before in _BEFORE[state]] for state in "BMES"
        ]
        self._by_character: dict[str, list[float]] = {}

    def cut(self, characters: str) -> Iterable[str]:
        """The words of one character or more; those with letters and digits by jieba itself."""
        if _ASCII.search(characters):
            return self._cut(characters)  # type: ignore[no-any-return]
        ends = self._path(characters)
        return [characters[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    def emissions(self) -> dict[str, list[float]]:
        """The log-probabilities of every character that the tables have, in B, M, E and S."""
        characters = sorted({character for table in self._emissions for character in table})
        return {character: self._emission(character) for character in characters}

    def _emission(self, character: str) -> list[float]:
        found = self._by_character.get(character)
        if found is None:
            found = [table.get(character, IMPOSSIBLE) for table in self._emissions]
            self._by_character[character] = found
        return found

    def _path(self, characters: str) -> list[int]:
        """Where the words of the likeliest path end, in order (Viterbi over log probabilities)."""
        (s_b, e_b), (m_m, b_m), (m_e, b_e), (s_s, e_s) = self.steps
        begin, middle, end, single = map(add, self.starts, self._emission(characters[0]))
        steps = []  # by place: does the likeliest path to B, M, E, S come from S, M, M, S there?
        for character in characters[1:]:
            at_begin, at_middle, at_end, at_single = self._emission(character)
            to_begin, or_begin = single + s_b + at_begin, end + e_b + at_begin
            to_middle, or_middle = middle + m_m + at_middle, begin + b_m + at_middle
            to_end, or_end = middle + m_e + at_end, begin + b_e + at_end
            to_single, or_single = single + s_s + at_single, end + e_s + at_single
            steps.append(
                (
                    to_begin >= or_begin,
                    to_middle >= or_middle,
                    to_end >= or_end,
                    to_single >= or_single,
                )
            )
            begin, middle = max(to_begin, or_begin), max(to_middle, or_middle)
            end, single = max(to_end, or_end), max(to_single, or_single)
        state = "S" if single >= end else "E"
        ends = [len(characters)]
        for place in range(len(characters) - 1, 0, -1):
            before = _BEFORE[state]
            state = before[0] if steps[place - 1]["BMES".index(state)] else before[1]
            if state in "ES":
                ends.append(place)
        return ends[::-1]

"""What the readers weigh a file by: shares of its first lines, and signs that it is no talk at all.

Comes in: the sample of a text. Goes out: evidence with counts in its reason, and words such as
"source code" for what a file looks like instead. Knows nothing of any single format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.corpus.files.text import Sample
from chatbot.corpus.formats.base import NOTHING, Evidence

LEAST_SHARE = 0.5
"""Smallest share of a sample that must have a format's shape."""

REFUSED = 0.45
"""The sureness of a file that has the shape, but looks like something else than talk."""

_LOG = re.compile(
    r"\W*(\d{4}[-/.]\d\d?[-/.]\d\d?\b|\d\d?:\d\d(:\d\d)?\b|\d{10,}\b|\d+\.\d+\.\d+\.\d+\b"
    r"|[A-Z][a-z]{2} +\d+ \d\d:|(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b)"
)
_CODE = re.compile(
    r"[ \t]+\S|[.'][A-Za-z\\]{1,3}\b"
    r"|\s*(?://|/\*|\*/|#!|#include|@\w+$|</?\w|<!|```|#{1,6} |[-*+] |>|\||\d+\. )"
    r"|\s*(?:import [\w.]+|from [\w.]+ import|def \w+\(|class \w+[:({ ]|return\b.*[;)]"
    r"|(?:let|var|const|int|float|double|char|bool|auto) \w+ *=|(?:public|private|static) )"
    r"|.*[;{}\\]\s*$|\s*\[[\w .-]+\]\s*$|.*(?:\w\(|[=!<>]=|->|::|\w_|_\w|\$\w|&&|\|\||\w ?= ?\S)",
    re.ASCII,
)
_TALK = re.compile(r".{0,100}[.!?…]['\")]*\s*|(?=.*[^\W\d_\x00-\u024f]).{1,100}\s*")
_LETTER = re.compile(r"[^\W\d_]")
_END = re.compile(r"[.!?:;…。！？：；~～\"'”’)）\]】]\s*$")


def filled(sample: Sample) -> list[str]:
    """The lines of a sample that are not blank."""
    return [line for line in sample.lines if line.strip()]


def weighed(top: float, fits: int, of: int, what: str, unit: str = "lines") -> Evidence:
    """The evidence of `fits` lines out of `of`, with the sureness `top` if all of them fit.

    >>> weighed(0.9, 8, 10, "begin with M")
    Evidence(sureness=0.84, reason='8 of 10 lines begin with M')
    """
    if not fits:
        return NOTHING
    share = fits / of
    sureness = top - 0.3 * (1 - share) if share >= LEAST_SHARE else 0.9 * share
    return Evidence(round(sureness, 4), f"{fits:,} of {of:,} {unit} {what}")


def doubted(evidence: Evidence, doubt: str) -> Evidence:
    """The evidence, too weak for the file to be taken if there is a doubt."""
    if not doubt or not evidence.sureness:
        return evidence
    return Evidence(min(evidence.sureness, REFUSED), f"{evidence.reason}, but {doubt}")


def looks_logged(lines: Sequence[str]) -> str:
    """In words, that most lines begin with a time, an address or a level; else nothing."""
    found = sum(_LOG.match(line) is not None for line in lines)
    if found <= 0.5 * len(lines):
        return ""
    return f"{found:,} of {len(lines):,} lines begin as in a log"


def looks_coded(lines: Sequence[str]) -> str:
    """In words, that over a quarter of the lines look like source code or markup; else nothing."""
    found = sum(_CODE.match(line[:1000]) is not None for line in lines)
    if found <= 0.25 * len(lines):
        return ""
    return f"{found:,} of {len(lines):,} lines look like source code or markup"


def looks_listed(pairs: Sequence[tuple[str, str]]) -> str:
    """In words, that the first of two columns holds numbers, or few names; else nothing.

    Such a file lists texts by number, or the utterances of speakers, and no text answers another.
    """
    mute = sum(_LETTER.search(left) is None for left, _ in pairs)
    if mute > 0.8 * len(pairs):
        return f"the first column has no letters in {mute:,} of {len(pairs):,} lines"
    names = {left for left, _ in pairs}
    if len(pairs) >= 20 and len(names) <= max(3, 0.02 * len(pairs)):
        others = {right for _, right in pairs}
        if len(others) > 0.5 * len(pairs):
            return f"the first column has only {len(names)} different texts"
    return ""


def looks_spoken(lines: Sequence[str]) -> bool:
    """Whether most lines are short, and end as sentences do or are in another script than Latin."""
    return sum(_TALK.fullmatch(line) is not None for line in lines) > 0.6 * len(lines)


def looks_mute(lines: Sequence[str]) -> str:
    """In words, that most lines have no letters; else nothing."""
    found = sum(_LETTER.search(line) is None for line in lines)
    return f"{found:,} of {len(lines):,} lines have no letters" if found > 0.5 * len(lines) else ""


def looks_wrapped(blocks: Sequence[Sequence[str]]) -> str:
    """In words, that sentences go on from line to line, as in prose; else nothing.

    Either the lines are filled to one width, or lines without a stop are followed by lines that
    begin small, in a text that has capitals.
    """
    inner = [line.rstrip() for block in blocks for line in block[:-1] if len(block) > 2]
    widths = sorted(map(len, inner))
    width = widths[int(0.95 * (len(widths) - 1))] if len(widths) > 3 else 0
    full = sum(size >= 0.75 * width for size in widths)
    if width >= 30 and full > 0.7 * len(inner):
        return f"{full:,} of {len(inner):,} lines are filled to one width, as in prose"
    joints = [joint for block in blocks for joint in zip(block, block[1:], strict=False)]
    capitals = sum(line.lstrip()[:1].isupper() for block in blocks for line in block)
    runs = sum(second[:1].islower() and not _END.search(first) for first, second in joints)
    if capitals and runs > 0.3 * len(joints):
        return f"{runs:,} of {len(joints):,} lines go on in the next one, as in prose"
    return ""

"""A survey of corpora as text for a terminal.

Comes in: a `Survey` and the `Advice` made of it. Goes out: lines that fit, wide characters counted,
without colours. Text of the corpora is shown without what a terminal would obey.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from chatbot.cli.show import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chatbot.corpus.doctor.advice import Advice
    from chatbot.corpus.doctor.forecast import Forecast
    from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey

WIDTH = 80
"""Columns of the report."""

SCRIPT_NAMES = {
    "simplified": "simplified Chinese",
    "traditional": "traditional Chinese",
    "chinese": "Chinese of either script",
    "mixed": "Chinese with Latin words",
    "latin": "Latin",
    "other": "other",
}

_FILES = 12
_TOP_REPLIES = 8
_CUTOFFS = (1, 2, 3, 5, 10, 20, 50, 100)
_BARS = "▁▂▃▄▅▆▇█"
_BUCKETS = 24
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def report(survey: Survey, advice: Advice, width: int = WIDTH) -> str:
    """The whole report.

    Args:
        survey: the facts.
        advice: what is made of them.
        width: columns that no line exceeds.
    """
    parts = [
        _concerns(advice, width),
        _files(survey, width),
        _pairs(survey, width),
        _lengths(survey),
        _scripts(survey, width),
        _vocabulary(survey),
        _recommended(advice, width),
    ]
    shown = ("\n".join(lines) for part in parts if (lines := list(part)))
    return "\n\n".join(shown)


def _concerns(advice: Advice, width: int) -> Iterator[str]:
    if advice.concerns:
        yield "Look first"
    for concern in advice.concerns:
        yield from wrapped(plain(concern), width, first="  ! ", rest="    ")


def _files(survey: Survey, width: int) -> Iterator[str]:
    yield f"{counted(survey.pairs, 'pair')} in {counted(len(survey.files), 'file')}"
    seen: set[tuple[str, str]] = set()
    for file in survey.files[:_FILES]:
        kind = (file.format, file.encoding)
        yield from _file(file, width, kind not in seen)
        seen.add(kind)
    rest = survey.files[_FILES:]
    if rest:
        pairs = sum(file.pairs for file in rest)
        yield f"  and {counted(len(rest), 'more file')}: {counted(pairs, 'pair')}"
    for said in survey.left_out:
        yield from wrapped(f"left out {plain(said)}", width, first="  ", rest="      ")
    if repeats := left_out_of_all(survey):
        yield f"  {_listed('left out of all', repeats)}"


def left_out_of_all(survey: Survey) -> dict[str, int]:
    """Pairs that were left out when all files had been read, by reason."""
    counts = Counter(survey.dropped)
    for file in survey.files:
        counts.subtract(file.dropped)
    return dict(+counts)


def _file(file: FileFacts, width: int, new: bool) -> Iterator[str]:
    """What is told of one file; of the first in its format and encoding, why and some pairs."""
    told = (
        f"{plain(file.shown)}: {counted(file.pairs, 'pair')}, {file.format}, {file.spoken_encoding}"
    )
    yield from wrapped(told, width, first="  ", rest="      ")
    details = [
        f"recognised: {plain(file.evidence)}" if new and file.evidence else "",
        _listed("skipped", file.skipped),
        _listed("left out", file.dropped),
        *map(plain, file.faults),
        _listed("changed", file.normalised),
    ]
    for detail in filter(None, details):
        yield from wrapped(detail, width, first="    ", rest="      ")
    for question, reply in file.first if new else ():
        room = (width - 9) // 2
        yield f"    {cut(plain(question), room)} → {cut(plain(reply), room)}"


def _listed(title: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    return f"{title}: " + ", ".join(f"{count:,} {plain(name)}" for name, count in counts.items())


def _pairs(survey: Survey, width: int) -> Iterator[str]:
    if not survey.pairs:
        return
    yield "Repetition"
    yield from wrapped(repetition(survey), width, first="  ", rest="  ")
    top, pairs = often(survey)[:_TOP_REPLIES], survey.census.pairs
    if top:
        replies = f"{len(top)} most frequent replies are" if len(top) > 1 else "most frequent is"
        yield f"  the {replies} {sum(count for _, count in top) / pairs:.1%} of all:"
    for reply, count in top:
        yield f"  {count / pairs:>8.2%} {count:>9,}  {cut(plain(reply), width - 23)}"


def repetition(survey: Survey) -> str:
    """How much is said again, in a sentence without its full stop."""
    from chatbot.corpus.doctor.concerns import copies, echoes

    asked, said = (
        1 - distinct / survey.census.pairs
        for distinct in (survey.distinct_questions, survey.distinct_replies)
    )
    return (
        f"{copies(survey):.1%} of the pairs are copies of others; {asked:.1%} of the questions "
        f"were asked before, {said:.1%} of the replies given before; {echoes(survey):.1%} of the "
        "replies equal their question"
    )


def often(survey: Survey) -> list[tuple[str, int]]:
    """The most frequent replies, if they are given more than once, with their counts."""
    return [(reply, count) for reply, count in survey.top_replies if count > 1]


def _lengths(survey: Survey) -> Iterator[str]:
    if not survey.pairs:
        return
    from chatbot.corpus.doctor.survey import SIDES, percentile

    yield "Lengths                  half   95%   99%  longest"
    kinds = (("characters", survey.census.characters), ("words", survey.tokens))
    for kind, table in kinds:
        for side, counts in zip(SIDES, table, strict=True):
            points = [percentile(counts, share) for share in (0.5, 0.95, 0.99, 1.0)]
            more = "+" if points[-1] == len(counts) - 1 else " "
            numbers = "{:>6}{:>6}{:>6}{:>9}".format(*points)
            yield f"  {f'{side}, {kind}':<21}{numbers}{more} {bars(counts, points[2])}"


def bars(counts: NDArray[np.int64], last: int) -> str:
    """A histogram as a row of bars.

    Args:
        counts: a histogram.
        last: the greatest length drawn.
    """
    a_bar = max(1, -(-last // _BUCKETS))
    sums = [int(counts[first : first + a_bar].sum()) for first in range(1, last + 1, a_bar)]
    most = max(sums, default=0) or 1
    drawn = (_BARS[min(len(_BARS) - 1, n * len(_BARS) // most)] if n else " " for n in sums)
    return "".join(drawn).rstrip()


def _scripts(survey: Survey, width: int) -> Iterator[str]:
    scripts = survey.census.scripts
    if not scripts:
        return
    total = scripts.total()
    shares = ", ".join(
        f"{SCRIPT_NAMES[n]} {count / total:.1%}" for n, count in scripts.most_common()
    )
    yield "Script"
    yield from wrapped(shares, width, first="  ", rest="  ")
    from chatbot.corpus.doctor.concerns import segmented

    if survey.census.judged:
        yield f"  cut into words by blanks already: {segmented(survey):.1%} of the Chinese"


def _vocabulary(survey: Survey) -> Iterator[str]:
    if not survey.words:
        return
    yield "Vocabulary"
    yield (
        f"  {survey.words:,} words, {survey.distinct_words:,} distinct; "
        f"{survey.distinct_characters:,} distinct characters"
    )
    left_out = spelled(survey)
    yield f"  seen at least    entries    words {left_out}"
    for one in telling(survey.cutoffs):
        yield f"  {one.min_freq:>13,}  {one.entries:>9,}   {one.unknown:>{6 + len(left_out)}.1%}"
    chosen = survey.vocabulary()
    yield f"  as set now: {chosen.entries:,} entries, {chosen.unknown:.1%} {left_out}"


def spelled(survey: Survey) -> str:
    """What happens to words outside the vocabulary, in a word."""
    return "unknown" if survey.settings.get("rare") == "unk" else "spelled"


def telling(cutoffs: Sequence[Cutoff]) -> list[Cutoff]:
    """The cut-offs that a person would look at: few, and none that leaves out most words."""
    return [one for one in cutoffs if one.min_freq in _CUTOFFS and one.unknown <= 0.5]


def _recommended(advice: Advice, width: int) -> Iterator[str]:
    forecast = advice.forecast
    if forecast is None:
        return
    yield "Recommended"
    yield from command_lines(advice, width)
    for setting in advice.settings:
        yield from wrapped(
            plain(f"{setting.option}: {setting.why}"), width, first="  ", rest="      "
        )
    if not advice.settings:
        yield "  The defaults suit this corpus."
    yield from wrapped(expectation(forecast), width, first="  ", rest="  ")


def expectation(forecast: Forecast) -> str:
    """What training will take, in a sentence."""
    passes = f"{forecast.epochs:.2g} passes" if forecast.epochs >= 1.5 else "one pass"
    end = "until they are known by heart" if forecast.by_heart else passes
    return (
        f"Training will take about {forecast.memory_bytes / 1e9:.1f} GB of memory and about "
        f"{_roughly(forecast.seconds)} on this machine, left to it: about {forecast.steps:,} steps "
        f"of {counted(forecast.batch, 'pair')}, {end}."
    )


def _roughly(seconds: float) -> str:
    """A time as it is said of something uncertain.

    >>> _roughly(40), _roughly(760), _roughly(9000), _roughly(400_000)
    ('1 minute', '13 minutes', '2.5 hours', '4.6 days')
    """
    for unit, long, least in (("day", 86_400, 129_600), ("hour", 3_600, 5_400)):
        if seconds >= least:
            return f"{seconds / long:.1f} {unit}s"
    return counted(max(1, round(seconds / 60)), "minute")


def command_lines(advice: Advice, width: int) -> Iterator[str]:
    r"""The commands, broken over lines with "\" so that they can be pasted as they are."""
    first, *others = (list(map(plain, pieces)) for pieces in advice.commands)
    pieces = [*first, *(piece for then in others for piece in (f"&& {then[0]}", *then[1:]))]
    whole = " ".join(pieces)
    if cells(whole) <= width - 4:
        yield f"    {whole}"
        return
    line = "   "
    for piece in pieces:
        if line.strip() and (piece.startswith("&&") or cells(f"{line} {piece} \\") > width):
            yield f"{line} \\"
            line = "     "
        line += f" {piece}"
    yield line


def plain(text: str) -> str:
    """Text of a corpus in one line, without characters that a terminal would obey or not show."""
    shown = " / ".join(text.split("\n"))
    return "".join("\ufffd" if unicodedata.category(c) in _HIDDEN else c for c in shown)


def cells(text: str) -> int:
    """Columns of a terminal that a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, room: int) -> str:
    """A text cut to so many columns, the cut marked."""
    if cells(text) <= room:
        return text
    from rich.cells import chop_cells

    return chop_cells(text, room - 1)[0] + "…"


def wrapped(text: str, width: int, *, first: str, rest: str) -> Iterator[str]:
    """A text in lines of at most so many columns, broken at blanks, else anywhere.

    Args:
        text: what to break.
        width: columns, the indents included.
        first: what the first line begins with.
        rest: what the others begin with.
    """
    from rich.cells import chop_cells

    line, begun = first, False
    for word in text.split():
        if begun and cells(f"{line} {word}") > width:
            yield line
            line, begun = rest, False
        pieces = [word]
        if cells(line + word) > width:
            pieces = chop_cells(word, width - cells(rest))
        for piece in pieces[:-1]:
            yield line + piece
            line = rest
        line += (" " if begun else "") + pieces[-1]
        begun = True
    yield line

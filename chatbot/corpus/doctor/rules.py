"""What should differ from the default settings, and why.

Comes in: a `Survey`. Goes out: settings, each with a reason. Knows nothing of machines or of whole
command lines.

A rule is a function from a survey to a setting or to None; its thresholds are constants here or in
`concerns`, with the reason for each.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from chatbot.config import SMALL_CORPUS, CorpusConfig, TrainingConfig
from chatbot.corpus.doctor import concerns
from chatbot.corpus.doctor.survey import Survey, longer, percentile
from chatbot.settings import option_of

DULL_KEPT = 0.002
"""Share that the most frequent replies are capped at where one is told as dull: somewhat below that
of the most frequent reply of subtitles, ..."""

DULL_LEAST = 10
"""... but not below this many pairs, which show nothing."""

CUT = 0.05
"""Share of questions or replies over `--max-length` that is put up with. Of a reply that is cut
there, how it goes on and that it ends is not learned."""

MOST_LENGTH = 100
"""Tokens up to which `--max-length` is raised: time and memory of a step grow with it."""

CUT_STILL = 0.1
"""Share over `MOST_LENGTH` from which on long pairs are left out instead of cut."""

UNKNOWN = 0.05
"""Share of running words outside the vocabulary from which on more entries are worth it."""

MORE_ENTRIES = (30_000, 40_000, 60_000)
"""Vocabularies then tried, until one leaves out less than `UNKNOWN`."""

EPOCHS = 3
"""Passes over a corpus from which pairs are held out. Of 20,000 pairs of subtitles the held-out
loss was 5.556 after 3 passes, 5.565 after 5, and after 10 it had risen to 6.50 from 5.576 at its
least: later passes only learn by heart, which a run without an end finds out at length."""

MANY_PAIRS = 3_000_000
"""Pairs from which on one pass is enough: three thousand steps, several times those of three passes
over 200,000 pairs. An assumption; the largest corpus tried has 214,057."""


@dataclass(frozen=True)
class Setting:
    """A setting that is recommended.

    Attributes:
        command: the command it belongs to, "build-vocab" or "train".
        name: the field of its settings class.
        value: what it should be.
        why: one sentence.
    """

    command: str
    name: str
    value: bool | int | float | str
    why: str

    @property
    def option(self) -> str:
        """The option as it is written on the command line."""
        return written(self.name, self.value)


def written(name: str, value: object) -> str:
    """A setting as it is written on the command line, quoted for a shell.

    >>> written("drop_echoes", True), written("narrow", False), written("columns", "title,my text")
    ('--drop-echoes', '--no-narrow', "--columns 'title,my text'")
    >>> written("holdout", 0.02), written("holdout", 1234567.0)
    ('--holdout 0.02', '--holdout 1234567')
    """
    if isinstance(value, bool):
        return option_of(name if value else f"no_{name}")
    shown = f"{value:.15g}" if isinstance(value, float) else str(value)
    return f"{option_of(name)} {shlex.quote(shown)}"


def _blanks(survey: Survey) -> Setting | None:
    share = concerns.segmented(survey)
    if share < concerns.SEGMENTED or survey.settings.get("blanks", "one") != "one":
        return None
    why = "blanks between words would be learned as words of their own, and typed by nobody."
    return Setting("build-vocab", "blanks", "none", why)


def _simplify(survey: Survey) -> Setting | None:
    script, share = concerns.rarer_script(survey)
    if share < concerns.MIXED_SCRIPTS or survey.settings.get("simplify"):
        return None
    why = "else the same word is two words, one in each script (needs the extra opencc)."
    return Setting("build-vocab", "simplify", True, why)


def _strip_speakers(survey: Survey) -> Setting | None:
    share = concerns.named(survey)
    if share < concerns.NAMED or survey.settings.get("strip_speakers"):
        return None
    why = "else the bot learns to put a name in front of what it says."
    return Setting("build-vocab", "strip_speakers", True, why)


def _drop_duplicates(survey: Survey) -> Setting | None:
    share = concerns.copies(survey)
    if share < concerns.COPIES or survey.cleaning.get("drop_duplicates"):
        return None
    why = f"copies teach nothing new and take {share:.0%} of the time."
    return Setting("build-vocab", "drop_duplicates", True, why)


def _max_repeats(survey: Survey) -> Setting | None:
    if concerns.dullest(survey) < concerns.DULL or survey.cleaning.get("max_repeats"):
        return None
    most = max(DULL_LEAST, round(DULL_KEPT * survey.pairs))
    gone = sum(max(0, count - most) for _, count in survey.top_replies)
    if not gone:
        return None
    why = (
        "a reply that is right too often is given always; leaves out at least "
        f"{gone / survey.pairs:.1%} of the pairs."
    )
    return Setting("build-vocab", "max_repeats", most, why)


def _drop_echoes(survey: Survey) -> Setting | None:
    if concerns.echoes(survey) < concerns.ECHOES or survey.cleaning.get("drop_echoes"):
        return None
    why = "else the bot learns to repeat what it is told."
    return Setting("build-vocab", "drop_echoes", True, why)


def _max_chars(survey: Survey) -> Setting | None:
    # With earlier turns it is these that make questions long, which no option leaves out.
    sides = slice(1, 2) if survey.settings.get("context") else slice(2)
    over = max(longer(counts, MOST_LENGTH) for counts in survey.tokens[sides])
    few = survey.pairs < SMALL_CORPUS  # there each reply counts, and a share says little
    if over < CUT_STILL or few or survey.cleaning.get("max_chars"):
        return None
    # As large a share of the utterances has more characters as has more words.
    most = max(
        percentile(characters, 1 - longer(words, MOST_LENGTH))
        for characters, words in zip(
            survey.census.characters[sides], survey.tokens[sides], strict=True
        )
    )
    why = f"{over:.0%} have more than {MOST_LENGTH} words and would be cut in the middle."
    return Setting("build-vocab", "max_chars", most, why)


def _max_size(survey: Survey) -> Setting | None:
    now, usual = survey.vocabulary(), CorpusConfig().max_size
    asked = survey.settings.get("max_size") != usual
    if now.unknown < UNKNOWN or now.entries < usual or asked:
        return None  # with room left, it is --min-freq that leaves words out
    for entries in MORE_ENTRIES:
        more = survey.vocabulary(entries)
        if more.unknown < UNKNOWN:
            break
    if more.entries <= now.entries:
        return None
    why = f"leaves out {more.unknown:.1%} of the running words instead of {now.unknown:.1%}."
    return Setting("build-vocab", "max_size", entries, why)


def _max_length(survey: Survey) -> Setting | None:
    usual = TrainingConfig().max_length
    over = max(longer(counts, usual - 1) for counts in survey.tokens)
    if over < CUT:
        return None
    enough = 1 + max(percentile(counts, 1 - CUT) for counts in survey.tokens)
    length = min(MOST_LENGTH, -(-enough // 10) * 10)
    why = f"{over:.0%} are longer than {usual} words and would be cut in the middle."
    return Setting("train", "max_length", length, why)


def _epochs(survey: Survey) -> Setting | None:
    if survey.pairs < SMALL_CORPUS:
        return None  # it ends when they are known by heart
    if survey.pairs >= MANY_PAIRS:
        return Setting("train", "epochs", 1, "so many pairs need not be seen twice.")
    why = "more passes learn the pairs by heart and answer new questions worse."
    return Setting("train", "epochs", EPOCHS, why)


RULES: tuple[Callable[[Survey], Setting | None], ...] = (
    _blanks,
    _simplify,
    _strip_speakers,
    _drop_duplicates,
    _max_repeats,
    _drop_echoes,
    _max_chars,
    _max_size,
    _max_length,
    _epochs,
)
"""Every rule, in the order of the command line."""

"""What may be wrong with corpora, in plain words.

Comes in: a `Survey`. Goes out: sentences, the gravest first. What can be done about it by a setting
is said by `advice`. Each threshold is a constant with the reason for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from chatbot.config import SMALL_CORPUS
from chatbot.corpus.doctor.survey import FileFacts, Survey
from chatbot.corpus.formats import ON_PURPOSE
from chatbot.corpus.formats.headings import like_names
from chatbot.corpus.formats.json_stream import CUT_OFF

SKIPPED = 0.2
"""Share of lines that gave nothing, and not on purpose, from which on the format is in doubt."""

BAD_BYTES = 0.01
"""Places that are not text, a pair, from which on the encoding is in doubt; fewer are accidents."""

DULL = 0.01
"""Share of pairs with one and the same reply that is told. In subtitles the most frequent reply has
0.003 to 0.007; what stands in every hundredth pair is what an unsure network says to everything."""

COPIES = 0.1
"""Share of pairs that repeat another pair that is told. In subtitles people really say the same
again in 0.02 of the pairs, 0.18 in those collected twice."""

ECHOES = 0.01
"""Share of replies equal to their question that is told: twice what people say in subtitles."""

SEGMENTED = 0.5
"""Share of long Chinese utterances that are cut into words from which on the corpus is. Cut by
jieba it is 0.97 to 1, uncut 0 to 0.003 (see `census`); between lies a mixture of files."""

SEGMENTED_PARTLY = 0.05
"""Share from which on such a mixture is told."""

MIXED_SCRIPTS = 0.02
"""Share of the rarer Chinese script from which on the two are mixed; below, they are quotations."""

UNKNOWN = 0.15
"""Share of running words outside the vocabulary that is told: such a bot spells much of what it
says. With 20,000 entries film subtitles have 0.03. A small corpus is spared: what is learned by
heart may be spelled."""

NAMED = 0.5
"""Share of utterances with a speaker in front from which on that is told: most of them."""

STAMPED = 0.25
"""Share of utterances with a date and a time in front that is told: with the times above messages,
every second line is one."""

TABLES = ("csv", "tab", "pipe", "equals", "at")
"""Formats whose first row may hold names that are not known."""

_SPELL = "spell them in characters"


def concerns(survey: Survey, vocabulary: str = "") -> list[str]:
    """What the user should know before training, the gravest first; empty if all is well.

    Args:
        survey: the facts.
        vocabulary: the file with a vocabulary that the user has brought; empty if none.
    """
    if not survey.pairs:
        return ["No pairs at all. Look at the format and the skipped lines of each file below."]
    found: list[str] = []
    for file in survey.files:
        found += _of_file(file)
    return [*found, *_of_text(survey, vocabulary), *_of_pairs(survey)]


def copies(survey: Survey) -> float:
    """The share of pairs that repeat another one, before `--drop-duplicates` is applied."""
    read = survey.census.pairs
    return (read - survey.distinct_pairs) / read if read else 0.0


def dullest(survey: Survey) -> float:
    """The share of pairs that have the most frequent reply, before `--max-repeats` is applied."""
    most = survey.top_replies[0][1] if survey.top_replies else 0
    return most / survey.census.pairs if most > 1 else 0.0


def echoes(survey: Survey) -> float:
    """The share of replies equal to their question."""
    return survey.census.echoes / survey.census.pairs if survey.census.pairs else 0.0


def segmented(survey: Survey) -> float:
    """The share of utterances with enough Chinese to tell that are cut into words by blanks."""
    census = survey.census
    return census.segmented / census.judged if census.judged else 0.0


def named(survey: Survey) -> float:
    """The share of utterances that begin with the name of a speaker."""
    census = survey.census
    return census.named / census.utterances if census.utterances else 0.0


def stamped(survey: Survey) -> float:
    """The share of utterances that begin with a date and a time."""
    census = survey.census
    return census.stamped / census.utterances if census.utterances else 0.0


def rarer_script(survey: Survey) -> tuple[str, float]:
    """The rarer of the two Chinese scripts, and its share where either could be told."""
    known = {name: survey.census.scripts[name] for name in ("simplified", "traditional")}
    rarer = min(known, key=lambda name: known[name])
    return rarer, known[rarer] / max(1, sum(known.values()))


def _of_file(file: FileFacts) -> Iterator[str]:
    if file.format in TABLES and file.first and like_names(file.first):
        question, reply = file.first[0]
        yield (
            f"{file.shown}: the first pair, {question} → {reply}, may be the names of two columns. "
            f"If it is, say so: --columns {shlex.quote(f'{question},{reply}')}."
        )
    if file.skipped.get(CUT_OFF):
        yield (
            f"{file.shown}: ends in the middle of a record, so more may be missing. Get the whole "
            "file, if there is one."
        )
    doubtful = {why: count for why, count in file.skipped.items() if why not in ON_PURPOSE}
    skipped = sum(doubtful.values())
    if skipped >= SKIPPED * (skipped + file.pairs) > 0:
        reason = max(doubtful, key=lambda name: doubtful[name])
        yield (
            f"{file.shown}: {skipped:,} skipped against {file.pairs:,} learnt (most often: "
            f"{reason}). If {file.format} is not its format, name it with --format."
        )
    if file.bad_bytes and file.bad_bytes >= BAD_BYTES * file.pairs:
        places = "1 place is" if file.bad_bytes == 1 else f"{file.bad_bytes:,} places are"
        yield (
            f"{file.shown}: {places} not text. If {file.spoken_encoding} is not its encoding, "
            "name it with --encoding."
        )
    for encoding, lines in file.spoken_mixed.items():
        rest = file.spoken_encoding
        yield f"{file.shown}: {lines:,} lines are in {encoding}, the others in {rest}."


def _of_text(survey: Survey, vocabulary: str) -> Iterator[str]:
    if stamped(survey) >= STAMPED:
        yield (
            f"{stamped(survey):.0%} of the turns begin with a date and a time, which the bot would "
            "learn to say. If they are messages of a chat, read them with --format chat; else take "
            "them out of the file first, as cut -c18- does with 17 characters in front of lines."
        )
    if named(survey) >= NAMED and not survey.settings.get("strip_speakers"):
        yield f"{named(survey):.0%} of the turns begin with the name of who speaks, such as 小明：."
    share = segmented(survey)
    if share >= SEGMENTED and survey.settings.get("blanks") != "none":
        yield f"The Chinese text is cut into words by blanks already ({share:.0%} of it)."
    elif SEGMENTED_PARTLY <= share < SEGMENTED:
        yield (
            f"{share:.0%} of the Chinese text is cut into words by blanks, the rest is not: the "
            "same sentence is learned in two spellings."
        )
    script, share = rarer_script(survey)
    if share >= MIXED_SCRIPTS and not survey.settings.get("simplify"):
        other = "traditional" if script == "simplified" else "simplified"
        yield f"{share:.0%} of the Chinese text is {script}, the rest {other}."
    left_out = survey.vocabulary().unknown
    outcome = "not know them" if survey.settings.get("rare") == "unk" else _SPELL
    if vocabulary and left_out >= UNKNOWN:
        yield (
            f"{vocabulary} has only {1 - left_out:.0%} of the running words: the bot will "
            f"{outcome.replace('them', 'the others')}. Without --vocab one is made that fits."
        )
    elif left_out >= UNKNOWN and survey.pairs >= SMALL_CORPUS:
        yield (
            f"{left_out:.0%} of the running words are too rare for the vocabulary: the bot will "
            f"{outcome}."
        )


def _of_pairs(survey: Survey) -> Iterator[str]:
    if dullest(survey) >= DULL and not survey.cleaning.get("max_repeats"):
        reply, count = survey.top_replies[0]
        yield (
            f"{dullest(survey):.1%} of all replies are the same ({count:,} times): the bot will "
            "tend to say it whatever it is asked."
        )
    if copies(survey) >= COPIES and not survey.cleaning.get("drop_duplicates"):
        yield f"{copies(survey):.0%} of the pairs are copies of other pairs."
    if echoes(survey) >= ECHOES:
        yield f"{echoes(survey):.1%} of the replies only repeat their question."
    if survey.pairs < SMALL_CORPUS:
        few, them = f"{survey.pairs:,} pairs are few", "them"
        if survey.pairs == 1:
            few, them = "There is only 1 pair", "it"
        yield (
            f"{few}. The bot will know {them} by heart and answer anything else freely, often "
            "oddly; some tens of thousands of pairs make it talk."
        )

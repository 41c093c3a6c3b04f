"""A survey of corpora as one HTML page.

Comes in: a `Survey` and the `Advice` made of it. Goes out: a document that needs nothing else,
style and drawings inside it. Text of the corpora is quoted: it stays text whatever it holds.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from chatbot.cli.document import document, facts, quoted, section, table, warning
from chatbot.cli.plots import curve, histogram, share_bar, stacked_bar
from chatbot.cli.show import duration, size
from chatbot.cli.survey_text import (
    SCRIPT_NAMES,
    command_lines,
    expectation,
    left_out_of_all,
    often,
    repetition,
    spelled,
    telling,
)

if TYPE_CHECKING:
    from chatbot.corpus.doctor.advice import Advice
    from chatbot.corpus.doctor.survey import FileFacts, Survey

_OPEN_FILES = 4


def page(survey: Survey, advice: Advice) -> str:
    """The whole document."""
    parts = [
        _head(survey),
        warning("Look first", advice.concerns),
        _recommended(advice),
        _files(survey),
        _lengths(survey),
        _replies(survey),
        _scripts(survey),
        _vocabulary(survey),
    ]
    return document("Conversations, looked at by chatbot", parts)


def _head(survey: Survey) -> str:
    numbers = [
        (f"{survey.pairs:,}", "pairs"),
        (f"{len(survey.files):,}", "files" if len(survey.files) != 1 else "file"),
        (f"{survey.words:,}", "words"),
        (f"{survey.distinct_words:,}", "distinct words"),
        (size(survey.text_bytes), f"read in {duration(survey.seconds)}"),
    ]
    return f"<header>\n<h1>Your conversations</h1>\n{facts(numbers)}\n</header>"


def _recommended(advice: Advice) -> str:
    if advice.forecast is None:
        return ""
    lines = "\n".join(escape(line.strip()) for line in command_lines(advice, 100))
    reasons = "\n".join(
        f"<dt><code>{quoted(one.option)}</code></dt><dd>{quoted(one.why)}</dd>"
        for one in advice.settings
    )
    reasons = f"<dl>\n{reasons}\n</dl>" if reasons else "<p>The defaults suit this corpus.</p>"
    told = escape(expectation(advice.forecast))
    return section("Recommended", f"<pre>{lines}</pre>\n{reasons}\n<p>{told}</p>")


def _files(survey: Survey) -> str:
    files = [_file(file, number < _OPEN_FILES) for number, file in enumerate(survey.files)]
    told = (f"{count:,} {quoted(name)}" for name, count in left_out_of_all(survey).items())
    files += [f"<p>Left out {quoted(said)}.</p>" for said in survey.left_out]
    if repeats := ", ".join(told):
        files.append(f"<p>Left out of all: {repeats}.</p>")
    return section("Files", "\n".join(files))


def _file(file: FileFacts, unfolded: bool) -> str:
    notes = [*file.faults]
    for title, counts in (
        ("skipped", file.skipped),
        ("left out", file.dropped),
        ("changed", file.normalised),
    ):
        notes += [f"{title}: {count:,} {name}" for name, count in counts.items()]
    listed = "".join(f"<li>{quoted(note)}</li>" for note in notes)
    told = f"{file.pairs:,} pairs, {escape(file.format)}, {escape(file.spoken_encoding)}"
    why = f'<p class="soft">Recognised: {quoted(file.evidence)}</p>' if file.evidence else ""
    rows = [(quoted(question), quoted(reply)) for question, reply in file.first]
    opened = " open" if unfolded else ""
    return (
        f"<details{opened}>\n<summary>{quoted(file.shown)}: {told}</summary>\n{why}"
        + (f"<ul>{listed}</ul>\n" if listed else "")
        + (table(("question", "reply"), rows, {}) if rows else "")
        + "\n</details>"
    )


def _lengths(survey: Survey) -> str:
    if not survey.pairs:
        return ""
    from chatbot.corpus.doctor.survey import SIDES, percentile

    figures = []
    for kind, counted in (("characters", survey.census.characters), ("words", survey.tokens)):
        for side, counts, series in zip(SIDES, counted, "ab", strict=True):
            half, most, nearly, longest = (percentile(counts, s) for s in (0.5, 0.95, 0.99, 1.0))
            more = " or more" if longest == len(counts) - 1 else ""
            title = f"{side} by {kind}"
            drawn = histogram(counts, nearly, title, series)
            caption = (
                f"{title}: half up to {half}, 95 % up to {most}, 99 % up to {nearly}, the longest "
                f"{longest}{more}"
            )
            figures.append(f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>")
    return section("Lengths", '<div class="two">\n' + "\n".join(figures) + "\n</div>")


def _replies(survey: Survey) -> str:
    if not survey.pairs:
        return ""
    top = often(survey)
    rows = [
        (
            f"{count / survey.census.pairs:.2%}",
            f"{count:,}",
            quoted(reply),
            share_bar(count / top[0][1], f"{count:,} times", "b"),
        )
        for reply, count in top
    ]
    body = f"<p>{escape(repetition(survey))}.</p>\n"
    if rows:
        share = sum(count for _, count in top) / survey.census.pairs
        body += f"<p>The {len(rows)} most frequent replies are {share:.1%} of all.</p>\n"
        body += table(("share", "times", "reply", ""), rows, {0: "n", 1: "n", 3: "bar"})
    return section("Repetition", body)


def _scripts(survey: Survey) -> str:
    found = survey.census.scripts.most_common()
    if not found:
        return ""
    from chatbot.corpus.doctor.concerns import segmented

    total = survey.census.scripts.total()
    series = dict(zip(SCRIPT_NAMES, "abcdef", strict=True))
    bar = stacked_bar([(series[name], count / total) for name, count in found], "scripts")
    legend = "".join(
        f"<li>{share_bar(1, '', series[name])}{escape(SCRIPT_NAMES[name])} {count / total:.1%}</li>"
        for name, count in found
    )
    cut = f"<p>{segmented(survey):.1%} of the Chinese text is cut into words by blanks already.</p>"
    return section("Script", f'{bar}\n<ul class="legend">{legend}</ul>\n{cut}')


def _vocabulary(survey: Survey) -> str:
    if not survey.cutoffs:
        return ""
    chosen = survey.vocabulary()
    points = sorted((one.entries, one.unknown) for one in survey.cutoffs)
    title = f"share of running words {spelled(survey)}, by entries of the vocabulary"
    drawn = curve(points, (chosen.entries, chosen.unknown), title)
    caption = (
        f"{title}; the ring is what the settings give: {chosen.entries:,} entries, "
        f"{chosen.unknown:.1%} {spelled(survey)}"
    )
    rows = [
        (f"{c.min_freq:,}", f"{c.entries:,}", f"{c.unknown:.1%}") for c in telling(survey.cutoffs)
    ]
    listed = table(
        ("seen at least", "entries", f"words {spelled(survey)}"), rows, dict.fromkeys(range(3), "n")
    )
    figure = f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"
    return section("Vocabulary", f'<div class="two">\n{figure}\n{listed}\n</div>')

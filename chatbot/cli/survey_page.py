"""A survey of corpora as one HTML page.

Comes in: a `Survey` and the `Advice` made of it. Goes out: a document that needs nothing else: no
scripts, no network, style and drawings inside it; light or dark as the reader's system is. Text of
the corpora is escaped, cleaned of invisible characters, and kept from turning the text around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from chatbot.cli.plots import curve, histogram, share_bar, stacked_bar
from chatbot.cli.show import duration, size
from chatbot.cli.survey_text import (
    SCRIPT_NAMES,
    command_lines,
    expectation,
    left_out_of_all,
    often,
    plain,
    repetition,
    spelled,
    telling,
)

if TYPE_CHECKING:
    from chatbot.corpus.doctor.advice import Advice
    from chatbot.corpus.doctor.survey import FileFacts, Survey

_OPEN_FILES = 4
_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#24292f;--soft:#6a737d;--rule:#dcd9d0;
--card:#fff;--a:#2f6f8f;--b:#c8793a;--c:#5d8a4a;--d:#8a6fb0;--e:#b34f5f;--f:#9a9a92;--warn:#a3470f}
@media(prefers-color-scheme:dark){:root{--paper:#16191d;--ink:#dfe3e8;--soft:#97a1ac;
--rule:#333a42;--card:#1e2329;--a:#6fb3d3;--b:#e0a06a;--c:#93c47d;--d:#b9a0dc;--e:#e08a97;
--f:#77777a;--warn:#f0a46b}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--paper);
color:var(--ink);font:1rem/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",
sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2.4rem 0 .6rem}
details{margin:0 0 1rem}p{margin:.4rem 0}.soft,figcaption{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:.8rem 0;padding:0;list-style:none}
.facts b{font-size:1.25rem;font-variant-numeric:tabular-nums}
.warn{border-left:4px solid var(--warn);background:var(--card);padding:.6rem 1rem}
.warn h2{margin:.2rem 0}.warn ul{margin:.3rem 0;padding-left:1.2rem}
pre{background:var(--card);border:1px solid var(--rule);border-radius:.4rem;padding:.8rem 1rem;
white-space:pre-wrap}code,pre{font-family:ui-monospace,Menlo,Consolas,monospace}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem 2rem}
figure{margin:0}figcaption{font-size:.9rem}svg{width:100%;height:auto;display:block}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .8rem .25rem 0;
border-bottom:1px solid var(--rule);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;width:1%}
.bar{width:30%}.bar svg{height:.6rem;margin-top:.5rem}summary{font-weight:600;cursor:pointer}
dl{margin:.4rem 0}dt{font-weight:600}dd{margin:0 0 .5rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;list-style:none}
.legend svg{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
.a{fill:var(--a)}.b{fill:var(--b)}.c{fill:var(--c)}.d{fill:var(--d)}.e{fill:var(--e)}
.f{fill:var(--f)}.axis{fill:none;stroke:var(--rule)}.line{fill:none;stroke:var(--a);stroke-width:2}
.mark{fill:none;stroke:var(--b);stroke-width:2}.label{fill:var(--soft);font-size:11px}
"""


def page(survey: Survey, advice: Advice) -> str:
    """The whole document."""
    parts = [
        _head(survey),
        _concerns(advice),
        _recommended(advice),
        _files(survey),
        _lengths(survey),
        _replies(survey),
        _scripts(survey),
        _vocabulary(survey),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Conversations, looked at by chatbot</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(filter(None, parts)) + "\n</main>\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    """Text of a corpus, safe in the page whatever it holds."""
    return f"<bdi>{escape(plain(text))}</bdi>"


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], classes: Mapping[int, str]) -> str:
    """A table; cells are HTML already, `classes` say how some columns are laid out."""

    def row(cells: Sequence[str], tag: str) -> str:
        marks = [f' class="{classes[i]}"' if i in classes else "" for i in range(len(cells))]
        inner = "".join(f"<{tag}{c}>{v}</{tag}>" for c, v in zip(marks, cells, strict=True))
        return f"<tr>{inner}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return f"<table>\n<thead>{row(header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _head(survey: Survey) -> str:
    facts = [
        (f"{survey.pairs:,}", "pairs"),
        (f"{len(survey.files):,}", "files" if len(survey.files) != 1 else "file"),
        (f"{survey.words:,}", "words"),
        (f"{survey.distinct_words:,}", "distinct words"),
        (size(survey.text_bytes), f"read in {duration(survey.seconds)}"),
    ]
    items = "".join(f"<li><b>{escape(n)}</b> {escape(what)}</li>" for n, what in facts)
    return f'<header>\n<h1>Your conversations</h1>\n<ul class="facts">{items}</ul>\n</header>'


def _concerns(advice: Advice) -> str:
    if not advice.concerns:
        return ""
    items = "\n".join(f"<li>{_text(one)}</li>" for one in advice.concerns)
    return f'<section class="warn">\n<h2>Look first</h2>\n<ul>\n{items}\n</ul>\n</section>'


def _recommended(advice: Advice) -> str:
    if advice.forecast is None:
        return ""
    lines = "\n".join(escape(line.strip()) for line in command_lines(advice, 100))
    reasons = "\n".join(
        f"<dt><code>{_text(one.option)}</code></dt><dd>{_text(one.why)}</dd>"
        for one in advice.settings
    )
    reasons = f"<dl>\n{reasons}\n</dl>" if reasons else "<p>The defaults suit this corpus.</p>"
    told = escape(expectation(advice.forecast))
    return _section("Recommended", f"<pre>{lines}</pre>\n{reasons}\n<p>{told}</p>")


def _files(survey: Survey) -> str:
    files = [_file(file, number < _OPEN_FILES) for number, file in enumerate(survey.files)]
    told = (f"{count:,} {_text(name)}" for name, count in left_out_of_all(survey).items())
    files += [f"<p>Left out {_text(said)}.</p>" for said in survey.left_out]
    if repeats := ", ".join(told):
        files.append(f"<p>Left out of all: {repeats}.</p>")
    return _section("Files", "\n".join(files))


def _file(file: FileFacts, unfolded: bool) -> str:
    notes = [*file.faults]
    for title, counts in (
        ("skipped", file.skipped),
        ("left out", file.dropped),
        ("changed", file.normalised),
    ):
        notes += [f"{title}: {count:,} {name}" for name, count in counts.items()]
    listed = "".join(f"<li>{_text(note)}</li>" for note in notes)
    told = f"{file.pairs:,} pairs, {escape(file.format)}, {escape(file.spoken_encoding)}"
    why = f'<p class="soft">Recognised: {_text(file.evidence)}</p>' if file.evidence else ""
    rows = [(_text(question), _text(reply)) for question, reply in file.first]
    opened = " open" if unfolded else ""
    return (
        f"<details{opened}>\n<summary>{_text(file.shown)}: {told}</summary>\n{why}"
        + (f"<ul>{listed}</ul>\n" if listed else "")
        + (_table(("question", "reply"), rows, {}) if rows else "")
        + "\n</details>"
    )


def _lengths(survey: Survey) -> str:
    if not survey.pairs:
        return ""
    from chatbot.corpus.doctor.survey import SIDES, percentile

    figures = []
    for kind, table in (("characters", survey.census.characters), ("words", survey.tokens)):
        for side, counts, series in zip(SIDES, table, "ab", strict=True):
            half, most, nearly, longest = (percentile(counts, s) for s in (0.5, 0.95, 0.99, 1.0))
            more = " or more" if longest == len(counts) - 1 else ""
            title = f"{side} by {kind}"
            drawn = histogram(counts, nearly, title, series)
            caption = (
                f"{title}: half up to {half}, 95 % up to {most}, 99 % up to {nearly}, the longest "
                f"{longest}{more}"
            )
            figures.append(f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>")
    return _section("Lengths", '<div class="two">\n' + "\n".join(figures) + "\n</div>")


def _replies(survey: Survey) -> str:
    if not survey.pairs:
        return ""
    top = often(survey)
    rows = [
        (
            f"{count / survey.census.pairs:.2%}",
            f"{count:,}",
            _text(reply),
            share_bar(count / top[0][1], f"{count:,} times", "b"),
        )
        for reply, count in top
    ]
    body = f"<p>{escape(repetition(survey))}.</p>\n"
    if rows:
        share = sum(count for _, count in top) / survey.census.pairs
        body += f"<p>The {len(rows)} most frequent replies are {share:.1%} of all.</p>\n"
        body += _table(("share", "times", "reply", ""), rows, {0: "n", 1: "n", 3: "bar"})
    return _section("Repetition", body)


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
    return _section("Script", f'{bar}\n<ul class="legend">{legend}</ul>\n{cut}')


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
    table = _table(
        ("seen at least", "entries", f"words {spelled(survey)}"), rows, dict.fromkeys(range(3), "n")
    )
    figure = f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"
    return _section("Vocabulary", f'<div class="two">\n{figure}\n{table}\n</div>')

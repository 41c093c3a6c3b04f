"""What every HTML page of the program is made of: one document that needs nothing else.

Comes in: parts of a page, and text that is not to be trusted. Goes out: HTML with its style inside,
no scripts, no network, light or dark as the reader's system is; and the style that a drawing needs
to stand alone. Quoted text is escaped, cleaned of invisible characters, and kept from turning the
text around it. Knows nothing of what a page is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from chatbot.cli.survey_text import plain

LIGHT = {
    "paper": "#fbfaf7",
    "ink": "#24292f",
    "soft": "#6a737d",
    "rule": "#dcd9d0",
    "card": "#fff",
    "a": "#2f6f8f",
    "b": "#c8793a",
    "c": "#5d8a4a",
    "d": "#8a6fb0",
    "e": "#b34f5f",
    "f": "#9a9a92",
    "warn": "#a3470f",
}
DARK = {
    "paper": "#16191d",
    "ink": "#dfe3e8",
    "soft": "#97a1ac",
    "rule": "#333a42",
    "card": "#1e2329",
    "a": "#6fb3d3",
    "b": "#e0a06a",
    "c": "#93c47d",
    "d": "#b9a0dc",
    "e": "#e08a97",
    "f": "#77777a",
    "warn": "#f0a46b",
}
_FONTS = 'system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif'
_LAYOUT = """*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:64rem;background:var(--paper);
color:var(--ink);font:1rem/1.55 FONTS;overflow-wrap:anywhere}
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
.wide{grid-column:1/-1}.slim{white-space:nowrap;width:1%}.value{min-width:6rem}
""".replace("FONTS", _FONTS)
_DRAWING = """.a{fill:var(--a)}.b{fill:var(--b)}.c{fill:var(--c)}.d{fill:var(--d)}.e{fill:var(--e)}
.f{fill:var(--f)}.axis{fill:none;stroke:var(--rule)}.line{fill:none;stroke:var(--a);stroke-width:2}
.mark{fill:none;stroke:var(--b);stroke-width:2}.label{fill:var(--soft);font-size:11px}
.said{fill:var(--ink);font-size:12px}.thin{fill:none;stroke-width:1.5;stroke-linejoin:round}
.thin.a{stroke:var(--a)}.thin.b{stroke:var(--b)}.thin.c{stroke:var(--c)}.thin.d{stroke:var(--d)}
.event{fill:none;stroke-width:1}.decay{stroke:var(--f);stroke-dasharray:4 3}
.rollback{stroke:var(--d);stroke-dasharray:8 3}.alarm{stroke:var(--e)}
.resume{stroke:var(--c);stroke-dasharray:1 3}.broken{stroke:var(--warn);stroke-dasharray:8 3 1 3}
"""


def _named(palette: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in palette.items())


_STYLE = f"""
:root{{color-scheme:light dark;{_named(LIGHT)}}}
@media(prefers-color-scheme:dark){{:root{{{_named(DARK)}}}}}
{_LAYOUT}{_DRAWING}"""


def standalone_style() -> str:
    """The style of a drawing in a file of its own, colours spelled out: few viewers know var()."""
    said = f"text{{font-family:{_FONTS}}}.paper{{fill:var(--paper)}}{_DRAWING}".replace("\n", "")

    def coloured(palette: Mapping[str, str]) -> str:
        """The style in the colours of a palette."""
        return re.sub(r"var\(--(\w+)\)", lambda found: palette[found[1]], said)

    return f"{coloured(LIGHT)}@media(prefers-color-scheme:dark){{{coloured(DARK)}}}"


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page.

    Args:
        title: of the window; plain text.
        parts: HTML; empty ones are left out.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(filter(None, parts)) + "\n</main>\n</body>\n</html>\n"
    )


def quoted(text: str) -> str:
    """Text of a file, safe in the page whatever it holds."""
    return f"<bdi>{escape(plain(text))}</bdi>"


def facts(items: Iterable[tuple[str, str]]) -> str:
    """Numbers in a row, each with what it counts."""
    listed = "".join(f"<li><b>{escape(number)}</b> {escape(what)}</li>" for number, what in items)
    return f'<ul class="facts">{listed}</ul>'


def warning(title: str, items: Iterable[str]) -> str:
    """What to look at first, a sentence each; nothing if there is nothing."""
    listed = "\n".join(f"<li>{quoted(one)}</li>" for one in items)
    if not listed:
        return ""
    return f'<section class="warn">\n<h2>{escape(title)}</h2>\n<ul>\n{listed}\n</ul>\n</section>'


def section(title: str, body: str) -> str:
    """A part of the page under its title; the body is HTML."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], classes: Mapping[int, str]) -> str:
    """A table; cells are HTML already, `classes` say how some columns are laid out."""

    def row(cells: Sequence[str], tag: str) -> str:
        """One row of cells."""
        marks = [f' class="{classes[i]}"' if i in classes else "" for i in range(len(cells))]
        inner = "".join(f"<{tag}{c}>{v}</{tag}>" for c, v in zip(marks, cells, strict=True))
        return f"<tr>{inner}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return f"<table>\n<thead>{row(header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"

"""Writes docs/formats.md from its template and the readers' own docstrings and examples.

Comes in: docs/formats.template.md and `FORMATS`. Goes out: docs/formats.md, with a section for
every format: its name for --format, what its class says of it, and its examples with the pairs that
come of them. Run it after changing either: `python docs/make_formats.py`.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from chatbot.corpus.formats import FORMATS
from chatbot.corpus.formats.base import Example, Format

DOCS = Path(__file__).parent


def page() -> str:
    """The whole page."""
    template = (DOCS / "formats.template.md").read_text(encoding="utf-8")
    return template.format(
        contents="\n".join(_row(one) for one in (None, *FORMATS)),
        formats="\n\n".join(_section(one) for one in FORMATS),
    )


def _row(one: type[Format] | None) -> str:
    if one is None:
        return "| `--format` | what it is |\n| --- | --- |"
    return f"| `{one.name}` | [{_escaped(one.title)}](#{_anchor(f'{one.title}: {one.name}')}) |"


def _escaped(title: str) -> str:
    return re.sub(r"([|<_])", r"\\\1", title)


def _anchor(title: str) -> str:
    """The address that GitHub gives a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _section(one: type[Format]) -> str:
    prose = inspect.cleandoc(one.__doc__ or "")
    heading = f"## {_escaped(one.title[0].upper() + one.title[1:])}: `{one.name}`"
    return "\n\n".join([heading, prose, *map(_example, one.examples)])


def _example(example: Example) -> str:
    """The files, and the pairs in words; what cannot be seen is written as <TAB>."""
    shown = [
        f"`{name}`:\n\n" + _indented(text.replace("\t", "<TAB>"))
        for name, text in example.files.items()
    ]
    pairs = "; ".join(f"{question} → {reply}" for question, reply in example.pairs)
    return "\n\n".join([*shown, f"Pairs: {pairs}."])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))


if __name__ == "__main__":
    (DOCS / "formats.md").write_text(page(), encoding="utf-8")

"""docs/formats.md is what its script makes of the readers."""

import importlib.util
from pathlib import Path

from chatbot.corpus.formats import FORMATS

DOCS = Path(__file__).parent.parent / "docs"


def made():
    spec = importlib.util.spec_from_file_location("make_formats", DOCS / "make_formats.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_is_up_to_date():
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    assert page == made(), "run: python docs/make_formats.py"


def test_every_format_has_its_section_its_examples_and_a_line_in_the_table():
    page = made()
    for one in FORMATS:
        assert f": `{one.name}`\n" in page
        assert f"| `{one.name}` | [" in page
        for example in one.examples:
            for text in example.files.values():
                lines = text.replace("\t", "<TAB>").rstrip("\n").split("\n")
                assert "\n".join(f"    {line}".rstrip() for line in lines) in page

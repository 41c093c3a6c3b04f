"""The pictures of a run: they show what the drawings show, wherever they are made."""

import io
import struct
import sys

import pytest

from chatbot.cli.curve_png import check_plotting, png
from chatbot.cli.curves import curves_of
from chatbot.cli.document import LIGHT
from chatbot.cli.run_facts import facts_of
from chatbot.errors import ChatbotError


@pytest.fixture
def curves(a_run):
    pytest.importorskip("matplotlib")
    records = [one.as_dict() for one in a_run]
    return {one.name: one for one in curves_of(records, facts_of(records))}


def colours(picture):
    """The colours of a picture, as #rrggbb, and how many dots have each."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        shown = opened.convert("RGB")
        return {f"#{r:02x}{g:02x}{b:02x}": n for n, (r, g, b) in shown.getcolors(1 << 24)}


def test_every_curve_is_a_picture_of_a_useful_size(curves):
    for one in curves.values():
        picture = png(one)
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", picture[16:24])
        assert (width, height) == ((1248, 464) if one.wide else (736, 400))


def test_a_picture_shows_its_lines_and_what_happened(curves):
    shown = colours(png(curves["loss"]))
    for name in ("a", "b", "e"):  # training, held-out, an alarm
        assert shown.get(LIGHT[name], 0) > 50, name
    alone = colours(png(curves["learning-rate"]))
    assert alone.get(LIGHT["a"], 0) > 50
    assert alone.get(LIGHT["b"], 0) == 0


def test_the_same_curve_is_the_same_picture(curves):
    assert png(curves["variety"]) == png(curves["variety"])


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ChatbotError) as raised:
        check_plotting()
    assert str(raised.value) == (
        "--png: matplotlib is not installed. Install it: pip install 'chatbot[plot]', or write "
        "--svg, which needs nothing."
    )

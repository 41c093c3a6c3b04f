"""The pictures of a run: they show what the drawings show, wherever they are made."""

import io
import itertools
import struct
import sys
from collections import Counter, defaultdict

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


def dots(picture):
    """Of each colour of a picture, as #rrggbb, the places (x, y) that have it."""
    from PIL import Image

    places = defaultdict(list)
    with Image.open(io.BytesIO(picture)) as opened:
        shown = opened.convert("RGB")
        for at in itertools.product(range(shown.width), range(shown.height)):
            places["#{:02x}{:02x}{:02x}".format(*shown.getpixel(at))].append(at)
    return places


def test_every_curve_is_a_picture_of_a_useful_size(curves):
    for one in curves.values():
        picture = png(one)
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", picture[16:24])
        assert (width, height) == ((1248, 464) if one.wide else (736, 400))


def test_a_picture_shows_its_lines_and_what_happened(curves):
    shown = dots(png(curves["loss"]))
    training, held_out, alarm = (shown[LIGHT[name]] for name in "abe")
    assert len(training) > 50
    assert len(held_out) > 50
    upright = Counter(x for x, _ in alarm)
    assert max(upright.values()) > 300
    alone = dots(png(curves["learning-rate"]))
    assert len(alone[LIGHT["a"]]) > 50
    assert alone[LIGHT["b"]] == []


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

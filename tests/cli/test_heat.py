"""What a bot looked at, drawn."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rich.cells import cell_len

from chatbot.cli.heat import in_svg, in_text
from chatbot.cli.heat_png import png
from chatbot.talk.why import Why

WEIGHTS = np.float32([[1, 0, 0], [0.1, 0.6, 0.3]])
WHY = Why(["今天", "a", "很好"], ["天气", "b"], WEIGHTS)


def test_shades_stand_below_the_words_they_belong_to():
    lines = in_text(WHY, 80)
    assert lines == ["     今天 a  很好", "天气 ████", "b    ░░░░ ▓▓ ░░░░"]
    for line in lines:
        assert cell_len(line) <= 80


def test_a_narrow_terminal_has_the_words_that_were_looked_at_most():
    assert in_text(WHY, 12) == ["天气 今天 100%  a 0%  很好 0%", "b    a 60%  很好 30%  今天 10%"]


def test_a_picture_has_a_square_for_each_pair_of_words_whatever_they_are():
    strange = Why(["<a&b>", "\x00\x1b", "'\""], ["$x^", "🙂"], WEIGHTS)
    for why in (WHY, strange):
        root = ET.fromstring(in_svg(why))
        name = "{http://www.w3.org/2000/svg}"
        squares = root.findall(f"{name}rect[@fill-opacity]")
        shares = [float(square.get("fill-opacity")) for square in squares]
        assert shares == pytest.approx(WEIGHTS.ravel().tolist())
    texts = [text.text for text in root.findall(f"{name}text")]
    assert texts[0] == "<a&b>"
    assert png(strange).startswith(b"\x89PNG")
    assert png(WHY) != png(strange)

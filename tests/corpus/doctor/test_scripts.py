"""The table that scripts are told by."""

import numpy as np
import pytest

from chatbot.corpus.doctor.scripts import BLANK, HAN, LATIN, LETTER, SIMPLIFIED, TRADITIONAL, kinds


def of(character):
    return int(kinds()[ord(character)])


@pytest.mark.parametrize(
    ("characters", "bits"),
    [
        ("这说们国时会对过发见现开车东马鸟鱼龙门风", HAN | SIMPLIFIED),
        ("這說們國時會對過發見現開車東馬鳥魚龍門風", HAN | TRADITIONAL),
        ("我你的是不人大小天好吃日月水火山石田", HAN),
        ("后里台只面干云几着并才", HAN),  # in use on both sides, if not for the same words
        ("aZéüẞＡｚ", LATIN),
        ("яΩあア한ไعא", LETTER),
        ("5９，。!？~…😀#_・", 0),
        (" \n\u3000", BLANK),
        ("\U00020000\u3400", HAN),
    ],
)
def test_a_character_is_of_its_kind(characters, bits):
    assert {c: of(c) for c in characters} == dict.fromkeys(characters, bits)


def test_the_scripts_have_thousands_of_characters_each_and_share_none():
    table = kinds()
    simplified, traditional = table & SIMPLIFIED != 0, table & TRADITIONAL != 0
    assert (simplified & traditional).sum() == 0
    assert simplified.sum() > 1_200
    assert traditional.sum() > 1_900
    assert (table[simplified | traditional] & HAN != 0).all()


def test_no_character_is_of_two_kinds_of_letters():
    table = kinds()
    kinds_of_each = sum((table & bit != 0).astype(int) for bit in (HAN, LATIN, LETTER, BLANK))
    assert kinds_of_each.max() == 1
    assert table.dtype == np.uint8
    assert len(table) == 0x110000


def test_letters_of_other_scripts_are_what_unicode_says_they_are():
    import unicodedata

    table = kinds()
    for point in (*range(0x370, 0x1000), *range(0x3041, 0x3097), *range(0xAC00, 0xD7A4, 97)):
        if unicodedata.category(chr(point)) == "Lo":
            assert table[point] == LETTER, hex(point)

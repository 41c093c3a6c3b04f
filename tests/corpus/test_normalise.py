"""Rules of normalisation, each by what it takes and what it leaves."""

import re
import sys
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.normalise import Normaliser, collapse
from chatbot.errors import ChatbotError

RULES = ("narrow", "unescape", "simplify", "strip_placeholders", "strip_controls")
OFF = dict.fromkeys(RULES, False)
ALL = {"strip_urls": True, "strip_speakers": True, "blanks": "comma"}
CONFIGS = [
    CorpusConfig(**OFF),
    CorpusConfig(),
    CorpusConfig(**ALL),
    CorpusConfig(**ALL | {"blanks": "none"}),
    *(CorpusConfig(**OFF | {name: True}) for name in OFF if name != "simplify"),
    CorpusConfig(**OFF, strip_urls=True),
    CorpusConfig(**OFF, strip_speakers=True),
]
LETTERS = (
    "好吗，。aZ9./:：;#&{}[]\\r+ＡｐＰ９漢龍王小م👩❤ \t\n\r\x00\x07\x1f\x85\xa0\xad\ufe0f\u3000"
)
HIDDEN = "\u200b\u200c\u200d\u2028\ufeff\ufffd\ud83d"
WORDS = "amp; lt; &nbsp &#39; #x26; #38; A: 小明： 我： Tom Note {r+} {face:1} {br} [数字x]"
BITS = st.sampled_from(
    [*LETTERS, *HIDDEN, *WORDS.split(), "#E-s", "数字x", "http://", "www.", "t.cn/"]
)
TEXTS = st.lists(BITS | st.sampled_from(["", " ", "  "]), max_size=14).map("".join)


def normal(text, **settings):
    return Normaliser(CorpusConfig(**OFF | {"blanks": "one"} | settings)).text(text)


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        # narrow
        ("narrow", "Ａｚ０９，！（ｏｋ）", "Az09，！（ok）"),
        ("narrow", "好\u3000吗", "好 吗"),
        ("narrow", "ＡB＋＝＠～", "AB＋＝＠～"),
        # unescape
        ("unescape", "a&nbsp;b&nbsp好", "a b 好"),
        ("unescape", "it&#39;s &lt;3 &hearts; &#x1F600;", "it's <3 ♥ 😀"),
        ("unescape", "Q&amp;A &amp;amp; &amp;#38;lt; &#38;amp;gt;", "Q&A & < >"),
        ("unescape", "a&#10;b&#13;c", "a b c"),
        (
            "unescape",
            "a&b &unknown; x?a=1&copy=2 &nbspx &;",
            "a&b &unknown; x?a=1&copy=2 &nbspx &;",
        ),
        ("unescape", "&#xD83D; &#1234567890;", "� &#1234567890;"),
        # placeholders
        ("strip_placeholders", "好的{r+}你{r}说{br}吧{face:12}{face3}", "好的 你 说 吧"),
        ("strip_placeholders", "有[数字x]元#E-s[数字x]#E-b4 [姓名x]", "有 元"),
        ("strip_placeholders", "单号[ORDERID_10187709] [USERID_1]好", "单号 好"),
        ("strip_placeholders", r"{\an8}你{face:3}好", r"{\an8}你 好"),
        (
            "strip_placeholders",
            "[呵呵] {好} {r*} #话题# [1] #E-",
            "[呵呵] {好} {r*} #话题# [1] #E-",
        ),
        # controls
        ("strip_controls", "a\x00b\x07\x1b\x7f\x9fc\xadd", "abcd"),
        ("strip_controls", "\ufeff你\u200b好\u2060吗\u200e\u202a\u2066\ufffd", "你好吗"),
        ("strip_controls", "a\x1cb\x85c\td", "a b c d"),
        ("strip_controls", "a\u200db\u200cc \u200d好\u200c", "abc 好"),
        ("strip_controls", "👩\u200d❤️\u200d👩 👩\u200d 👩\u200dx", "👩\u200d❤️\u200d👩 👩 👩x"),
        ("strip_controls", "می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"),
        # urls
        ("strip_urls", "看http://t.cn/Ab1好", "看 好"),
        ("strip_urls", "(see HTTPS://a.b/c?d=e&f=%20#g).", "(see )."),
        ("strip_urls", "www.a.cn，t.cn/xY9 ftp://h", "，"),
        ("strip_urls", "awww.x 3.14 a/b http:// www.", "awww.x 3.14 a/b http:// www."),
        # speakers
        ("strip_speakers", "小明：你好", "你好"),
        ("strip_speakers", "A: hi", "hi"),
        ("strip_speakers", "Q1：去哪", "去哪"),
        ("strip_speakers", "老王 : 来了", "来了"),
        ("strip_speakers", "张三：李小四：好", "好"),
        ("strip_speakers", "客服：您好", "您好"),
        ("strip_speakers", "Tom Smith: well", "well"),
        ("strip_speakers", "我：嗯", "嗯"),
        ("strip_speakers", "小明：", ""),
        ("strip_speakers", "他说：小明：好", "他说：小明：好"),
        ("strip_speakers", "注意：小心", "注意：小心"),
        ("strip_speakers", "谢谢：不用", "谢谢：不用"),
        ("strip_speakers", "周末：休息", "周末：休息"),
        ("strip_speakers", "Note: it is", "Note: it is"),
        ("strip_speakers", "C:\\dir B:// 12:30", "C:\\dir B:// 12:30"),
        ("strip_speakers", "how: so", "how: so"),
    ],
)
def test_a_rule_takes_what_it_says_and_leaves_the_rest(rule, before, after):
    assert normal(before, **{rule: True}) == after
    if rule not in ("strip_urls", "strip_speakers") and collapse(before) != after:
        assert normal(before) != after


@pytest.mark.parametrize(
    ("blanks", "after"),
    [
        ("one", "你 好 ，a 好 b。 吗"),
        ("comma", "你，好 ，a 好 b。 吗"),
        ("none", "你好 ，a 好 b。 吗"),
    ],
)
def test_blanks_between_chinese_characters_become_what_is_asked_for(blanks, after):
    assert normal("  你 \t 好  ，a 好 b。 吗\r", blanks=blanks) == after


def test_traditional_chinese_becomes_simplified():
    pytest.importorskip("opencc")
    assert normal("漢字 乾坤 乾燥 皇后 後面 薴", simplify=True) == "汉字 乾坤 干燥 皇后 后面 苎"
    normaliser = Normaliser(CorpusConfig(simplify=True))
    assert normaliser.texts(["汉字", "漢\n字", "好", "龍", ""]) == ["汉字", "汉 字", "好", "龙", ""]
    assert normaliser.changed == {"simplify": 2}


def test_simplifying_without_opencc_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(ChatbotError, match=re.escape("pip install 'chatbot[opencc]'")):
        Normaliser(CorpusConfig(simplify=True))


def test_what_one_rule_leaves_the_others_see():
    assert normal("&ａｍｐ;lt;", narrow=True, unescape=True) == "<"
    assert normal("&am\u200bp;{r+}", **dict.fromkeys(OFF, True) | {"simplify": False}) == "&"
    assert normal("[数 字x]", blanks="none", strip_placeholders=True) == ""


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=6), st.sampled_from(CONFIGS))
@example(["&am&#112;;", "&#38;#38;#3&#56;;"], CONFIGS[1])
@example(["\n", "", " a", "b ", "c\n\nd"], CONFIGS[0])
def test_normalising_again_changes_nothing_and_a_chunk_is_as_its_utterances(texts, config):
    once = Normaliser(config).texts(texts)
    assert Normaliser(config).texts(once) == once
    assert once == [Normaliser(config).text(text) for text in texts]
    assert all(collapse(text) == text for text in once)
    "".join(once).encode()  # no halves of surrogate pairs


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS | st.text(), max_size=6), st.sampled_from(CONFIGS))
@example([" a", "a ", "a  b", "a b", "", " ", "\x1c"], CONFIGS[0])
def test_utterances_that_are_left_alone_are_those_that_no_rule_changes(texts, config):
    quick, slow = Normaliser(config), Normaliser(config)
    slow._doubt = lambda text: True
    assert quick.texts(texts) == slow.texts(texts)
    assert quick.changed == slow.changed


def test_every_character_is_treated_alone_as_among_others():
    characters = [chr(code) for code in (*range(0x10000), *range(0x1F000, 0x20000))]
    for config in (CONFIGS[0], CONFIGS[2]):
        quick, slow = Normaliser(config), Normaliser(config)
        slow._doubt = lambda text: True
        spaced = [f"a{character}b" for character in characters]
        assert quick.texts(spaced) == slow.texts(spaced)


def test_the_utterances_that_a_rule_changed_are_counted_once():
    normaliser = Normaliser(CorpusConfig(strip_urls=True, blanks="comma"))
    normaliser.texts(["好", "a&amp;b&amp;c", "&am&#112;;&lt;", "Ａ{r+}", "x", "a  b"])
    assert normaliser.changed == {"unescape": 2, "narrow": 1, "placeholders": 1}
    normaliser.texts(["你 好 吗", "b\u200b", "www.a.cn"])
    assert normaliser.changed == Counter(
        unescape=2, narrow=1, placeholders=1, blanks=1, controls=1, urls=1
    )


def test_no_utterances_are_no_utterances():
    assert Normaliser(CorpusConfig()).texts([]) == []


@pytest.mark.parametrize(
    "bit", ["&amp;", "&#38", "#E-", "{\\", "小明：", "A ", "http://", "\u200d", "&#0"]
)
def test_a_long_utterance_takes_time_in_proportion(bit):
    text = bit * 100_000  # a quadratic rule would take minutes
    Normaliser(CorpusConfig(**ALL)).text(text)

"""Text in; tokens out, and the same text back."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.corpus.normalise import HAN
from chatbot.corpus.segmenter import quiet_jieba
from chatbot.corpus.tokenizer import (
    BLANK,
    END,
    JOIN,
    SEPARATOR,
    CharTokenizer,
    WordTokenizer,
    expects_blank,
    make_tokenizer,
)
from chatbot.errors import ChatbotError

try:
    import rjieba
except ImportError:
    rjieba = None

TOKENIZERS = {
    name: make_tokenizer(name) for name in ("jieba", "char", "rjieba")[: 3 if rjieba else 2]
}
WORDS = WordTokenizer(lambda run: run)  # Chinese runs cut into characters, for readable tokens

TRICKY = st.text("aZé 9.,:'’!?#_-+&%<>/\"()你好吗，。龥鿿𠀀㐀かカ한ไทยកខ́\u200b️😀", max_size=40)
UTTERANCES = (st.text(max_size=60) | TRICKY).map(lambda text: " ".join(text.split()))
CONTEXTS = st.lists(UTTERANCES, min_size=1, max_size=4).map("\n".join)

UNSPACED = re.compile(rf"[{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]")
RUNS = re.compile(
    rf"(?P<han>[a-zA-Z0-9]*[{HAN}][{HAN}a-zA-Z0-9]*)"
    rf"|(?P<number>[0-9]+(?:[.,:][0-9]+)+)"
    rf"|(?P<word>[^\W_{UNSPACED.pattern[1:-1]}]+(?:['’][^\W_{UNSPACED.pattern[1:-1]}]+)*)"
    r"|(?P<other>\S)"
)


def starts_word(character):
    return character.isalnum() and not UNSPACED.match(character)


def blank_expected(before, after):
    return starts_word(after) and (starts_word(before) or before in ",.!?;:")


def tokens_one_run_after_the_other(text, cut):
    """The slow twin of `WordTokenizer.tokens`, for one utterance: run by run, word by word."""
    found = []
    before, end = "", 0
    for run in RUNS.finditer(text):
        blank = run.start() > end
        for word in cut(run[0]) if run.lastgroup == "han" else (run[0],):
            if before and blank != blank_expected(before, word[0]):
                found.append(BLANK if blank else JOIN)
            found.append(word)
            before, blank = word[-1], False
        end = run.end()
    return found


def parted(tokens):
    """What `cut` gives, as a list for each text."""
    lists = [[]]
    for token in tokens:
        if token == END:
            lists.append([])
        else:
            lists[-1].append(token)
    assert lists.pop() == []
    return lists


def tokenizers():
    return [*TOKENIZERS.values(), WORDS]


def segmenters():
    cuts = {"jieba": quiet_jieba().cut} | ({"rjieba": rjieba.cut} if rjieba else {})
    return [(TOKENIZERS[name], cut) for name, cut in cuts.items()] + [(WORDS, list)]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60).filter(lambda text: "\n" not in text) | TRICKY)
@example("5G网 a.5G网,b AA制abT恤 3D打印机,T恤")
@example("\ta \x1e 你\x1f \u3000好\r")
@example("+你好#A&B.c_100%-")
@example("D.O.A. J.J. e.g.你")
def test_a_text_has_the_tokens_that_the_slow_twin_finds(text):
    for tokenizer, cut in segmenters():
        assert tokenizer.tokens(text) == tokens_one_run_after_the_other(text, cut)


def test_what_starts_a_word_is_what_is_alphanumeric_and_of_a_script_with_blanks():
    characters = [chr(code) for code in range(0x24000) if chr(code) not in "\n\x1e"]
    for character in characters:
        assert expects_blank("a", character) == blank_expected("a", character)
        assert expects_blank(character, "a") == blank_expected(character, "a")


def test_every_character_among_chinese_has_the_tokens_that_the_slow_twin_finds():
    codes = (*range(0x3400), *range(0x3400, 0xD7A4, 37), *range(0xE000, 0x10000))
    characters = [chr(code) for code in (*codes, *range(0x10000, 0x33000, 101))]
    texts = [f"好{c}{c},{c}{c}。{c}" for c in characters if c not in "\n\x1e"]
    for tokenizer, cut in segmenters():
        twin = [tokens_one_run_after_the_other(text, cut) for text in texts]
        assert parted(tokenizer.cut(texts)) == twin


@settings(max_examples=200, deadline=None)
@given(st.lists(CONTEXTS | st.text(max_size=20), max_size=6))
@example(["你好", "", "ok, 你", "\n", "", "a\x1eb", "x\ny", ""])
@example(["ok"])
@example(["你好", "吗。"])
def test_texts_cut_together_have_the_tokens_they_have_alone(texts):
    for tokenizer in tokenizers():
        assert parted(tokenizer.cut(texts)) == [tokenizer.tokens(text) for text in texts]


@settings(max_examples=200, deadline=None)
@given(st.lists(UTTERANCES, min_size=1, max_size=5))
@example(["a", "", "b, c", "你好", "<sep>", ""])
def test_a_context_has_its_utterances_tokens_with_separators_between(utterances):
    for tokenizer in tokenizers():
        tokens = tokenizer.tokens("\n".join(utterances))
        expected = []
        for utterance in utterances:
            expected += [SEPARATOR, *tokenizer.tokens(utterance)]
        assert tokens == expected[1:]
        assert tokens.count(SEPARATOR) == len(utterances) - 1  # also when one says "<sep>"
        assert tokenizer.text(tokens) == "\n".join(utterances)
        assert tokenizer.spell(SEPARATOR) == [SEPARATOR]


@settings(max_examples=200, deadline=None)
@given(CONTEXTS)
@example("## a##b # # ##")
@example("x.y, z ,w:1:2 3.14.")
@example("5G 网 ok了 3 个 a")
@example("don't 'tis ’n’ rock’n’roll")
def test_any_utterance_is_given_back_from_its_tokens(text):
    for tokenizer in tokenizers():
        assert tokenizer.text(tokenizer.tokens(text)) == text


@settings(max_examples=200, deadline=None)
@given(CONTEXTS, st.data())
@example("## a##b # # ##", None)
@example("don't 3.14 你好5G 网", None)
def test_any_utterance_is_given_back_after_any_of_its_tokens_are_spelled(text, data):
    for tokenizer in tokenizers():
        tokens = tokenizer.tokens(text)
        spelled = data.draw(st.lists(st.booleans(), min_size=len(tokens))) if data else [True] * 99
        pieces = [
            piece
            for token, spell in zip(tokens, spelled, strict=False)
            for piece in (tokenizer.spell(token) if spell else [token])
        ]
        assert tokenizer.text(pieces) == text


@settings(deadline=None)
@given(CONTEXTS)
def test_a_spelled_token_has_one_character_a_piece_and_spelling_again_changes_nothing(text):
    for tokenizer in tokenizers():
        for token in tokenizer.tokens(text):
            pieces = tokenizer.spell(token)
            bare = [p if p in (BLANK, JOIN, SEPARATOR) else p.removeprefix(JOIN) for p in pieces]
            if token not in (BLANK, JOIN, SEPARATOR):
                assert "".join(bare) == token
                assert all(len(character) == 1 for character in bare)
            for piece in pieces:
                if not piece.startswith(JOIN):
                    assert tokenizer.spell(piece) == [piece]


@given(st.lists(st.sampled_from([BLANK, JOIN, SEPARATOR, "a", "##a", "好", "##", "#", ",", "cat"])))
def test_any_sequence_of_tokens_is_some_text(tokens):
    for tokenizer in tokenizers():
        assert isinstance(tokenizer.text(tokens), str)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("你好, world a", ["你", "好", ",", "world", "a"]),
        ("你好,world", ["你", "好", ",", "##", "world"]),
        ("5G 网", ["5G", " ", "网"]),
        ("x.y", ["x", ".", "##", "y"]),
        ("x. y", ["x", ".", "y"]),
        ("a b, c", ["a", "b", ",", "c"]),
        ("a ,b", ["a", " ", ",", "##", "b"]),
        ("你 好", ["你", " ", "好"]),
        ("don't stop", ["don't", "stop"]),
        ("3.14 and 12:30", ["3.14", "and", "12:30"]),
        ("a_b", ["a", "_", "b"]),
        ("##", ["#", "#"]),
        ("早！", ["早", "！"]),
        ("早,5G网", ["早", ",", "##", "5", "##", "G", "网"]),
        ("a, b\nc", ["a", ",", "b", "<sep>", "c"]),
        ("<sep>", ["<", "sep", ">"]),
    ],
)
def test_blanks_cost_a_token_only_where_they_are_not_expected(text, tokens):
    assert WORDS.tokens(text) == tokens
    assert WORDS.text(tokens) == text


def test_chinese_is_cut_into_words_by_jieba():
    tokens = TOKENIZERS["jieba"].tokens("我们明天去北京大学, ok?")
    assert tokens == ["我们", "明天", "去", "北京大学", ",", "ok", "?"]


@pytest.mark.parametrize(
    ("token", "pieces"),
    [
        ("cat", ["c", "##a", "##t"]),
        ("明天", ["明", "天"]),
        ("5G网", ["5", "##G", "网"]),
        ("3.14", ["3", ".", "##1", "##4"]),
        ("don't", ["d", "##o", "##n", "'", "t"]),
        ("#", ["#"]),
        (BLANK, [BLANK]),
        (JOIN, [JOIN]),
        (SEPARATOR, [SEPARATOR]),
    ],
)
def test_a_word_is_spelled_with_a_mark_where_a_blank_would_be_expected(token, pieces):
    assert WORDS.spell(token) == pieces


def test_characters_are_their_own_tokens_and_spelling():
    tokenizer = CharTokenizer()
    assert tokenizer.tokens("去 ok") == ["去", " ", "o", "k"]
    assert tokenizer.spell("去") == ["去"]


def test_a_word_list_of_ones_own_is_for_jieba_alone(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("石墨烯电池 5 n\n", encoding="utf-8")
    own = make_tokenizer("jieba", path)
    assert "石墨烯电池" in own.tokens("石墨烯电池很贵")
    assert "石墨烯电池" not in TOKENIZERS["jieba"].tokens("石墨烯电池很贵")
    for name in ("rjieba", "char"):
        with pytest.raises(
            ChatbotError, match=f"--user-dict.*--tokenizer {name}.*--tokenizer jieba"
        ):
            make_tokenizer(name, path)


def test_rjieba_that_is_not_installed_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(ChatbotError, match=re.escape("pip install 'chatbot[rjieba]'")):
        make_tokenizer("rjieba")


def test_a_missing_word_list_is_said_at_once():
    with pytest.raises(ChatbotError, match="nowhere.txt: cannot be read"):
        make_tokenizer("jieba", Path("nowhere.txt"))

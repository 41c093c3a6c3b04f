"""Text in; tokens out, and the same text back."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.corpus.tokenizer import BLANK, JOIN, CharTokenizer, WordTokenizer, make_tokenizer

TOKENIZERS = {name: make_tokenizer(name) for name in ("jieba", "char")}
WORDS = WordTokenizer(lambda run: run)  # Chinese runs cut into characters, for readable tokens

TRICKY = st.text("aZé 9.,:'’!?#_-<>/\"()你好吗龥𠀀かカ한ไทยကខ́\u200b️😀", max_size=40)
UTTERANCES = (st.text(max_size=60) | TRICKY).map(lambda text: " ".join(text.split()))


def tokenizers():
    return [*TOKENIZERS.values(), WORDS]


@settings(max_examples=300, deadline=None)
@given(UTTERANCES)
@example("## a##b # # ##")
@example("x.y, z ,w:1:2 3.14.")
@example("5G 网 ok了 3 个 a")
@example("don't 'tis ’n’ rock’n’roll")
def test_any_utterance_is_given_back_from_its_tokens(text):
    for tokenizer in tokenizers():
        assert tokenizer.text(tokenizer.tokens(text)) == text


@settings(max_examples=300, deadline=None)
@given(UTTERANCES, st.data())
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
@given(UTTERANCES)
def test_a_spelled_token_has_one_character_a_piece_and_spelling_again_changes_nothing(text):
    for tokenizer in tokenizers():
        for token in tokenizer.tokens(text):
            pieces = tokenizer.spell(token)
            bare = [p if p in (BLANK, JOIN) else p.removeprefix(JOIN) for p in pieces]
            if token not in (BLANK, JOIN):
                assert "".join(bare) == token
                assert all(len(character) == 1 for character in bare)
            for piece in pieces:
                if not piece.startswith(JOIN):
                    assert tokenizer.spell(piece) == [piece]


@given(st.lists(st.sampled_from([BLANK, JOIN, "a", "##a", "好", "##", "#", ",", "cat"])))
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
    ],
)
def test_a_word_is_spelled_with_a_mark_where_a_blank_would_be_expected(token, pieces):
    assert WORDS.spell(token) == pieces


def test_characters_are_their_own_tokens_and_spelling():
    tokenizer = CharTokenizer()
    assert tokenizer.tokens("去 ok") == ["去", " ", "o", "k"]
    assert tokenizer.spell("去") == ["去"]

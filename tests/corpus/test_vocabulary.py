"""Counts in; entries and ids out, and the file between."""

import json
import zlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.tokenizer import CharTokenizer, WordTokenizer
from chatbot.corpus.vocabulary import (
    EOS,
    GO,
    PAD,
    UNK,
    Vocabulary,
    choose_entries,
    make_vocabulary,
)
from chatbot.errors import ChatbotError

WORDS = WordTokenizer(lambda run: [run])
CONFIG = CorpusConfig(tokenizer="char", min_freq=1, max_size=9, rare="unk", holdout=0.25, seed=6)
LITERAL = (
    'chatbot-vocabulary 1 {"size": 6, "crc32": "f305aa13", "settings": {"tokenizer": "char", '
    '"min_freq": 1, "max_size": 9, "rare": "unk", "holdout": 0.25, "seed": 6}}\n'
    "<pad>\t0\n<go>\t0\n<eos>\t120\n<unk>\t3\n你\t57\n \t8\n"
)


def small():
    return make_vocabulary({"你": 57, " ": 8}, 120, 3, CONFIG)


def refusal(path):
    with pytest.raises(ChatbotError) as caught:
        Vocabulary.load(path)
    return str(caught.value)


def again(path):
    return f"Build it anew: chatbot build-vocab --restart --model {path.parent}."


# The file.


def test_the_file_is_these_bytes(tmp_path):
    path = tmp_path / "vocabulary.txt"
    small().save(path)
    first, _, body = LITERAL.encode().partition(b"\n")
    assert json.loads(first.split(b" ", 2)[2])["crc32"] == f"{zlib.crc32(body):08x}"
    assert path.read_bytes() == LITERAL.encode()


def test_a_saved_vocabulary_is_loaded_as_it_was(tmp_path):
    path = tmp_path / "vocabulary.txt"
    words = {"早": 9, " ": 8, "##a": 7, "##": 6, "é": 5, "\r": 4, "\u2028": 3, '"': 2}
    for config in (CONFIG, CorpusConfig()):
        vocabulary = make_vocabulary(words, 17, 1, config)
        vocabulary.save(path)
        loaded = Vocabulary.load(path)
        assert loaded == vocabulary
        assert loaded.digest == vocabulary.digest


def test_a_missing_file_names_the_command_that_makes_it(tmp_path):
    path = tmp_path / "vocabulary.txt"
    assert refusal(path) == (
        f"{path}: no vocabulary yet. Build it first: chatbot build-vocab --model {tmp_path}."
    )


def test_what_cannot_be_read_is_refused(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be read ([Errno 21] Is a directory: '{tmp_path}')."
    )


@pytest.mark.parametrize("content", [b"", b"<pad>\n<go>\n", b"\xff\xfe\0", b"chatbot", b"\n\n"])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    assert refusal(path) == f"{path}: not a vocabulary of chatbot. {again(path)}"


def test_another_format_number_is_refused(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text(LITERAL.replace("vocabulary 1", "vocabulary 2"), encoding="utf-8")
    assert refusal(path) == f"{path}: format 2, this version reads 1. {again(path)}"


@pytest.mark.parametrize("header", ["", "{", "[]", "5", "null", '{"size": 6}'])
def test_a_header_that_says_nothing_is_refused(tmp_path, header):
    path = tmp_path / "vocabulary.txt"
    body = LITERAL.partition("\n")[2]
    path.write_text(f"chatbot-vocabulary 1 {header}\n{body}", encoding="utf-8")
    assert refusal(path) == f"{path}: damaged (truncated or changed). {again(path)}"


@pytest.mark.parametrize("settings", ["null", "5", '"jieba"'])
def test_settings_that_are_none_are_refused(tmp_path, settings):
    path = tmp_path / "vocabulary.txt"
    start, end = LITERAL.index('{"tokenizer"'), LITERAL.index("}}") + 1
    path.write_text(LITERAL[:start] + settings + LITERAL[end:], encoding="utf-8")
    assert refusal(path) == f"{path}: damaged (truncated or changed). {again(path)}"


def test_a_setting_of_another_version_is_refused(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text(LITERAL.replace('"seed"', '"case"'), encoding="utf-8")
    assert refusal(path) == (
        f"{path}: unknown setting 'case'. Written by a newer version? Update chatbot, or build "
        "anew with --restart."
    )


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path, whole = tmp_path / "vocabulary.txt", LITERAL.encode()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert str(path) in refusal(path)


def test_a_flipped_byte_anywhere_is_refused_or_changes_neither_entries_nor_cutting(tmp_path):
    path, whole = tmp_path / "vocabulary.txt", LITERAL.encode()
    body = whole.index(b"\n") + 1
    suffered = 0
    for place in range(len(whole)):
        for mask in (0x01, 0x20, 0xFF):
            flipped = bytearray(whole)
            flipped[place] ^= mask
            path.write_bytes(flipped)
            try:
                loaded = Vocabulary.load(path)
            except ChatbotError:
                continue
            assert place < body  # only a digit of a setting that no text depends on
            assert (loaded.words, loaded.counts) == (small().words, small().counts)
            assert loaded.digest == small().digest
            suffered += 1
    assert suffered < 12


# Ids.


def test_ids_follow_from_four_by_descending_frequency_then_code_point():
    vocabulary = make_vocabulary({"b": 5, "a": 5, "z": 9, "好": 5, "c": 1}, 11, 2, CONFIG)
    assert vocabulary.words == ("<pad>", "<go>", "<eos>", "<unk>", "z", "a", "b", "好", "c")
    assert vocabulary.counts == (0, 0, 11, 2, 9, 5, 5, 5, 1)
    assert (PAD, GO, EOS, UNK) == (0, 1, 2, 3)
    assert vocabulary.unigram.tolist() == [0, 0, 11, 2, 9, 5, 5, 5, 1]
    assert len(vocabulary) == 9


def test_text_that_reads_like_a_special_entry_is_not_one():
    vocabulary = make_vocabulary({"<": 1, "eos": 1}, 1, 1, CorpusConfig())
    assert "<eos>" not in vocabulary.ids
    assert EOS not in vocabulary.encode(["<eos>"], WORDS)


def test_the_digest_depends_on_entries_and_cutting_and_on_nothing_else():
    def digest(words=("x", "y"), count=1, **config):
        return make_vocabulary(dict.fromkeys(words, count), 3, 4, CorpusConfig(**config)).digest

    same = digest()
    assert same == digest(count=5) == digest(seed=3, holdout=0.5, max_size=77, min_freq=9)
    others = [digest(("x",)), digest(("xy",)), digest(tokenizer="char"), digest(rare="unk")]
    assert len({same, *others}) == 5


def test_a_rare_word_is_spelled_in_characters_and_given_back():
    config = CorpusConfig(min_freq=2)
    entries = dict.fromkeys(("明", "天", "去", "c", "##a", "##t", " "), 3)
    vocabulary = make_vocabulary(entries, 0, 0, config)
    text = "明天去 cat"
    ids = vocabulary.encode(WORDS.tokens(text), WORDS)
    assert [vocabulary.words[id] for id in ids] == ["明", "天", "去", " ", "c", "##a", "##t"]
    assert vocabulary.decode(ids, WORDS) == text


def test_a_character_outside_is_unknown_and_left_out_of_the_text():
    vocabulary = make_vocabulary({"明": 2}, 0, 0, CorpusConfig())
    ids = vocabulary.encode(["明天", "a"], WORDS)
    assert ids == [4, UNK, UNK]
    assert vocabulary.decode([GO, *ids, EOS, PAD], WORDS) == "明"


def test_with_rare_unk_a_word_outside_is_one_unknown_word():
    vocabulary = make_vocabulary({"明": 2, "天": 2}, 0, 0, CorpusConfig(rare="unk"))
    assert vocabulary.encode(["明天", "天"], WORDS) == [UNK, vocabulary.ids["天"]]


# The choice of entries.


def test_words_seen_often_enough_are_entries_with_the_characters_of_the_others():
    words = {"今天": 5, "明天": 1, "后天": 1, "天": 2, "明": 1, "cat": 1, "x": 1}
    chosen = choose_entries(words, WORDS, CorpusConfig(min_freq=2))
    # 天: 2 of its own and 1 each in 明天 and 后天; 明: 1 of its own and 1 in 明天
    assert chosen == {"今天": 5, "天": 4, "明": 2}


def test_with_rare_unk_no_character_becomes_an_entry():
    words = {"今天": 5, "明天": 1, "后天": 1, "天": 2}
    assert choose_entries(words, WORDS, CorpusConfig(rare="unk")) == {"今天": 5, "天": 2}


def test_the_rarest_words_give_way_and_their_characters_count_instead():
    words = {"晴天": 9, "雨天": 4, "阴天": 3, "多云": 2, "大风": 2}
    config = CorpusConfig(min_freq=4, max_size=8)
    # 阴天, 多云, 大风 are rare; 天 3 is too few; room for four entries: 晴天 and 雨天 fit
    assert choose_entries(words, WORDS, config) == {"晴天": 9, "雨天": 4}
    config = CorpusConfig(min_freq=3, max_size=8)
    # 晴天 雨天 阴天 fit; characters of 多云 and 大风 are seen twice only
    assert choose_entries(words, WORDS, config) == {"晴天": 9, "雨天": 4, "阴天": 3}
    config = CorpusConfig(min_freq=2, max_size=8)
    # Too many: words give way from the rarest, whose characters then are too many themselves;
    # in the end only characters stay, the four most frequent.
    assert choose_entries(words, WORDS, config) == {"天": 16, "晴": 9, "雨": 4, "阴": 3}


COUNTS = st.dictionaries(
    st.text("abc好天明", min_size=1, max_size=4) | st.sampled_from([" ", "##"]),
    st.integers(1, 9),
    max_size=30,
)


def encoded(words, entries, tokenizer, config):
    """How often every entry occurs in the corpus that these words are, by plain counting."""
    found = Counter()
    for word, n in words.items():
        if word in entries:
            found[word] += n
        else:
            pieces = tokenizer.spell(word) if config.rare == "characters" else [None]
            for piece in pieces:
                found[piece if piece in entries else None] += n
    return found


@settings(max_examples=300)
@given(COUNTS, st.integers(1, 5), st.integers(8, 40), st.sampled_from(["characters", "unk"]))
def test_entries_fit_and_their_counts_are_those_of_the_encoded_corpus(words, least, most, rare):
    config = CorpusConfig(min_freq=least, max_size=most, rare=rare)
    for tokenizer in (WORDS, CharTokenizer()):
        entries = choose_entries(words, tokenizer, config)
        assert len(entries) <= most - 4
        assert all(n >= least for n in entries.values())
        found = encoded(words, entries, tokenizer, config)
        found.pop(None, None)
        assert found == entries


@settings(max_examples=200)
@given(COUNTS, st.integers(8, 40))
def test_no_word_is_left_out_while_a_rarer_one_is_kept(words, most):
    entries = choose_entries(words, WORDS, CorpusConfig(max_size=most))
    longer = {word: n for word, n in words.items() if len(word) > 1 and word != "##"}
    kept = [n for word, n in longer.items() if word in entries]
    left = [n for word, n in longer.items() if word not in entries and n >= 2]
    assert not kept or not left or max(left) <= min(kept)


@given(COUNTS, st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_the_words(words, random):
    shuffled = list(words.items())
    random.shuffle(shuffled)
    config = CorpusConfig(max_size=12)
    assert choose_entries(dict(shuffled), WORDS, config) == choose_entries(words, WORDS, config)

"""Counts in; entries and ids out, and the file between."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import SMALL_CORPUS, CorpusConfig
from chatbot.corpus.tokenizer import CharTokenizer, WordTokenizer
from chatbot.corpus.vocabulary import (
    EOS,
    GO,
    PAD,
    UNK,
    Candidates,
    Vocabulary,
    choose_entries,
    count_entries,
    make_vocabulary,
)
from chatbot.errors import ChatbotError

WORDS = WordTokenizer(lambda run: [run])
CONFIG = CorpusConfig(tokenizer="char", min_freq=1, max_size=9, rare="unk", holdout=0.25, seed=6)
LITERAL = (
    'chatbot-vocabulary 1 85137d4c {"size": 6, "settings": {"tokenizer": "char", "min_freq": 1, '
    '"max_size": 9, "rare": "unk", "holdout": 0.25, "openings": null, "seed": 6, '
    '"user_dict": null, "context": 0, '
    '"reverse": false, "narrow": true, "unescape": true, "simplify": false, '
    '"strip_placeholders": true, "strip_controls": true, "strip_urls": false, '
    '"strip_speakers": false, "blanks": "one"}}\n'
    "<pad>\t0\n<go>\t0\n<eos>\t120\n<unk>\t3\n你\t57\n \t8\n"
)


def crc32(data):
    """CRC-32 bit by bit, as in ISO 3309: what the file is checked by, without zlib."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0xEDB88320 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def signed(data):
    """A file of this content whose checksum is right."""
    return b"chatbot-vocabulary 1 %08x " % crc32(data.encode()) + data.encode()


def chosen_of(words, tokenizer, config, pairs):
    """The entries chosen from words with their counts, and how often each occurs."""
    candidates = Candidates.of(words.items(), tokenizer, config)
    entries = choose_entries(candidates, config, pairs)
    return count_entries(entries, words.items(), tokenizer, config.rare)


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
    magic, number, checksum, data = LITERAL.split(" ", 3)
    assert (magic, number, checksum) == (
        "chatbot-vocabulary",
        "1",
        f"{crc32(data.encode()):08x}",
    )
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


@pytest.mark.parametrize("checksum", ["", "0", "00000000", "{CRC}", "{crc}0", "0x{crc}", "-1"])
def test_a_checksum_that_is_not_that_of_all_behind_it_is_refused(tmp_path, checksum):
    path = tmp_path / "vocabulary.txt"
    crc, data = LITERAL.split(" ", 3)[2:]
    checksum = checksum.replace("{CRC}", crc.upper()).replace("{crc}", crc)
    path.write_text(f"chatbot-vocabulary 1 {checksum} {data}", encoding="utf-8")
    assert refusal(path) == f"{path}: damaged (truncated or changed). {again(path)}"


@pytest.mark.parametrize("settings", ["null", "5", '"jieba"'])
def test_settings_that_are_none_are_refused(tmp_path, settings):
    path = tmp_path / "vocabulary.txt"
    start, end = LITERAL.index('{"tokenizer"'), LITERAL.index("}}") + 1
    path.write_text(LITERAL[:start] + settings + LITERAL[end:], encoding="utf-8")
    assert refusal(path) == f"{path}: damaged (truncated or changed). {again(path)}"


def test_a_setting_of_another_version_is_refused(tmp_path):
    path = tmp_path / "vocabulary.txt"
    data = LITERAL.split(" ", 3)[3].replace('"seed"', '"case"')
    path.write_bytes(signed(data))
    assert refusal(path) == (
        f"{path}: unknown setting 'case'. Written by a newer version? Update chatbot, or build "
        "anew with --restart."
    )


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path, whole = tmp_path / "vocabulary.txt", LITERAL.encode()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert str(path) in refusal(path)


def test_a_flipped_byte_anywhere_is_refused(tmp_path):
    path, whole = tmp_path / "vocabulary.txt", LITERAL.encode()
    path.write_bytes(whole)
    assert Vocabulary.load(path) == small()
    for place in range(len(whole)):
        for mask in (*(1 << bit for bit in range(8)), 0xFF):
            flipped = bytearray(whole)
            flipped[place] ^= mask
            path.write_bytes(flipped)
            assert refusal(path).startswith(f"{path}: ")


def test_bytes_behind_the_end_are_refused(tmp_path):
    path = tmp_path / "vocabulary.txt"
    for more in ("\n", " ", "x\t1\n"):
        path.write_text(LITERAL + more, encoding="utf-8")
        assert refusal(path) == f"{path}: damaged (truncated or changed). {again(path)}"


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
    assert same == digest(count=5) == digest(seed=3, holdout=0.5, max_size=77)
    assert same == digest(openings=True, min_freq=9)
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


def test_words_seen_often_enough_are_entries_and_so_are_characters_wherever_they_occur():
    words = {"今天": 5, "明天": 1, "后天": 1, "天": 2, "明": 1, "cat": 1, "x": 1}
    chosen = chosen_of(words, WORDS, CorpusConfig(min_freq=2), 4)
    # 天: 2 of its own and 1 each in 明天 and 后天; 明: 1 of its own and 1 in 明天;
    # 今: five times, but always in 今天, which is an entry; 后, c, ##a, ##t, x: once only
    assert chosen == {"今天": 5, "天": 4, "明": 2, "今": 0}


def test_with_rare_unk_no_character_becomes_an_entry():
    words = {"今天": 5, "明天": 1, "后天": 1, "天": 2}
    assert chosen_of(words, WORDS, CorpusConfig(rare="unk"), 4) == {"今天": 5, "天": 2}


def test_words_fill_the_room_that_characters_leave():
    words = {"晴天": 9, "雨天": 4, "阴天": 3, "多云": 2, "大风": 2}
    # Characters: 天 16, 晴 9, 雨 4, 阴 3, and 2 each of 云 多 大 风.

    def chosen(least, most):
        return chosen_of(words, WORDS, CorpusConfig(min_freq=least, max_size=most), 4)

    assert chosen(4, 8) == {"天": 7, "晴": 0, "雨": 4, "晴天": 9}
    assert chosen(4, 9) == {"天": 3, "晴": 0, "雨": 0, "晴天": 9, "雨天": 4}
    assert chosen(4, 99) == chosen(4, 9)
    assert chosen(3, 10) == {"天": 3, "晴": 0, "雨": 0, "阴": 3, "晴天": 9, "雨天": 4}
    # More characters than room: the rarest give way, and no word is left.
    assert chosen(2, 8) == {"天": 16, "晴": 9, "雨": 4, "阴": 3}
    assert chosen(2, 11) == {"天": 16, "晴": 9, "雨": 4, "阴": 3, "云": 2, "多": 2, "大": 2}


def test_in_a_small_corpus_every_character_is_an_entry_unless_a_cut_is_given():
    words = {"早上": 2, "祸不单行": 1, "zyx": 1, "龘": 1}
    once = {"祸": 1, "不": 1, "单": 1, "行": 1, "z": 1, "##y": 1, "##x": 1, "龘": 1}
    rest = {"早上": 2, "早": 0, "上": 0}
    assert chosen_of(words, WORDS, CorpusConfig(), SMALL_CORPUS - 1) == once | rest
    assert chosen_of(words, WORDS, CorpusConfig(), SMALL_CORPUS) == rest
    assert chosen_of(words, WORDS, CorpusConfig(min_freq=2), 4) == rest
    assert chosen_of(words, WORDS, CorpusConfig(rare="unk"), 4) == {"早上": 2}


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


PAIRS = st.sampled_from([1, SMALL_CORPUS - 1, SMALL_CORPUS, SMALL_CORPUS * 1000])
LEAST = st.integers(1, 5) | st.none()


@settings(max_examples=300)
@given(COUNTS, LEAST, st.integers(8, 40), st.sampled_from(["characters", "unk"]), PAIRS)
def test_entries_fit_and_their_counts_are_those_of_the_encoded_corpus(
    words, least, most, rare, pairs
):
    config = CorpusConfig(min_freq=least, max_size=most, rare=rare)
    for tokenizer in (WORDS, CharTokenizer()):
        entries = chosen_of(words, tokenizer, config, pairs)
        assert len(entries) <= most - 4
        found = encoded(words, entries, tokenizer, config)
        found.pop(None, None)
        assert found == Counter({token: n for token, n in entries.items() if n})


def ranked(counts, least):
    """Tokens seen often enough, from the most frequent to the rarest, by comparing all."""
    left = {token: n for token, n in counts.items() if n >= least}
    order = []
    while left:
        most = max(left.values())
        order.append(min(token for token, n in left.items() if n == most))
        del left[order[-1]]
    return order


@settings(max_examples=300)
@given(COUNTS, LEAST, st.integers(8, 40), PAIRS)
def test_characters_seen_often_enough_come_first_and_words_fill_the_room(words, least, most, pairs):
    config = CorpusConfig(min_freq=least, max_size=most)
    least_word = 2 if least is None else least
    least_character = 1 if least is None and pairs < SMALL_CORPUS else least_word
    characters = Counter(p for word, n in words.items() for p in WORDS.spell(word) * n)
    order = ranked(characters, least_character)[: most - 4]
    for word in ranked(words, least_word):
        if len(order) < most - 4 and word not in order:
            order.append(word)
    assert set(chosen_of(words, WORDS, config, pairs)) == set(order)


@given(COUNTS)
def test_a_small_corpus_has_no_unknown_token_at_the_defaults(words):
    config = CorpusConfig()
    entries = chosen_of(words, WORDS, config, SMALL_CORPUS - 1)
    vocabulary = make_vocabulary(entries, 1, 0, config)
    assert UNK not in vocabulary.encode(words, WORDS)


@given(COUNTS, st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_the_words(words, random):
    shuffled = list(words.items())
    random.shuffle(shuffled)
    config = CorpusConfig(max_size=12)
    assert chosen_of(dict(shuffled), WORDS, config, 4) == chosen_of(words, WORDS, config, 4)

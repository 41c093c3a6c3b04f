"""What is counted about pairs as they pass, against counting them one by one."""

import json
import re
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.doctor.census import (
    JUDGED_CHARACTERS,
    LENGTH_BINS,
    SCRIPTS,
    WORD_CHARACTERS,
    Census,
)
from chatbot.corpus.doctor.scripts import HAN, LATIN, LETTER, SIMPLIFIED, TRADITIONAL, kinds


def equal(one, other):
    return one.as_dict() == other.as_dict()


def script_of(utterance):
    """The script of one utterance, told slowly."""
    bits = [int(kinds()[ord(c)]) for c in utterance]
    if any(bit & LETTER for bit in bits):
        return "other"
    if not any(bit & HAN for bit in bits):
        return "latin" if any(bit & LATIN for bit in bits) else "other"
    latin = "".join("x" if bit & LATIN else "." for bit in bits)
    if "xx" in latin:
        return "mixed"
    simplified = sum(bool(bit & SIMPLIFIED) for bit in bits)
    traditional = sum(bool(bit & TRADITIONAL) for bit in bits)
    if simplified == traditional:
        return "chinese"
    return "simplified" if simplified > traditional else "traditional"


def cut_of(utterance):
    """Whether an utterance is long enough to judge, and whether blanks cut it into words."""
    pieces = [
        sum(bool(kinds()[ord(c)] & HAN) for c in piece)
        for piece in re.split("[ \u3000]", utterance)
    ]
    with_chinese = [n for n in pieces if n]
    if sum(with_chinese) < JUDGED_CHARACTERS:
        return False, False
    return True, sum(with_chinese) / len(with_chinese) <= WORD_CHARACTERS


def slow(questions, replies):
    asked = [question.split("\n")[-1] for question in questions]
    utterances = [*asked, *replies]
    characters = np.zeros((2, LENGTH_BINS), np.int64)
    for question, reply in zip(questions, replies, strict=True):
        for side, text in enumerate((question, reply)):
            characters[side, min(len(text), LENGTH_BINS - 1)] += 1
    return Census(
        pairs=len(replies),
        echoes=sum(a == b for a, b in zip(asked, replies, strict=True)),
        utterances=len(utterances),
        judged=sum(cut_of(one)[0] for one in utterances),
        segmented=sum(cut_of(one)[1] for one in utterances),
        named=sum(one.startswith(("小明：", "Tom: ")) for one in utterances),
        stamped=sum(re.match(r"\[?2024-01-0\d 10:00", one) is not None for one in utterances),
        scripts=Counter(script_of(one) for one in utterances),
        characters=characters,
    )


@pytest.mark.parametrize(
    ("utterance", "script"),
    [
        ("这是什么", "simplified"),
        ("這是什麼", "traditional"),
        ("你好", "chinese"),
        ("这與", "chinese"),
        ("这这與", "simplified"),
        ("他叫 Sarah 对吗", "mixed"),
        ("叫Sarah", "mixed"),
        ("T恤5G", "chinese"),
        ("这是T恤", "simplified"),
        ("how are you?", "latin"),
        ("a", "latin"),
        ("écoute", "latin"),
        ("こんにちは", "other"),
        ("日本語です", "other"),
        ("привет", "other"),
        ("привет Tom", "other"),
        ("안녕", "other"),
        ("？！…", "other"),
        ("2025", "other"),
        ("😀", "other"),
    ],
)
def test_an_utterance_is_of_its_script(utterance, script):
    assert Census.of(["?"], [utterance]).scripts == Counter({script: 1}) + Counter(other=1)


CUT = [
    "你 好 呀 今 天 我",
    "我 想 你 已经 不 适合 这个 职位 了",
    "你好 呀 ， 今天 吃 了 什么 ？",
    "我 们 去 哪 里 A 呢",
    "今天 天气 真的 很好 吃饭了",
]
WHOLE = [
    "真的吗 你说呢 好啊",
    "我想你已经不适合这个职位了",
    "我迟到了 办公室有点事耽搁了",
    "好的 你等我一下 我马上就来",
    "Sarah Sarah 我 迟到了办公室有点事",
    "他说 I love you 你信不信这种鬼话",
]


@pytest.mark.parametrize(("utterance", "cut"), [*((u, 1) for u in CUT), *((u, 0) for u in WHOLE)])
def test_blanks_between_words_are_told_from_blanks_between_phrases(utterance, cut):
    for census in (Census.of(["?"], [utterance]), Census.of([utterance], ["?"])):
        assert (census.judged, census.segmented) == (1, cut)


@pytest.mark.parametrize(
    "utterance", ["好 的 吧", "对 对 对 对 对", "how are you all my dear friends", ""]
)
def test_what_has_little_chinese_is_not_judged(utterance):
    census = Census.of([utterance], [utterance])
    assert (census.judged, census.segmented, census.utterances) == (0, 0, 2)


def test_an_echo_repeats_the_last_utterance_exactly():
    questions = ["你好", "早\n你好", "你好\n早", "你好 ", "你好", "你好"]
    replies = ["你好", "你好", "你好", "你好", "你好呀", "您好"]
    assert Census.of(questions, replies).echoes == 2


TELLING = [
    "小明：你好",
    "Tom: hi",
    "他说：好",
    "2024-01-01 10:00 早",
    "[2024-01-02 10:00:01] 早",
    "1",
]


def test_names_and_times_in_front_are_counted():
    census = Census.of(TELLING, TELLING[::-1])
    assert (census.named, census.stamped) == (4, 4)
    assert equal(census, slow(TELLING, TELLING[::-1]))


def test_lengths_count_the_whole_question_and_the_longest_share_a_bin():
    long = LENGTH_BINS - 1
    census = Census.of(
        ["早\n你好", "a" * 7, "b" * 2000], ["c" * long, "d" * (long - 1), "e" * 5000]
    )
    assert census.characters[0].nonzero()[0].tolist() == [4, 7, long]
    assert census.characters[1].nonzero()[0].tolist() == [long - 1, long]
    assert census.characters[1, long] == 2


def test_nothing_is_counted_of_no_pairs():
    assert equal(Census.of([], []), Census())


ALPHABET = "你好这說們国 國\u3000aéXя한，。1😀着\U00020000\ud800"
utterances = st.text(ALPHABET, max_size=17)
questions = st.lists(utterances, min_size=1, max_size=3).map("\n".join)
chunks = st.lists(st.tuples(questions, utterances), max_size=9)


@given(chunks)
def test_all_is_counted_as_it_is_one_by_one(pairs):
    sides = [question for question, _ in pairs], [reply for _, reply in pairs]
    assert equal(Census.of(*sides), slow(*sides))


@given(st.lists(chunks, max_size=4))
def test_the_census_of_parts_adds_up_to_that_of_the_whole(parts):
    total = Census()
    for part in parts:
        total.add(Census.of([question for question, _ in part], [reply for _, reply in part]))
    whole = [pair for part in parts for pair in part]
    assert equal(total, Census.of([q for q, _ in whole], [r for _, r in whole]))
    assert total.scripts.total() == total.utterances == 2 * len(whole)
    assert set(total.scripts) <= set(SCRIPTS)


def test_a_census_survives_json():
    census = Census.of([*CUT, "x" * 3000], [*WHOLE[:5], "这"])
    again = Census.from_dict(json.loads(json.dumps(census.as_dict())))
    assert equal(again, census)
    assert again.characters.shape == (2, LENGTH_BINS)
    again.add(census)
    assert again.scripts["simplified"] == 2 * census.scripts["simplified"] > 0
    assert again.characters.sum() == 24


def test_the_alphabet_of_these_tests_has_every_kind():
    assert {unicodedata.category(c) for c in ALPHABET} >= {"Lo", "Ll", "Lu", "Zs", "Po", "Nd", "So"}
    assert {int(kinds()[ord(c)]) for c in ALPHABET} >= {HAN, LATIN, LETTER, 0}

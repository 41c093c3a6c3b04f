"""Measures of replies against loops and against figures worked out by hand."""

import math
from collections import Counter

import numpy as np
import pytest

from chatbot.talk.measures import distinct, entropy, measure, overlap, repetition

REPLIES = [[4, 5, 6, 4, 5, 6], [4, 5], [7], [4, 5, 6, 4, 5, 6]]


def test_different_runs_are_counted_among_all():
    assert distinct(REPLIES, 1) == 4 / 15
    assert distinct(REPLIES, 2) == 3 / 11
    assert distinct([[7], []], 2) == distinct([], 1) == 0


def test_entropy_is_that_of_the_runs_in_bits():
    assert entropy(REPLIES, 3) == pytest.approx(
        -sum(p * math.log2(p) for p in (4 / 8, 2 / 8, 2 / 8))
    )
    assert entropy([[4, 5]], 4) == entropy([], 1) == 0
    even = [[n] for n in range(64)]
    assert entropy(even, 1) == pytest.approx(6)


def test_repetition_is_what_stood_in_the_same_reply_before():
    assert repetition(REPLIES, 3) == 2 / 15
    assert repetition([[4] * 10], 3) == 7 / 10
    assert repetition([[4, 5], [4, 5]], 1) == 0
    assert repetition([], 3) == 0


def test_bleu_is_by_characters_where_the_text_is_chinese():
    same = ["今天天气很好啊", "我们去哪里玩呢"]
    bleu, chrf, signature = overlap(same, same)
    assert (bleu, chrf) == (pytest.approx(100), pytest.approx(100))
    assert "tok:zh" in signature
    assert "tok:13a" in overlap(["a b c d e"], ["a b c d e"])[2]
    half, _, _ = overlap(["今天天气很好啊", "不知道"], same)
    assert 0 < half < 100


def bleu_by_hand(texts, given):
    """BLEU of Chinese characters: Papineni et al. 2002, section 2.3."""
    precisions, length, wanted = [], sum(map(len, texts)), sum(map(len, given))
    for n in range(1, 5):
        right = total = 0
        for text, reference in zip(texts, given, strict=True):
            rows = [Counter(t[i : i + n] for i in range(len(t) - n + 1)) for t in (text, reference)]
            right += (rows[0] & rows[1]).total()
            total += rows[0].total()
        precisions.append(right / total)
    brevity = math.exp(min(0, 1 - wanted / length))
    return 100 * brevity * math.exp(np.mean(np.log(precisions)))


def test_bleu_is_that_of_the_paper():
    texts, given = ["今天天气很好啊", "我们去哪里"], ["今天天气真好啊朋友", "我们去哪里玩呢"]
    assert overlap(texts, given)[0] == pytest.approx(bleu_by_hand(texts, given), rel=1e-6)


def test_all_measures_of_replies():
    found = measure([[4], [4], [5, 6]], ["好", "好", "不好"], ["好啊", "不", "不好"])
    assert found.replies == 3
    assert (found.commonest, found.commonest_share) == ("好", 2 / 3)
    assert found.characters == pytest.approx(4 / 3)
    assert found.length_ratio == 4 / 5
    assert (found.distinct_1, found.distinct_2) == (3 / 4, 1)

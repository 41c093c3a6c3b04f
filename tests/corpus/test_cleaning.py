"""Pairs in; those that stay out, and why the others went."""

import random
import time
from collections import Counter

import numpy as np
import pytest

from chatbot.config import CleaningConfig
from chatbot.corpus.cleaning import BlockList, Filter, block_list_of
from chatbot.corpus.dialogue import Pairing
from chatbot.errors import ChatbotError

TURNS = ["你好", "你好", "a", "Ass and class", "good", "好" * 9, "x", "CLASS"]


def kept(config, context=0, turns=TURNS):
    """The replies that stay when each turn answers the one before, and what was counted."""
    reply = np.arange(1, len(turns))
    pairing = Pairing(np.maximum(0, reply - 1 - context), reply - 1, reply)
    hashes = np.array([turns.index(turn) for turn in turns], np.uint64)
    characters = np.array([len(turn) for turn in turns])
    dropped = Counter()
    found = Filter(config, lambda text: text)(pairing, turns, hashes, characters, dropped)
    return found.reply.tolist(), dict(dropped)


def test_nothing_is_left_out_unless_asked():
    assert kept(CleaningConfig()) == ([1, 2, 3, 4, 5, 6, 7], {})


def test_echoes_and_lengths():
    assert kept(CleaningConfig(drop_echoes=True)) == (
        [2, 3, 4, 5, 6, 7],
        {"reply equals question": 1},
    )
    assert kept(CleaningConfig(min_chars=2)) == ([1, 4, 5], {"too short": 4})
    assert kept(CleaningConfig(max_chars=9)) == ([1, 2, 5, 6, 7], {"too long": 2})
    assert kept(CleaningConfig(min_chars=2, max_chars=2)) == (
        [1],
        {"too short": 4, "too long": 2},
    )


@pytest.fixture
def block_list(tmp_path):
    def write(text):
        path = tmp_path / "bad.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CleaningConfig(block_list=str(path))

    return write


def test_a_blocked_word_takes_the_pairs_on_either_side(block_list):
    config = block_list("\ufeff# of our own making\nass\n\n好好好\n")
    assert kept(config) == ([1, 2, 7], {"block list": 4})


def test_words_of_letters_are_blocked_as_words_and_others_wherever_they_stand(block_list):
    assert kept(block_list("clas"))[1] == {}
    assert kept(block_list("class"))[1] == {"block list": 3}
    assert kept(block_list("好好"))[1] == {"block list": 2}
    assert kept(block_list("a.*"), turns=["a.*", "ab", "c"])[1] == {"block list": 1}


def test_earlier_turns_are_looked_at_too(block_list):
    assert kept(block_list("ass"), context=2)[1] == {"block list": 4}


def test_a_pair_counts_under_one_reason(block_list):
    config = CleaningConfig(block_list=block_list("你好").block_list, drop_echoes=True, min_chars=3)
    assert kept(config) == ([4, 5], {"block list": 2, "too short": 3})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty block list. Give a word or phrase a line."),
        (b"# only this\n\n", "an empty block list. Give a word or phrase a line."),
        ("坏".encode("gb18030"), "not UTF-8. Save the block list as UTF-8."),
        (None, "cannot be read (No such file or directory). Check the file."),
    ],
)
def test_a_block_list_that_is_none_is_refused(tmp_path, content, said):
    path = tmp_path / "bad.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ChatbotError) as caught:
        block_list_of(path)
    assert str(caught.value) == f"{path}: {said}"


def test_a_list_of_which_normalising_leaves_nothing_is_refused(block_list):
    config = block_list("{r+}\n[数字x]\n")
    with pytest.raises(ChatbotError) as caught:
        Filter(config, lambda text: "")
    assert str(caught.value) == (
        f"{config.block_list}: nothing is left of any entry when it is normalised, as the text is. "
        "Give other words, or keep what is taken out, e.g. with --no-strip-placeholders."
    )
    partly = Filter(config, lambda text: "" if "r" in text else text)
    assert [partly._blocked(text) for text in ("{r+}", "", "有[数字x]")] == [False, False, True]


def twin(entries, text):
    """Whether an entry stands in a text, by one look at a time."""
    text = f" {text.lower()} "
    for entry in (entry.lower() for entry in entries):
        for at in range(1, len(text) - len(entry)):
            inside = [text[at - 1] + entry[0], entry[-1] + text[at + len(entry)]]
            cut = any(two.isascii() and two.isalnum() for two in inside)
            if text.startswith(entry, at) and not cut:
                return True
    return False


def test_every_entry_is_found_as_by_looking_for_one_after_the_other():
    draw = random.Random(5)

    def text(most):
        return "".join(draw.choice("aB1.好你-Ä") for _ in range(draw.randint(1, most)))

    found = Counter()
    for _ in range(2000):
        entries, one = [text(4) for _ in range(draw.randint(1, 4))], text(9)
        expected = twin(entries, one)
        assert BlockList(entries)(one) == expected, (entries, one)
        found[expected] += 1
    assert min(found.values()) > 300


def test_ten_thousand_entries_cost_little_more_than_ten():
    draw = random.Random(6)

    def texts(count, length):
        letters = [chr(0x4E00 + int(draw.expovariate(1 / 900))) for _ in range(count * length)]
        return ["".join(letters[at::count]) for at in range(count)]

    entries, said = texts(10_000, 2), texts(5_000, 12)

    def seconds(count):
        blocked = BlockList(entries[:count])
        began = time.process_time()
        hits = sum(map(blocked, said))
        return time.process_time() - began, hits

    few, many = seconds(10), seconds(10_000)
    assert few[1] < many[1] < len(said)
    assert many[0] < 10 * few[0]

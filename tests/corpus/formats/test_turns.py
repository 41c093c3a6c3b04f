"""Turns in, whatever their number; every pair once out."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.corpus.formats import turns as module
from chatbot.corpus.formats.turns import KEPT_TURNS, MOST_TURNS, Turns


def gathered(marks):
    """The conversations of turns that are replies or not, called by their numbers."""
    found, skipped = [], Counter()
    turns = Turns(skipped)
    for number, reply in enumerate(marks):
        turns.add(str(number), number, reply)
        if turns.full:
            found.append(turns.piece())
    if one := turns.end():
        found.append(one)
    return found, dict(skipped)


def replies_of(one):
    marks = [True] * len(one.turns) if one.replies is None else one.replies
    return [(one.lines[i - 1], one.lines[i]) for i in range(1, len(marks)) if marks[i]]


@settings(max_examples=30)
@given(st.integers(0, 3 * MOST_TURNS), st.integers(1, 7))
def test_pieces_have_every_pair_once_and_all_their_context(count, every):
    marks = [number % every == 0 for number in range(count)]
    found, _ = gathered(marks)
    pairs = [pair for one in found for pair in replies_of(one)]
    assert pairs == [(i - 1, i) for i in range(1, count) if marks[i]]
    for before, one in zip(found, found[1:], strict=False):
        assert list(one.turns[:KEPT_TURNS]) == list(before.turns[-KEPT_TURNS:])
        assert len(one.turns) <= MOST_TURNS


def test_what_gives_no_pair_is_counted_by_reason():
    assert gathered([]) == ([], {})
    assert gathered([True]) == ([], {"conversation of one turn": 1})
    assert gathered([True, False]) == ([], {"conversation without a reply to learn": 1})


def test_a_reader_that_appends_itself_gets_the_same_pieces(read, conversations, monkeypatch):
    monkeypatch.setattr("chatbot.corpus.formats.conv.MOST_TURNS", 300)
    monkeypatch.setattr(module, "MOST_TURNS", 300)
    numbers = [str(n) for n in range(1_000)]
    expected = list(zip(numbers, numbers[1:], strict=False))
    conv = "".join(f"M {n}\n" for n in numbers)
    assert read("conv", conv) == (expected, {})
    assert max(len(one.turns) for one in conversations("conv", conv)) == 300
    assert read("blocks", "\n".join(numbers)) == (expected, {})

"""Conversations in; turns laid end to end, and the pairs they make, out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.dialogue import CHARACTERS, LaidTurns, Talks, pair_up, turns_of
from chatbot.corpus.formats.base import Conversation

TURN = st.sampled_from(["a", "bb", "", "c\nd", "你好", " "])
CONVERSATIONS = st.lists(
    st.lists(st.tuples(TURN, st.booleans()), min_size=1, max_size=9).flatmap(
        lambda turns: st.sampled_from([turns, [(text, None) for text, _ in turns]])
    ),
    max_size=6,
)


def made(turns, first_line):
    texts, marks = zip(*turns, strict=True)
    lines = list(range(first_line, first_line + len(texts)))
    return Conversation(list(texts), lines, None if marks[0] is None else list(marks))


def pairs_by_definition(conversations, context):
    """(question with earlier turns, reply, line) of every pair, by nested loops."""
    found = []
    for turns, lines, marks in conversations:
        for i in range(1, len(turns)):
            clean = [turn.replace("\n", " ") for turn in turns]
            if (marks is None or marks[i]) and clean[i].strip() and clean[i - 1].strip():
                before = [clean[j] for j in range(max(0, i - 1 - context), i)]
                found.append(([turn for turn in before if turn.strip()], clean[i], lines[i]))
    return found


def pairs_of(conversations, most, context, characters=CHARACTERS):
    skipped, found = Counter(), []
    for turns in turns_of(conversations, most, context, skipped, characters):
        texts = turns.texts
        assert len(texts) == len(turns) == turns.sizes.sum() == len(turns.replies)
        filled = np.array([bool(text.strip()) for text in texts], np.bool_)
        pairing = pair_up(turns, filled, context, skipped)
        for first, reply in zip(pairing.first, pairing.reply, strict=True):
            before = [text for text in texts[first:reply] if text.strip()]
            found.append((before, texts[reply], int(turns.lines[reply])))
    return found, skipped


@given(CONVERSATIONS, st.integers(0, 3), st.integers(1, 12), st.integers(1, 30))
def test_pairs_are_those_of_the_definition_wherever_chunks_end(drawn, context, most, characters):
    conversations = [made(turns, 1 + 10 * i) for i, turns in enumerate(drawn)]
    found, skipped = pairs_of(conversations, most, context, characters)
    assert found == pairs_by_definition(conversations, context)
    turns = sum(len(one.turns) - 1 for one in conversations if one.replies is None)
    turns += sum(sum(one.replies[1:]) for one in conversations if one.replies is not None)
    alone = sum(len(one.turns) == 1 for one in conversations)
    assert len(found) + sum(skipped.values()) == turns + alone


def test_reasons_are_counted():
    conversations = [
        Conversation(["a", "", "b"], [1, 2, 3]),
        Conversation(["", ""], [4, 5]),
        Conversation(["x"], [6]),
    ]
    found, skipped = pairs_of(conversations, 100, 0)
    assert found == []
    assert skipped == {"empty reply": 1, "empty question": 2, "conversation of one turn": 1}


@pytest.mark.parametrize("context", [0, 2])
def test_no_conversations_make_no_chunk(context):
    assert list(turns_of([], 10, context, Counter())) == []


def test_chunks_are_about_as_large_as_asked():
    conversations = [Conversation(["q", "r"], [i, i]) for i in range(100)]
    conversations.append(Conversation(["t"] * 35, list(range(35))))
    sizes = [len(turns) for turns in turns_of(conversations, 10, 1, Counter())]
    assert sizes[:20] == [10] * 20
    assert all(size <= 12 for size in sizes)


def test_a_chunk_of_long_turns_has_few_of_them():
    short, long = made([("a", None)] * 2, 1), made([("b" * 9, None)] * 2, 3)
    talk = made([("c" * 9, None)] * 7, 5)
    chunks = list(turns_of([short, long, long, short, talk], 100, 1, Counter(), 30))
    assert [chunk.texts for chunk in chunks] == [
        ["a"] * 2 + ["b" * 9] * 4,
        ["a"] * 2 + ["c" * 9] * 3,
        ["c" * 9] * 5,
        ["c" * 9] * 3,
    ]


def test_turned_round_each_reply_is_asked_and_the_question_alone_is_the_reply():
    turns = LaidTurns("", np.array([4, 2]), np.zeros(6, np.uint32), np.ones(6, np.bool_))
    pairing = pair_up(turns, np.ones(6, np.bool_), 2, Counter()).turned_round()
    assert pairing.first.tolist() == pairing.question.tolist() == [1, 2, 3, 5]
    assert pairing.reply.tolist() == [0, 1, 2, 4]


def talks_by_definition(conversations):
    """For every pair: whether it goes on from the one before, and whether it answers an opening."""
    found, before = [], None
    for number, (turns, _, marks) in enumerate(conversations):
        clean = [" ".join(turn.split("\n")) for turn in turns]
        for i in range(1, len(turns)):
            if (marks is None or marks[i]) and clean[i].strip() and clean[i - 1].strip():
                pair = (number, clean[i - 1], clean[i])
                more = before is not None and (
                    pair[0] == before[0] or pair[1] == before[2] or pair[1] == before[1]
                )
                said = marks is None or marks[0]
                found.append((more, not more and i == 1 and bool(said)))
                before = pair
    return found


def talks_of(turns, pairing):
    hashes = np.array([hash(text) % 2**64 for text in turns.texts], np.uint64)
    return Talks.of(turns, pairing, hashes)


@given(CONVERSATIONS, st.integers(0, 2))
def test_a_pair_goes_on_from_the_one_before_if_it_is_of_the_same_talk(conversations, context):
    made_up = [made(turns, 10 * n) for n, turns in enumerate(conversations)]
    for turns in turns_of(iter(made_up), 10**6, context, Counter()):
        filled = np.array([bool(text.strip()) for text in turns.texts], np.bool_)
        pairing = pair_up(turns, filled, context, Counter())
        talks = talks_of(turns, pairing)
        goes_on, opened = talks.goes_on(pairing), talks.opened[pairing.reply]
        found = list(zip(goes_on.tolist(), opened.tolist(), strict=True))
        kept = [one for one in made_up if len(one.turns) > 1]
        assert found == talks_by_definition(kept)


def test_a_pair_that_is_left_out_parts_no_conversation_and_opens_none():
    talk = [Conversation(["a", "b", "c", "d"], [1, 2, 3, 4], None)]
    (turns,) = turns_of(iter(talk), 100, 0, Counter())
    pairing = pair_up(turns, np.ones(4, np.bool_), 0, Counter())
    talks = talks_of(turns, pairing)
    for kept, goes_on, opened in (
        ([True, False, True], [False, True], [True, False]),
        ([False, True, True], [False, True], [False, False]),
    ):
        some = pairing.take(np.array(kept))
        assert talks.goes_on(some).tolist() == goes_on
        assert talks.opened[some.reply].tolist() == opened


def test_what_a_long_conversation_goes_on_with_in_the_next_chunk_opens_nothing():
    talk = Conversation([f"t{n}" for n in range(9)], list(range(9)), None)
    opened = []
    for turns in turns_of(iter([talk]), 4, 0, Counter()):
        pairing = pair_up(turns, np.ones(len(turns), np.bool_), 0, Counter())
        opened += talks_of(turns, pairing).opened[pairing.reply].tolist()
    assert opened == [True, *[False] * 7]

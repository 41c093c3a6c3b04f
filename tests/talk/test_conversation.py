"""What can be done in a conversation, with bots that were really trained."""

import json
from contextlib import suppress

import pytest

from chatbot.config import ReplyConfig
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.talk.conversation import Conversation
from chatbot.talk.copies import copies_of
from chatbot.talk.reply_index import Copies


@pytest.fixture
def talk(bot):
    return Conversation(bot, ReplyConfig())


def said(talk, text):
    return "".join(talk.say(text))


def test_what_is_said_is_remembered_with_its_reply(talk, by_heart):
    for question, reply in by_heart[1]:
        assert said(talk, question) == reply
    assert [(one.question, one.reply) for one in talk.exchanges] == list(by_heart[1])
    assert talk.earlier == ()  # the bot was trained without


def test_before_anything_is_said_nothing_can_be_done_about_it(talk):
    said(talk, "你好")
    talk.reset()
    for do in (talk.retry, talk.undo, talk.candidates, talk.why, lambda: talk.rate("up")):
        with pytest.raises(ChatbotError, match="nothing has been said yet"):
            do()
    assert len(talk.exchanges) == 1


def test_another_reply_is_one_that_was_not_given_yet(talk):
    had = [said(talk, "你好")]
    with suppress(ChatbotError):
        while True:
            had.append(talk.retry())
            assert talk.last.reply == had[-1]
    with pytest.raises(ChatbotError, match="no other reply is found"):
        talk.retry()
    assert len(had) == len(set(had)) > 5
    assert talk.last.refused == had[:-1]


def test_where_replies_are_drawn_another_one_is_drawn(talk):
    talk.config = ReplyConfig(temperature=3.0, seed=4)
    had = {said(talk, "你好")}
    for _ in range(5):
        had.add(talk.retry())
    assert len(had) == 6


def test_what_is_taken_back_has_not_been(talk):
    said(talk, "你好")
    said(talk, "晚安")
    talk.rate("up")
    assert talk.undo().question == "晚安"
    assert [one.question for one in talk.exchanges] == ["你好"]
    assert talk.exchanges[0].rating is None


def test_a_transcript_holds_everything_a_line_each(talk, tmp_path):
    said(talk, "你好")
    talk.rate("down")
    talk.reset()
    said(talk, "晚安")
    path = tmp_path / "talk.jsonl"
    talk.save(path)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines == [
        {"question": "你好", "reply": lines[0]["reply"], "history": [], "rating": "down"},
        {"question": "晚安", "reply": "晚安，好梦", "history": [], "rating": None},
    ]


def test_why_tells_which_pairs_have_the_reply(talk, by_heart):
    said(talk, "晚安")
    assert "".join(talk.why().question) == "晚安"
    copies = talk.copies()
    assert copies.pairs >= 1
    assert copies.place.rsplit(":", 1)[1].isdecimal()


@pytest.mark.parametrize("chunk", [3, 1 << 15])
def test_copies_are_those_that_a_loop_finds(new_folder, monkeypatch, chunk):
    monkeypatch.setattr("chatbot.talk.copies.CHUNK", chunk)
    pairs = [("甲", "好"), ("乙", "好的"), ("丙", "好"), ("丁", "的好"), ("戊", "好好好")] * 3
    folder = new_folder(pairs, tokenizer="char", holdout=2)
    with TokenStore(folder.store) as store:
        train = store.read([(0, store.header.train)])
        replies = [tuple(ids) for ids in map(list, _replies(train))]
        for reply in set(replies):
            found = copies_of(store, reply)
            lines = [train.sources[n, 1] for n, one in enumerate(replies) if one == reply]
            assert found.pairs == len(lines)
            assert found.place.endswith(f":{min(lines)}")
        assert copies_of(store, [3, 3]) == Copies(0, "")
        assert copies_of(store, []) == Copies(0, "")


def _replies(pairs):
    bounds = pairs.bounds
    for first, last in zip(bounds[1::2], bounds[2::2], strict=True):
        yield pairs.tokens[first:last].tolist()


def test_what_a_file_had_before_stays(talk, tmp_path):
    path = tmp_path / "talk.jsonl"
    path.write_text('{"question": "早", "reply": "你早"}', "utf-8")
    for question in ("你好", "晚安"):
        said(talk, question)
        talk.save(path)
    lines = [json.loads(line)["question"] for line in path.read_text("utf-8").splitlines()]
    assert lines == ["早", "你好", "晚安"]


def test_a_wide_beam_has_other_replies_too(talk):
    talk.config = ReplyConfig(beam=60)
    first = said(talk, "你好")
    assert talk.retry() != first


def test_two_conversations_may_keep_one_transcript(bot, tmp_path):
    path = tmp_path / "talk.jsonl"
    one, two = (Conversation(bot, ReplyConfig()) for _ in range(2))
    for talk, question in ((one, "你好"), (two, "晚安"), (one, "ni hao")):
        said(talk, question)
        talk.save(path)
    one.rate("up")
    one.save(tmp_path / "." / "talk.jsonl")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["question"] for line in lines] == ["你好", "ni hao", "晚安"]
    assert [line["rating"] for line in lines] == [None, "up", None]

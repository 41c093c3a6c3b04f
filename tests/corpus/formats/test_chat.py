"""Chats with names in; pairs and counts out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.formats import recognise
from chatbot.errors import ChatbotError

SAID = ["在吗", "在的", "ok see you", "今天下雨了，别忘了带伞。", "嗯"]
STAMPS = {
    "2024-01-01 10:00": "{} {}\n{}\n",
    "2024/1/1 9:05:07": "{} {}\n{}\n\n",
    "2024年1月1日 上午10:00": "{} {}\n{}\n",
    "2024-01-01 10:00:00": "{0} {1}(123456)\n{2}\n",
    "2024-01-01 10:01": "{1} {0}\n{2}\n\n",
    "01/01/24, 10:00": "{} - {}: {}\n",
    "1/1/24, 10:00\u202fPM": "{} - {}: {}\n",
    "[01/01/24, 10:00:00]": "{} {}: {}\n",
    "\u200e[01.01.24, 10:00:00 AM]": "{} {}: {}\n",
    "2024-01-01 10:02": "{} {}：{}\n",
}


def recognised(text):
    try:
        return recognise(text, ReadingConfig())[0].name
    except ChatbotError as error:
        return str(error)


def written(stamp, names=("小明", "Ann Lee", "小红"), times=4):
    said = [f"{one}{n or ''}" for n in range(times) for one in SAID]
    lines = [
        STAMPS[stamp].format(stamp, names[place % len(names)], one)
        for place, one in enumerate(said)
    ]
    return "".join(lines), list(zip(said, said[1:], strict=False))


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("times", [1, 4, 80])
def test_exports_of_chat_programs_are_read_without_names_and_times(text_of, read, stamp, times):
    text, pairs = written(stamp, times=times)
    assert recognised(text_of(text)) == "chat"
    assert read("chat", text) == (pairs, {})


@pytest.mark.parametrize("name", ["小红", "ann lee"])
def test_replies_may_be_by_one_writer_only(read, name):
    text, pairs = written("01/01/24, 10:00")
    by = ["小明", "ann lee", "小红"].index(name)
    expected = [pair for place, pair in enumerate(pairs, 1) if place % 3 == by]
    assert read("chat", text, replies_by=name) == (expected, {})


def test_lines_without_a_time_go_on_and_those_without_a_name_are_counted(read):
    text = (
        "before\n01/01/24, 10:00 - Messages are encrypted.\nand so on\n"
        "01/01/24, 10:00 - Ann: hi\n01/01/24, 10:01 - Ben left\n01/01/24, 10:02 - Ben: a\n\nb: c\n"
    )
    assert read("chat", text) == (
        [("hi", "a b: c")],
        {"no name in front": 2, "notice by no one": 2},
    )


TURN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)


@settings(max_examples=40)
@given(st.lists(st.lists(TURN, min_size=2, max_size=5), min_size=1, max_size=5))
def test_names_alone_open_lines_and_blank_lines_part_conversations(read, talks):
    text = "\n\n".join(
        "\n".join(f"{'小老'[n % 2]}王：.{turn}" for n, turn in enumerate(talk)) for talk in talks
    )
    expected = [
        (f".{one}", f".{after}")
        for talk in talks
        for one, after in zip(talk, talk[1:], strict=False)
    ]
    assert read("chat", text) == (expected, {})


def test_blank_lines_between_all_messages_part_nothing(read):
    assert read("chat", "甲：早\n\n乙：你早\n\n甲：好\n")[0] == [("早", "你早"), ("你早", "好")]


def test_nothing_is_answered_across_a_line_without_a_name(read):
    text = "User: a\nBot: b\n（笑）\nUser: c\nBot: d\n"
    assert read("chat", text) == ([("a", "b"), ("c", "d")], {"no name in front": 1})


@pytest.mark.parametrize(
    "names", [("小明", "小红"), ("User", "Bot"), ("user", "assistant"), ("A", "B"), ("甲", "乙")]
)
def test_names_of_people_are_recognised(text_of, names):
    lines = [f"{names[n % 2]}: {one}\n" for n, one in enumerate(SAID * 3)]
    assert recognised(text_of("".join(lines))) == "chat"


@pytest.mark.parametrize("names", [("Title", "Body"), ("Alice", "Bob"), ("标题", "内容"), "ABCD"])
def test_names_that_may_be_labels_are_asked_about(text_of, names):
    lines = [f"{names[n % len(names)]}: {one}\n" for n, one in enumerate(SAID * 8)]
    said = recognised(text_of("".join(lines)))
    assert "may be in 3 formats" in said
    assert f"begin with a name such as {names[0]}): --format chat" in said


LOGS = {
    "levels": "2024-01-01 10:00:0{} INFO: done {}\n2024-01-01 10:00:0{} ERROR: lost {}\n",
    "services": "2024-01-01 10:00:0{} kernel: oom {}\n2024-01-01 10:00:0{} sshd: login of {}\n",
    "modules": "2024-01-01 10:00:0{} app.db: open {}\n2024-01-01 10:00:0{} app.ui: shown {}\n",
    "processes": "2024-01-01 10:00:0{} cron[{}]: run\n2024-01-01 10:00:0{} at[{}]: run\n",
    "traces": "2024-01-01 10:00:0{} ERROR\n  at {}\n2024-01-01 10:00:0{} WARNING\n  at {}\n",
    "settings": "host: h{}\nport: {}\nname: n{}\nsize: {}\n",
    "one speaker": "2024-01-01 10:00:0{} 小明\n早{}\n2024-01-01 10:00:0{} 小明\n好{}\n",
}


@pytest.mark.parametrize("name", LOGS)
def test_what_programs_write_is_no_chat(text_of, name):
    text = "".join(LOGS[name].format(n, n, n, n) for n in range(9))
    assert recognised(text_of(text)).startswith(("FILE: format not", "FILE: may be in")) or (
        recognised(text_of(text)) != "chat"
    )


def test_a_file_without_a_name_is_refused(read):
    with pytest.raises(ChatbotError, match="no line says who speaks, such as 小明：你好"):
        read("chat", "你好\n早\n")

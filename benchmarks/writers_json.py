"""The writers of `writers`, for formats that are not lines: JSON, YAML and SQLite."""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from invented import Conversation, says_something
from writers import Count, Files, sides, variant


def one_value(records: list[Any]) -> str:
    """One array on one line."""
    return json.dumps(records, ensure_ascii=False)


def indented(records: list[Any]) -> str:
    """One array over many lines."""
    return json.dumps(records, ensure_ascii=False, indent=2) + "\n"


def escaped(records: list[Any]) -> str:
    r"""One array in ASCII, all else as \uXXXX."""
    return json.dumps(records)


def a_line_each(records: list[Any]) -> str:
    """JSON lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def splits(records: list[Any]) -> str:
    """An object of arrays."""
    cut = len(records) * 9 // 10
    parts = {"train": records[:cut], "valid": records[cut:], "test": []}
    return json.dumps(parts, ensure_ascii=False)


Layout = Callable[[list[Any]], str]


def torn(turns: Conversation, chance: random.Random) -> Conversation:
    """The turns, now and then with line feeds and quotes inside."""
    return [f'{turn}\n"再"\n\n說' if chance.random() < 0.02 else turn for turn in turns]


@variant("json-lists", "one array", one_value, "talks.json")
@variant("json-lists", "indented", indented, "talks.json")
@variant("json-lists", "escaped", escaped, "talks.json")
@variant("json-lists", "train and valid", splits, "LCCC.json")
@variant("json-lists", "lines", a_line_each, "talks.jsonl")
def lists(
    talks: Sequence[Conversation], chance: random.Random, count: Count, layout: Layout, name: str
) -> Files:
    """A list of texts each; in lines, now and then a line that is no JSON, and an empty list."""
    records: list[Any] = []
    for number, turns in enumerate(talks):
        turns = torn(turns, chance) if number else turns
        records.append(turns)
        count.talk(turns)
        if chance.random() < 0.005:
            records.append([])
            count.left += 1
    text = layout(records)
    if layout is a_line_each:
        lines = text.splitlines(keepends=True)
        lines.insert(len(lines) // 2, '["這一行", "沒有寫完\n')
        count.left += 1
        text = "".join(lines)
    return {name: text}


@variant("json-lists", "words parted by blanks")
def cut_lists(talks: Sequence[Conversation], _: random.Random, count: Count) -> Files:
    """LCCC as it comes: every turn is cut into words."""
    cut = [[" ".join(turn[i : i + 2] for i in range(0, len(turn), 2)) for turn in t] for t in talks]
    cut = [
        [turn if says_something(old) else "" for turn, old in zip(a, b, strict=True)]
        for a, b in zip(cut, talks, strict=True)
    ]
    for turns in cut:
        count.talk(turns)
    return {"LCCC-base_train.json": one_value(cut)}


USERS, GPT, TASK, CARE = (
    ("user", "assistant"),
    ("human", "gpt"),
    ("usr", "sys"),
    ("client", "counselor"),
)


@variant("json-messages", "messages, lines", "messages", USERS, "role content", a_line_each)
@variant("json-messages", "messages, one array", "messages", USERS, "role content", one_value)
@variant("json-messages", "messages, indented", "messages", USERS, "role content", indented)
@variant("json-messages", "messages, escaped", "messages", USERS, "role content", escaped)
@variant("json-messages", "ShareGPT", "conversations", GPT, "from value", one_value)
@variant("json-messages", "ShareGPT, lines", "conversations", GPT, "from value", a_line_each)
@variant("json-messages", "usr and sys", "", TASK, "role content", one_value)
@variant("json-messages", "client and counselor, lines", "", CARE, "role content", a_line_each)
@variant("json-messages", "no roles", "", ("", ""), "role content", one_value)
@variant("json-messages", "dialog of texts, lines", "dialog", (), "", a_line_each)
def messages(
    talks: Sequence[Conversation],
    chance: random.Random,
    count: Count,
    key: str,
    roles: Sequence[str],
    names: str,
    layout: Layout,
) -> Files:
    """Messages with roles, in an object or not; what the system says does not count."""
    records: list[Any] = []
    for number, turns in enumerate(talks):
        turns = torn(turns, chance) if number else turns
        count.talk(turns)
        told: list[Any] = [said(turn, i, roles, names) for i, turn in enumerate(turns)]
        if roles in (USERS, GPT) and chance.random() < 0.3:
            told.insert(0, said("你是一個助手。", 0, ("system",), names))
            count.system += 1
        records.append({"id": f"{number}", key: told, "topic": "x"} if key else told)
    return {"talks.json": layout(records)}


def said(turn: str, place: int, roles: Sequence[str], names: str) -> Any:  # noqa: ANN401 - JSON
    """A message; a text alone where there are no roles at all."""
    if not roles:
        return turn
    role, text = names.split()
    message = {role: roles[place % len(roles)], text: turn}
    return message if roles[0] else {text: turn}


@variant("json-messages", "one conversation, one array", False)
@variant("json-messages", "one conversation, one object", True)
def one_conversation(
    talks: Sequence[Conversation], _: random.Random, count: Count, as_object: bool
) -> Files:
    """All turns one after the other."""
    turns = [turn for talk in talks for turn in talk]
    count.talk(turns)
    told = [said(turn, i, USERS, "role content") for i, turn in enumerate(turns)]
    record: Any = {"messages": told} if as_object else told
    return {"talk.json": json.dumps(record, ensure_ascii=False, indent=1)}


@variant("instruction", "Alpaca, one array", one_value, "instruction input output")
@variant("instruction", "Alpaca, indented", indented, "instruction input output")
@variant("instruction", "Alpaca, escaped", escaped, "instruction input output")
@variant("instruction", "Alpaca, lines", a_line_each, "instruction input output")
@variant("instruction", "prompt and completion, lines", a_line_each, "prompt - completion")
def instructions(
    talks: Sequence[Conversation], chance: random.Random, count: Count, layout: Layout, names: str
) -> Files:
    """A pair each, some with an input behind the instruction."""
    question, about, answer = names.split()
    records: list[Any] = []
    for number, pair in enumerate(sides(talks)):
        asked, reply = torn(list(pair), chance) if number else pair
        record = {question: asked, answer: reply}
        if about != "-":
            more = "下面這句話" if number and chance.random() < 0.3 else ""
            record = {question: asked, about: more, answer: reply}
            asked += more
        records.append(record)
        count.answer(asked, reply)
    return {"alpaca.json": layout(records)}


@variant("instruction", "query, response, history, lines", a_line_each)
@variant("instruction", "query, response, history, one array", one_value)
def queries(
    talks: Sequence[Conversation], chance: random.Random, count: Count, layout: Layout
) -> Files:
    """Only the response is a reply; the history is context."""
    records: list[Any] = []
    for turns in talks:
        turns = turns[len(turns) % 2 :]
        if not turns:
            continue
        history = [turns[i : i + 2] for i in range(0, len(turns) - 2, 2)]
        records.append({"query": turns[-2], "response": turns[-1], "history": history})
        count.answer(*turns[-2:])
    return {"chatglm.json": layout(records)}


@variant("instruction", "conversation of input and output, one array", one_value)
@variant("instruction", "conversation of input and output, lines", a_line_each)
def exchanges(
    talks: Sequence[Conversation], chance: random.Random, count: Count, layout: Layout
) -> Files:
    """Several exchanges a conversation; what the system says does not count."""
    records: list[Any] = []
    for turns in talks:
        told: list[dict[str, str]] = []
        for question, reply in zip(turns[::2], turns[1::2], strict=False):
            told.append({"input": question, "output": reply})
            count.answer(question, reply)
        if told:
            told[0] = {"system": "友善一點"} | told[0]
            records.append({"conversation": told})
    return {"xtuner.json": layout(records)}


@variant("question-answers", "one object", None)
@variant("question-answers", "indented", 1)
def question_answers(
    talks: Sequence[Conversation], chance: random.Random, count: Count, indent: int | None
) -> Files:
    """Questions with a list of answers, or with one; now and then with none."""
    answers = defaultdict(list)
    for question, reply in sides(talks):
        answers[question].append(reply)
    for question, replies in answers.items():
        for reply in replies:
            count.answer(question, reply)
    value: dict[str, Any] = dict(answers)
    for question, replies in answers.items():
        if len(replies) == 1 and chance.random() < 0.3:
            value[question] = replies[0]
    value["沒有人回答"] = []
    count.left += 1
    return {"faq.json": json.dumps(value, ensure_ascii=False, indent=indent)}


@variant("chatterbot", "as PyYAML writes it", True)
@variant("chatterbot", "as people write it", False)
def chatterbot(
    talks: Sequence[Conversation], _: random.Random, count: Count, dumped: bool
) -> Files:
    """The YAML of chatterbot-corpus."""
    for turns in talks:
        count.talk(turns)
    if dumped:
        value = {"categories": ["閒聊"], "conversations": list(talks)}
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return {"talk.yml": yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=False)}
    lines = ["categories:", "- 閒聊", "conversations:"]
    for turns in talks:
        lines += [f"{'  ' if i else '- '}- {scalar(turn)}" for i, turn in enumerate(turns)]
    return {"talk.yml": "\n".join(lines) + "\n"}


def scalar(turn: str) -> str:
    """A turn as a YAML scalar: plain where that means the same, else in double quotes."""
    plain = turn and turn.strip() == turn and turn[0] not in "{(\"'T-:~" and "\u3000" not in turn
    if plain and not any(part in turn for part in (": ", " #", '"')) and not turn.endswith(":"):
        return turn
    return json.dumps(turn, ensure_ascii=False)


@variant("sqlite", "ask, answer", "ask", "answer", "UTF-8", script="database")
@variant("sqlite", "question, answer", "question", "answer", "UTF-8", script="database")
@variant("sqlite", "ask, answer in UTF-16", "ask", "answer", "UTF-16le", script="database")
def database(
    talks: Sequence[Conversation], chance: random.Random, count: Count, *names: str
) -> Files:
    """A table of pairs beside another one; now and then NULL for an answer."""
    question, answer, encoding = names
    rows: list[tuple[str, str | None]] = []
    for asked, reply in sides(talks):
        rows.append((asked, reply))
        count.answer(asked, reply)
        if chance.random() < 0.01:
            rows.append((asked, None))
            count.left += 1
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "talk.db"
        base = sqlite3.connect(path)
        base.execute(f"PRAGMA encoding = '{encoding}'")
        base.execute("CREATE TABLE settings (name TEXT, value TEXT)")
        base.execute("INSERT INTO settings VALUES ('version', '1')")
        base.execute(f"CREATE TABLE talk (id INTEGER PRIMARY KEY, {question} TEXT, {answer} TEXT)")
        base.executemany(f"INSERT INTO talk ({question}, {answer}) VALUES (?, ?)", rows)
        base.commit()
        base.close()
        return {"talk.db": path.read_bytes()}

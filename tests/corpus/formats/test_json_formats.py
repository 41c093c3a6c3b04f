"""JSON files in; their conversations, what was skipped, and which format they are in, out."""

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files.text import find_texts
from chatbot.corpus.formats.instruction import Instruction
from chatbot.corpus.formats.json_lists import JsonLists
from chatbot.corpus.formats.json_messages import JsonMessages
from chatbot.corpus.formats.question_answers import QuestionAnswers
from chatbot.errors import ChatbotError

FORMATS = (JsonLists, JsonMessages, Instruction, QuestionAnswers)


@pytest.fixture
def opened(tmp_path):
    """(content, text or values, and its file name) -> the text."""

    def make(content, name="x.json", **reading):
        path = tmp_path / name
        content = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        data = content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        (text,) = find_texts([path], ReadingConfig(**reading))
        return text

    return make


def conversations(one, text, **reading):
    skipped = Counter()
    return list(one(ReadingConfig(**reading)).read(text, skipped)), dict(skipped)


def pairs(one, text, **reading):
    found, skipped = conversations(one, text, **reading)
    return [pair for conversation in found for pair in pairs_of(conversation)], skipped


def pairs_of(conversation):
    turns, replies = conversation.turns, conversation.replies
    assert len(conversation.lines) == len(turns) == len(replies or turns)
    return [(turns[i - 1], turns[i]) for i in range(1, len(turns)) if replies is None or replies[i]]


def weights(text):
    return {one.name: one(ReadingConfig()).evidence(text.sample()) for one in FORMATS}


def recognised(text):
    """The format that is taken, which must be the only one in question."""
    found = [name for name, evidence in weights(text).items() if evidence.sureness >= 0.5]
    assert len(found) <= 1
    return found[0] if found else None


def messages(*turns, role="role", content="content"):
    return [{role: who, content: said} for who, said in turns]


HUMAN = messages(("human", "a"), ("gpt", "b"), ("human", "c"), role="from", content="value")
USER = messages(("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"))
ABC = [("a", "b"), ("b", "c")]
SYSTEM = {"system turn": 1}

MESSAGES = [
    (USER, ABC, SYSTEM),
    ([USER, USER], ABC * 2, {"system turn": 2}),
    ({"messages": USER}, ABC, SYSTEM),
    ([{"messages": USER, "id": 1}], ABC, SYSTEM),
    ([{"id": "x", "conversations": HUMAN}] * 2, ABC * 2, {}),
    ({"conversations": [{"messages": HUMAN}]}, ABC, {}),
    ({"train": [{"dialogue": HUMAN}], "test": [{"turns": HUMAN}]}, ABC * 2, {}),
    ({"391": {"goal": [[1, "x"]], "messages": HUMAN}, "7": {"messages": HUMAN}}, ABC * 2, {}),
    ({"code": 0, "message": "success", "data": [{"messages": HUMAN}]}, ABC, {}),
    ({"dialog": ["a", "b", "c"], "topic": "x"}, ABC, {}),
    ([[{"content": "a"}, {"content": "b"}, {"content": "c"}]], ABC, {}),
    ([{"content": "a"}, {"content": "b"}, {"content": "c"}], ABC, {}),
    ([{"utterances": messages(("A", "a"), ("A", "b"), ("B", "c"), content="text")}], ABC, {}),
    (messages(("usr", "a"), ("sys", "b"), ("usr", "c")), ABC, {}),
    (messages(("client", "a"), ("counselor", "b"), ("client", "c")), ABC, {}),
    ({"turns": messages(("USER", "a"), ("SYSTEM", "b"), ("USER", "c"), role="speaker")}, ABC, {}),
    (messages(("sys", "s"), ("user", "a"), ("assistant", "b"), ("user", "c")), ABC, SYSTEM),
    (messages(("user", "a"), ("tool", "{}"), ("assistant", "b"), ("user", "c")), ABC, SYSTEM),
    (messages(("user", "a"), ("assistant", None)), [("a", "")], {}),
    (
        [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]
        + messages(("assistant", "b\nc")),
        [("a", "b\nc")],
        {},
    ),
]


@pytest.mark.parametrize(("content", "expected", "skipped"), MESSAGES)
@pytest.mark.parametrize("indent", [None, 1])
def test_messages_are_read_whatever_holds_them(opened, content, expected, skipped, indent):
    text = opened(json.dumps(content, indent=indent))
    assert recognised(text) == "json-messages"
    assert pairs(JsonMessages, text) == (expected, skipped)


@pytest.mark.parametrize("content", [content for content, _, _ in MESSAGES])
def test_messages_are_read_from_json_lines_as_from_json(opened, content):
    expected, skipped = pairs(JsonMessages, opened(content))
    line = json.dumps(content)
    text = opened(f"{line}\n{line}\n\n{line}\n", "x.jsonl.gz")
    assert recognised(text) == "json-messages"
    assert pairs(JsonMessages, text) == (expected * 3, {why: 3 * n for why, n in skipped.items()})


def test_lines_that_are_a_message_each_are_one_conversation(opened):
    text = opened("\n".join(json.dumps(message) for message in HUMAN))
    assert recognised(text) == "json-messages"
    assert weights(text)["json-messages"].sureness == 0.7
    (one,), _ = conversations(JsonMessages, text)
    assert (one.turns, one.lines) == (["a", "b", "c"], [1, 2, 3])


def test_a_conversation_of_many_thousand_messages_comes_in_pieces_without_losing_a_pair(opened):
    said = [f"t{i}" for i in range(9_001)]
    text = opened(messages(*(("user", turn) for turn in said)))
    found, skipped = conversations(JsonMessages, text)
    assert max(len(one.turns) for one in found) < 5_000
    assert pairs(JsonMessages, text) == (list(zip(said, said[1:], strict=False)), {})
    assert skipped == {}


def test_only_the_role_asked_for_replies(opened):
    text = opened([{"messages": USER}, {"messages": messages(("user", "d"), ("Assistant", "e"))}])
    expected = [("a", "b"), ("d", "e")]
    assert pairs(JsonMessages, text, replies_by="ASSISTANT ") == (expected, {"system turn": 1})
    assert pairs(JsonMessages, text, replies_by="user")[0] == [("b", "c")]
    plain = opened([{"dialog": ["a", "b", "c"]}])
    assert pairs(JsonMessages, plain, replies_by="user")[0] == ABC


def test_a_role_that_no_turn_has_is_refused_with_those_there_are(opened):
    text = opened([{"messages": USER}])
    with pytest.raises(ChatbotError) as caught:
        pairs(JsonMessages, text, replies_by="bot")
    assert str(caught.value) == (
        f"{text.name}: --replies-by bot: no turn is by 'bot'; the speakers are user, assistant. "
        "Name one of them, or leave the option out."
    )


def test_messages_on_both_sides_of_a_damaged_one_make_no_pair(opened):
    lines = [json.dumps(message) for message in HUMAN]
    text = opened("\n".join([*lines[:2], "{damaged", lines[2]]))
    assert pairs(JsonMessages, text)[0] == [("a", "b")]


INSTRUCTIONS = [
    ({"instruction": "a", "input": "", "output": "b"}, [("a", "b")]),
    ({"instruction": "a", "input": "x", "output": "b"}, [("a\nx", "b")]),
    ({"instruction": "", "input": "x", "output": "b"}, [("x", "b")]),
    ({"instruction": "a", "context": "x", "response": "b", "category": "qa"}, [("a\nx", "b")]),
    ({"Question": "a", "Answer": "b"}, [("a", "b")]),
    ({"question": "a", "answers": ["b", {"text": "c"}], "id": 1}, [("a", "b"), ("a", "c")]),
    ({"prompt": "a", "completion": "b"}, [("a", "b")]),
    ({"ask": "a", "answer": 12}, [("a", "12")]),
    ({"问": "a", "答": "b"}, [("a", "b")]),
    ({"query": "a", "response": "b", "history": []}, [("a", "b")]),
    ({"query": "a", "response": None, "history": None}, [("a", "")]),
    ({"conversation": [{"input": "a", "output": "b"}, {"input": "c", "output": "d"}]},)
    + ([("a", "b"), ("c", "d")],),
    ({"conversation": [{"human": "a", "assistant": "b"}]}, [("a", "b")]),
    ({"data": [{"paragraphs": [{"qas": [{"question": "a", "answers": ["b"]}]}]}]}, [("a", "b")]),
]


@pytest.mark.parametrize(("content", "expected"), INSTRUCTIONS)
def test_questions_with_answers_are_read_whatever_holds_them(opened, content, expected):
    line = json.dumps(content)
    for text, times in ((f"{line}\n{line}", 2), (f"[{line}, {line}]", 2), (f'{{"t":[{line}]}}', 1)):
        file = opened(text)
        assert pairs(Instruction, file) == (expected * times, {})
        assert times == 1 or recognised(file) == "instruction"


@pytest.mark.parametrize(
    "history",
    [[["a", "b"], ["c", "d"]], ["a", "b", "c", "d"], [{"q": "a", "a": "b"}, {"q": "c", "a": "d"}]]
    + [messages(("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("bot", "d"))],
)
def test_history_is_context_and_no_reply(opened, history):
    text = opened([{"query": "e", "response": "f", "history": history}])
    (one,), _ = conversations(Instruction, text)
    assert (list(one.turns), one.replies) == (list("abcdef"), [False] * 5 + [True])


def test_every_answer_in_a_list_of_exchanges_is_a_reply_and_earlier_ones_are_context(opened):
    exchanges = [{"system": "s", "input": "a", "output": "b"}, {"input": "c", "output": "d"}]
    (one,), _ = conversations(Instruction, opened([{"conversation": exchanges}]))
    assert (one.turns, one.replies) == (list("abcd"), [False, True, False, True])


LISTS = [
    ([["a", "b", "c"], ["a", "b"]], [*ABC, ("a", "b")]),
    ({"train": [["a", "b"]], "valid": [["a", "c"]], "n": 1}, [("a", "b"), ("a", "c")]),
    ({"train": [["a", "b"]], "valid": [], "test": []}, [("a", "b")]),
    ([["我 很 好", "好 的"]], [("我 很 好", "好 的")]),
    ([["a", None, "\n"]], [("a", ""), ("", "\n")]),
]


@pytest.mark.parametrize(("content", "expected"), LISTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_lists_of_texts_are_read_whatever_holds_them(opened, content, expected, indent):
    text = opened(json.dumps(content, indent=indent))
    assert recognised(text) == "json-lists"
    assert pairs(JsonLists, text) == (expected, {})


def test_lists_of_texts_are_read_from_json_lines(opened):
    text = opened('["a", "b", "c"]\n[]\n[1, 2]\n["a", "b"]\n["a", \n["a", "c"]\n', "x.jsonl")
    assert recognised(text) == "json-lists"
    assert pairs(JsonLists, text) == (
        [*ABC, ("a", "b"), ("a", "c")],
        {"empty conversation": 1, "not a conversation": 1, "not JSON": 1},
    )


def test_an_object_of_questions_gives_a_pair_for_every_answer(opened):
    content = {"你好": ["b", "c"], "how are you?": "d", "n": {"x": 1}, "m": [], "好": [None]}
    text = opened(json.dumps(content, indent=1))
    assert recognised(text) == "question-answers"
    found, skipped = conversations(QuestionAnswers, text)
    assert [tuple(one.turns) for one in found] == [
        *(("你好", "b"), ("你好", "c"), ("how are you?", "d"), ("好", ""))
    ]
    assert [one.lines[0] for one in found] == [2, 2, 6, 11]
    assert skipped == {"not a conversation": 2}
    assert recognised(opened('{"你好": "b"}\n{"好吗": ["c"]}')) == "question-answers"


FOREIGN = {
    "package": {
        **{"name": "x", "version": "1.0.0", "description": "A thing", "private": True},
        **{"scripts": {"build": "make it all"}, "keywords": ["a", "b"], "files": ["dist"]},
        **{"dependencies": {"left-pad": "^1.0.0"}, "contributors": [{"name": "A B"}]},
    },
    "settings": {"input": "src/a.js", "output": "dist/b.js"},
    "compiler": {"compilerOptions": {"target": "es6", "lib": ["dom", "es6"]}, "include": ["src"]},
    "map": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": "X Y"},
                "geometry": {"type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 4.0]]},
            }
        ],
    },
    "numbers": [[1, 2, 3], [4, 5, 6]],
    "flat numbers": [1, 2, 3],
    "words": ["a", "b", "c", "d"],
    "table": [{"name": "A", "age": 3}, {"name": "B", "age": 4}],
    "texts": [{"text": "Ein Satz.", "label": 1}, {"text": "Noch einer.", "label": 0}],
    "tokens": [[["a", "b"], ["c", "d"]], [["e"]]],
    "nothing": [],
    "nothing named": {},
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_that_is_no_conversation_is_not_recognised(opened, content, indent):
    assert recognised(opened(json.dumps(content, indent=indent))) is None


def test_json_lines_of_other_things_are_not_recognised(opened):
    lines = [{"text": f"Satz {i}", "label": i % 2} for i in range(9)]
    assert recognised(opened("\n".join(map(json.dumps, lines)))) is None
    lines = [{"姓名": f"n{i}", "城市": f"c{i}"} for i in range(9)]
    assert recognised(opened("\n".join(map(json.dumps, lines)))) is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ([["早" * 50, "你早" * 50]] * 3000, "json-lists"),
        ({"messages": USER * 9000}, "json-messages"),
        ([{"conversations": HUMAN * 9000}], "json-messages"),
        ({"data": [{"question": "早" * 99, "answer": "b"}] * 2000}, "instruction"),
        ({f"问 {i}": ["b" * 99] for i in range(4000)}, "question-answers"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_larger_than_the_sample_is_recognised(opened, content, name, indent):
    text = opened(json.dumps(content, indent=indent, ensure_ascii=False))
    assert not text.sample().whole
    assert recognised(text) == name


def test_a_file_with_a_few_damaged_lines_is_recognised_and_they_are_counted(opened):
    lines = [json.dumps(["a", f"b{i}"]) for i in range(20)]
    lines[3:6] = ["", '["x" "y"]', "# a remark"]
    text = opened("\n".join(lines))
    evidence = weights(text)["json-lists"]
    assert evidence.reason == "17 of 19 JSON records are lists of texts"
    assert evidence.sureness > 0.9
    found, skipped = pairs(JsonLists, text)
    assert (len(found), skipped) == (17, {"not JSON": 2})


def test_half_a_surrogate_pair_is_replaced(opened):
    half = '"\\ud83d!"'
    for one, content in (
        (JsonLists, f'[["a", {half}]]'),
        (JsonMessages, f'[{{"role": "u", "content": "a"}}, {{"role": "v", "content": {half}}}]'),
        (Instruction, f'{{"question": "a", "answer": {half}}}'),
        (QuestionAnswers, f'{{"a": [{half}]}}'),
    ):
        assert pairs(one, opened(content))[0] == [("a", "\ufffd!")]
    assert pairs(QuestionAnswers, opened(f'{{{half}: "\\ud83d\\ude00"}}'))[0] == [("\ufffd!", "😀")]


SIDES = st.text(max_size=8) | st.sampled_from(["", "\n", "你 好", "😀\u2028", '"', "\\", "\r\0"])
TURNS = st.lists(st.lists(SIDES, min_size=2, max_size=5), min_size=1, max_size=5)


def as_lists(talks):
    return talks, JsonLists


def as_messages(talks):
    return [
        {"messages": messages(*((("user", "assistant")[i % 2], t) for i, t in enumerate(talk)))}
        for talk in talks
    ], JsonMessages


def as_instructions(talks):
    return [
        {"query": talk[-2], "response": talk[-1], "history": talk[:-2]} for talk in talks
    ], Instruction


def as_answers(talks):
    return [{talk[0]: talk[1:]} for talk in talks], QuestionAnswers


@given(
    TURNS,
    st.sampled_from([as_lists, as_messages, as_instructions, as_answers]),
    st.sampled_from([None, 0, 3, "lines"]),
    st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, talks, shape, indent, ascii_only):
    content, one = shape(talks)
    expected = {
        as_lists: [pair for talk in talks for pair in zip(talk, talk[1:], strict=False)],
        as_instructions: [tuple(talk[-2:]) for talk in talks],
        as_answers: [(talk[0], answer) for talk in talks for answer in talk[1:]],
    }
    expected[as_messages] = expected[as_lists]
    if indent == "lines":
        written = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in content)
    else:
        written = json.dumps(content, indent=indent, ensure_ascii=ascii_only)
    path = tmp_path_factory.getbasetemp() / "back.json"
    path.write_bytes(written.encode())
    (text,) = find_texts([path], ReadingConfig(encoding="utf-8"))
    found, skipped = pairs(one, text)
    assert found == expected[shape]
    assert skipped == {}


@pytest.mark.parametrize("shape", [as_lists, as_messages, as_instructions, as_answers])
@pytest.mark.parametrize("indent", [None, 0, 2, "lines"])
def test_a_file_cut_off_anywhere_gives_pairs_of_the_whole_one_or_is_refused(opened, shape, indent):
    content, one = shape([["早", "你早", "吃了吗", "\ud83d\ude00"], ["b\n", "c"]])
    if indent == "lines":
        written = "\n".join(json.dumps(record) for record in content)
    else:
        written = json.dumps(content, indent=indent)
    whole = pairs(one, opened(written))[0]
    for end in range(1, len(written)):
        if written[:end].strip():
            found, skipped = pairs(one, opened(written[:end]))
            assert found == whole[: len(found)]
            inside = {"not JSON"} if indent == 0 else set()
            assert set(skipped) <= {"cut off", "conversation of one turn"} | inside
            between = indent == "lines" and written[end - 1] in "}]\n"
            assert between or len(found) == len(whole) or {"cut off", *inside} & skipped.keys()


ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "conversation", "content", "role", "text", "history", "query"]
                + ["response", "answers", "好", "a"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=15,
)


@given(ANY, st.sampled_from(FORMATS))
def test_any_json_is_weighed_and_read_without_a_fault(tmp_path_factory, value, one):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(f"{json.dumps(value)}\n[1]", encoding="utf-8")
    (text,) = find_texts([path], ReadingConfig(encoding="utf-8"))
    assert 0 <= one(ReadingConfig()).evidence(text.sample()).sureness <= 1
    for conversation in conversations(one, text)[0]:
        assert all(isinstance(turn, str) for turn in conversation.turns)
        pairs_of(conversation)
        "".join(conversation.turns).encode()

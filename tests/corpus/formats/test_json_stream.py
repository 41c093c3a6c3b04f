"""JSON texts in; their records with their lines, and what was damaged, out."""

import json
import time
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.formats.json_stream import JsonStream
from chatbot.errors import ChatbotError


def has_a(record):
    return record.get("a", [[]]) != [[]]


def records(text, whole=has_a, size=1 << 20, partial=False):
    skipped = Counter()
    blocks = iter([text[i : i + size] for i in range(0, len(text), size)])
    stream = JsonStream("x.json", blocks, skipped, whole, partial=partial)
    return list(stream.records()), dict(skipped)


def values(text, **options):
    found, skipped = records(text, **options)
    return [record.value for record in found], skipped


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.text('[]{},:"\\\n', max_size=9)
SHAPES = ["lines", "array", "object", "deep"]
LEAVES = st.lists(TEXTS, min_size=1, max_size=3) | st.dictionaries(
    st.just("a"), TEXTS, min_size=1, max_size=1
)


@given(st.lists(LEAVES, max_size=5), st.sampled_from(SHAPES), st.data())
def test_records_are_found_whatever_holds_them(leaves, shape, data):
    indent = data.draw(st.sampled_from([None, 0, 2]))
    text = {
        "lines": "\n".join(json.dumps(leaf) for leaf in leaves),
        "array": json.dumps(leaves, indent=indent, ensure_ascii=False),
        "object": json.dumps({"n": 1, "train": leaves[:2], "b": leaves[2:]}, indent=indent),
        "deep": json.dumps([{"n": [{"m": {"o": leaf}}]} for leaf in leaves], indent=indent),
    }[shape]
    size = data.draw(st.integers(1, 40))
    found, skipped = values(text, size=size)
    assert [value for value in found if value not in ([], {}, {"n": 1})] == leaves
    assert skipped == {}


def test_a_record_knows_its_line_its_name_and_what_is_around_it():
    text = '\n{"n": 1, "x": [\n["b"],\n {"a": 2}\n],\n"y": {"a": 3}, "z": ["c"]}\n["d"]\n'
    found, _ = records(text)
    assert [(one.value, one.line, one.key, one.arrays) for one in found] == [
        (["b"], 3, None, 1),
        ({"a": 2}, 4, None, 1),
        ({"a": 3}, 6, "y", 0),
        (["c"], 6, "z", 0),
        (["d"], 7, None, 0),
    ]
    groups = [one.group for one in found]
    assert groups[0] == groups[1] != groups[2]


def test_an_object_that_holds_no_record_comes_with_its_texts():
    assert values('[{"b": "x", "c": 3}, {}]') == ([{"b": "x"}, {}], {})


def test_members_are_records_where_no_object_is_one():
    found, skipped = records('{"q": ["x"], "r": {"s": 1}}\n[{"t": 2}]', None, size=3)
    assert [(one.key, one.value) for one in found] == [("q", ["x"]), ("r", {"s": 1}), ("t", 2)]
    assert skipped == {}


def test_commas_too_many_or_too_few_do_no_harm():
    text = '[["a"]\n["b"],,\n{"a": 1},]\n,["c"],\n["d"]'
    assert values(text) == ([["a"], ["b"], {"a": 1}, ["c"], ["d"]], {})


@pytest.mark.parametrize(
    ("bad", "count"),
    [
        ('{"a": "x" "y"}', 1),
        ('{"a": "x', 1),
        ('{"a": "x"y"}', 1),
        ('{"a": ["x", ', 1),
        ("{", 1),
        ('{"a": 1}}', 1),
        ("no JSON", 1),
        ("}", 1),
        ('{"a": nul}\n{"a": nul}', 2),
        ('{"a": nul}\n\n# a remark\n  x\n# another', 3),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_damaged_line_of_json_lines_costs_only_itself(bad, count, size):
    text = f'{{"a": 1}}\n{bad}\n{{"a": 2}}\n{{"a": 3}}\n'
    found, skipped = values(text, size=size)
    assert [value for value in found if value["a"] in (2, 3)] == [{"a": 2}, {"a": 3}]
    assert skipped == {"not JSON": count}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("indent", [1, 4])
def test_a_damaged_record_of_an_array_over_many_lines_costs_only_itself(indent, size):
    good = [{"a": [{"b": i}, {"c": ["d"]}]} for i in range(5)]
    text = json.dumps(good, indent=indent).replace('"b": 2', '"b" 2')
    assert values(text, size=size) == ([*good[:2], *good[3:]], {"not JSON": 1})


def test_a_stray_bracket_costs_its_line():
    text = '[\n["a"],\n},\n["b"],\n["c"]\n]\n'
    assert values(text) == ([["a"], ["b"], ["c"]], {"not JSON": 1})


def test_a_damaged_place_ends_a_group():
    found, _ = records('{"a": 1}\n{"a": 2}\n{"a": }\n{"a": 3}\n')
    assert [one.group for one in found] == [(0, 0), (0, 0), (0, 1)]


def test_what_follows_a_damaged_place_in_a_single_line_is_given_up_and_counted():
    assert values('[["a"], ["b" "c"], ["d"]]') == ([["a"]], {"not JSON": 1})
    text = '[["a"],\n["b"], ["c" "d"], ["e"],\n\n["f"]]'
    assert values(text) == ([["a"], ["b"]], {"not JSON from line 2 on": 3})


EXAMPLES = (
    '[["ab", "c\\n"], ["\\ud83d\\ude00", "好"]]\n',
    '{"train": [["a", "b"]], "n": 12, "valid": [["c"]]}',
    '{"a": "x"}\n{"a": ["y", null]}\n',
    json.dumps([{"a": [{"b": "c"}]}, {"a": [{"b": "d"}]}], indent=2),
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_file_cut_off_anywhere_gives_whole_records_of_its_beginning_and_says_so(text):
    whole, _ = values(text)
    for end in range(len(text)):
        for size in (2, 1000):
            found, skipped = values(text[:end], size=size)
            found = [value for value in found if value]
            assert found == whole[: len(found)]
            assert set(skipped) <= {"cut off"}
            if text[:end].strip() and len(found) < len(whole) and text[end - 1] not in "}]\n":
                assert skipped == {"cut off": 1}


def test_an_object_that_a_sample_cuts_off_is_entered():
    text = '{"a": [{"a": "b"}, {"a": "c"}, {"a'
    assert values(text) == ([], {"cut off": 1})
    assert values(text, partial=True)[0] == [{"a": "b"}, {"a": "c"}]


def test_an_object_of_more_than_a_mebibyte_is_entered_and_keeps_its_texts():
    long = "x" * (1 << 20)
    assert values(json.dumps({"a": long})) == ([{"a": long}], {})
    both = {"a": long, "b": [["c"]]}
    assert values(json.dumps(both)) == ([["c"], both | {"b": [[]]}], {})
    inside = [{"a": long[:500_000]}, {"a": long[:600_000]}, {"a": "b"}]
    assert values(json.dumps({"a": inside}), size=5000) == (inside, {})


@pytest.mark.parametrize("tail", ['"]]', ""])
def test_a_record_of_more_than_16_mebibytes_is_refused_with_its_line(tail):
    text = '[["a"],\n["' + "x" * (17 << 20) + tail
    with pytest.raises(ChatbotError) as caught:
        records(text)
    assert str(caught.value) == (
        "x.json:2: the JSON value that begins here is longer than 16 MiB. Give each conversation "
        "its own array or object."
    )


@pytest.mark.parametrize("shape", ["array", "object"])
def test_an_array_of_30_mb_on_one_line_is_read_in_little_memory(shape):
    record = json.dumps({"a": ["今天天气怎么样" * 50, "不错" * 99]}, ensure_ascii=False)
    count = 30_000_000 // len(record.encode())

    def blocks():
        yield '{"x": [' if shape == "object" else "["
        for _ in range(count // 10):
            yield (record + ", ") * 10
        yield "]}" if shape == "object" else "]"

    skipped, found = Counter(), 0
    start = time.perf_counter()
    tracemalloc.start()
    for _ in JsonStream("x.json", blocks(), skipped, has_a).records():
        found += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found, dict(skipped)) == (count // 10 * 10, {})
    assert peak < (1 << 20 if shape == "array" else 16 << 20)
    assert time.perf_counter() - start < 30


@given(st.text() | st.text('[]{},:"\\ \nau1', max_size=60), st.integers(1, 9), st.booleans())
def test_any_text_is_read_without_a_fault(text, size, members):
    records(text, None if members else has_a, size=size)
    records(text, None if members else has_a, partial=True)

"""The facts about corpora: lengths, vocabularies, and what a program reads of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey, longer, percentile


def histogram(lengths):
    return np.bincount(lengths, minlength=LENGTH_BINS)


lengths = st.lists(st.integers(0, LENGTH_BINS - 1), min_size=1, max_size=30)


@given(lengths, st.integers(1, 100))
def test_a_percentile_is_the_least_length_that_so_many_do_not_pass(found, percent):
    answer = percentile(histogram(found), percent / 100)
    enough = percent * len(found) / 100 - 1e-9
    assert sum(one <= answer for one in found) >= enough
    assert answer == 0 or sum(one < answer for one in found) < enough + 2e-9


@given(lengths, st.integers(0, LENGTH_BINS - 1))
def test_a_share_is_longer_than_a_length(found, length):
    share = longer(histogram(found), length)
    assert share == pytest.approx(sum(one > length for one in found) / len(found))


def test_nothing_is_longer_and_no_length_is_known_where_nothing_was_counted():
    assert longer(histogram([]), 3) == 0
    assert percentile(histogram([]), 0.5) == 0


CUTOFFS = [Cutoff(1, 9_000, 0.0), Cutoff(2, 5_000, 0.02), Cutoff(4, 1_000, 0.1)]


@pytest.mark.parametrize(
    ("settings", "max_size", "expected"),
    [
        ({}, None, (2, 5_000, 0.02)),
        ({"min_freq": 1}, None, (1, 9_000, 0.0)),
        ({"min_freq": 3}, None, (3, 1_000, 0.1)),
        ({"min_freq": 7}, None, (7, 1_000, 0.1)),
        ({"max_size": 3_000}, None, (2, 3_000, 0.06)),
        ({"max_size": 3_000}, 4_000, (2, 4_000, 0.04)),
        ({"max_size": 900}, None, (2, 900, 0.1)),
        ({"min_freq": 1}, 7_000, (1, 7_000, 0.01)),
    ],
)
def test_a_vocabulary_lies_between_the_cut_offs_that_are_known(settings, max_size, expected):
    found = Survey(cutoffs=CUTOFFS, settings=settings).vocabulary(max_size)
    assert (found.min_freq, found.entries) == expected[:2]
    assert found.unknown == pytest.approx(expected[2])


def test_the_vocabulary_that_was_chosen_is_told_as_it_is():
    chosen = Cutoff(2, 5_123, 0.019)
    survey = Survey(cutoffs=CUTOFFS, chosen=chosen)
    assert survey.vocabulary() == chosen
    assert survey.vocabulary(4_000).entries == 4_000


def test_without_words_there_is_no_vocabulary():
    assert Survey().vocabulary() == Cutoff(2, 0, 0.0)


def test_a_program_gets_every_fact_as_a_raw_number():
    survey = Survey(
        files=[FileFacts("a.tsv", "tab", "so it is", pairs=3, first=[["你", "我"]], faults=["x"])],
        census=Census.of(["你好", "早", "早"], ["你好", "你 好", "这是什么时候"]),
        dropped={"duplicate": 2},
        pairs=3,
        distinct_pairs=2,
        distinct_questions=5,
        distinct_replies=4,
        top_replies=[("你好", 2), ("早", 1)],
        tokens=np.stack([histogram([1, 1, 2]), histogram([2, 3, 1030 - 6])]),
        openings=np.bincount([2, 5], minlength=LENGTH_BINS),
        words=8,
        distinct_words=7,
        distinct_characters=6,
        cutoffs=CUTOFFS,
        text_bytes=123,
        seconds=1.5,
        peak_bytes=456,
        settings={"min_freq": None},
        cleaning={"max_chars": 9},
    )
    facts = json.loads(json.dumps(survey.as_dict()))
    assert list(facts)[0] == "pairs"
    assert facts["files"][0] == {
        "name": "a.tsv",
        "format": "tab",
        "evidence": "so it is",
        "encoding": "utf-8",
        "pairs": 3,
        "skipped": {},
        "dropped": {},
        "path": "a.tsv",
        "bad_bytes": 0,
        "faults": ["x"],
        "mixed": {},
        "normalised": {},
        "first": [["你", "我"]],
    }
    assert facts["top_replies"] == [["你好", 2], ["早", 1]]
    assert facts["openings"] == 2
    assert facts["cutoffs"][1] == {"min_freq": 2, "entries": 5_000, "unknown": 0.02}
    assert facts["chosen"] == {"min_freq": 2, "entries": 5_000, "unknown": 0.02}
    assert facts["tokens"]["questions"] == {
        "median": 1,
        "p95": 2,
        "p99": 2,
        "longest": 2,
        "histogram": [0, 2, 1],
    }
    assert facts["tokens"]["replies"]["longest"] == LENGTH_BINS - 1
    assert facts["characters"]["replies"]["histogram"] == [0, 0, 1, 1, 0, 0, 1]
    assert facts["scripts"] == {"chinese": 5, "simplified": 1}
    counts = (
        "pairs",
        "distinct_pairs",
        "echoes",
        "utterances",
        "judged",
        "segmented",
        "named",
        "stamped",
        "words",
    )
    assert [facts[name] for name in counts] == [3, 2, 1, 6, 1, 0, 0, 0, 8]
    assert (facts["text_bytes"], facts["seconds"], facts["peak_bytes"]) == (123, 1.5, 456)
    assert facts["dropped"] == {"duplicate": 2}
    assert (facts["settings"], facts["cleaning"]) == ({"min_freq": None}, {"max_chars": 9})


def test_facts_of_a_file_survive_json():
    facts = FileFacts("b.json", "messages", bad_bytes=2, mixed={"big5": 3}, digest=2**63)
    assert FileFacts.from_dict(json.loads(json.dumps(facts.as_dict()))) == facts

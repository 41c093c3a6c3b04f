"""A segmented corpus and its vocabulary in; the store out, and texts found again."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.corpus import cutting, segmented, words
from chatbot.corpus.building import Sources, build
from chatbot.corpus.cleaning import BLOCKED, DUPLICATE, ECHO, REPEATED, TOO_LONG, TOO_SHORT
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.folder import ModelFolder

TAB = ReadingConfig(format="tab")


def made(path, files, cleaning=None, reading=None, **config):
    """The report of a build, and the pairs of its store with the line of each, in line order."""
    folder = ModelFolder(path / "model")
    config = CorpusConfig(**{"tokenizer": "char", "min_freq": 1} | config)
    sources = Sources(find_corpora(files, reading), config, cleaning or CleaningConfig())
    report = build(sources, folder)
    vocabulary = Vocabulary.load(folder.vocabulary)
    found = []
    with TokenStore(folder.store) as store:
        pairs = store.read([(0, store.header.pairs)])
        for i, (file, line, _, _) in enumerate(pairs.sources.tolist()):
            ends = pairs.bounds[2 * i : 2 * i + 3].tolist()
            sides = (
                "".join(vocabulary.words[id] for id in pairs.tokens[a:b].tolist())
                for a, b in zip(ends[:-1], ends[1:], strict=True)
            )
            found.append((file, line, *sides))
        assert store.header.dropped == report.survey.dropped
    return report, sorted(found)


def naive(pairs, cleaning, blocked):
    """The pairs that stay, with their lines, and how many went by which option: one by one."""
    stay, gone = [], Counter()
    for line, (question, reply) in enumerate(pairs, 1):
        shorter, longer = sorted((len(question), len(reply)))
        if any(word in side for word in blocked for side in (question, reply)):
            gone[BLOCKED] += 1
        elif cleaning.drop_echoes and question == reply:
            gone[ECHO] += 1
        elif cleaning.min_chars is not None and shorter < cleaning.min_chars:
            gone[TOO_SHORT] += 1
        elif cleaning.max_chars is not None and longer > cleaning.max_chars:
            gone[TOO_LONG] += 1
        else:
            stay.append((line, question, reply))
    seen, said, kept = set(), Counter(), []
    for line, question, reply in stay:
        if cleaning.drop_duplicates and (question, reply) in seen:
            gone[DUPLICATE] += 1
            continue
        seen.add((question, reply))
        said[reply] += 1
        if cleaning.max_repeats is not None and said[reply] > cleaning.max_repeats:
            gone[REPEATED] += 1
        else:
            kept.append((line, question, reply))
    return kept, +gone


SIDE = st.text("你我他好", min_size=1, max_size=4)
CLEANING = st.builds(
    dict,
    drop_duplicates=st.booleans(),
    max_repeats=st.none() | st.integers(1, 3),
    min_chars=st.none() | st.integers(1, 2),
    max_chars=st.none() | st.integers(2, 4),
    drop_echoes=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(SIDE, SIDE), max_size=30),
    CLEANING,
    st.lists(st.sampled_from(["他他", "我你", "好好好"]), max_size=2, unique=True),
    st.booleans(),
)
def test_cleaning_leaves_what_a_filter_pair_by_pair_leaves(
    tmp_path_factory, pairs, cleaning, blocked, small
):
    path = tmp_path_factory.mktemp("cleaned")
    pairs = [*pairs, ("天地", "人大")]  # which stays, whatever `CLEANING` draws
    (path / "talk.tsv").write_text("".join(f"{q}\t{r}\n" for q, r in pairs), "utf-8")
    if blocked:
        (path / "bad.txt").write_text("\n".join(blocked), "utf-8")
        cleaning["block_list"] = str(path / "bad.txt")
    config = CleaningConfig(**cleaning)
    with pytest.MonkeyPatch.context() as patches:
        if small:  # several chunks, writings and generations
            patches.setattr(cutting, "CHUNK", 6)
            patches.setattr(segmented, "_WRITE", 5)
            patches.setattr(words, "BUDGET", 4)
        report, found = made(path, [path / "talk.tsv"], config, TAB)
    kept, gone = naive(pairs, config, blocked)
    assert [pair[1:] for pair in found] == kept
    assert +Counter(report.survey.dropped) == gone
    assert report.survey.pairs == len(kept)


def test_repeats_are_found_across_files_and_the_first_stay(tmp_path):
    (tmp_path / "a.tsv").write_text("早\t好\n早\t好\n你早\t好\n", "utf-8")
    (tmp_path / "b.tsv").write_text("早\t好\n我早\t好\n他早\t不好\n", "utf-8")
    files = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    report, found = made(tmp_path, files, CleaningConfig(drop_duplicates=True))
    assert [pair[:2] for pair in found] == [(0, 1), (0, 3), (1, 2), (1, 3)]
    assert report.survey.dropped == {DUPLICATE: 2}
    report, found = made(tmp_path, files, CleaningConfig(max_repeats=2))
    assert [pair[:2] for pair in found] == [(0, 1), (0, 2), (1, 3)]
    assert report.survey.dropped == {REPEATED: 3}
    both = CleaningConfig(drop_duplicates=True, max_repeats=2)
    report, found = made(tmp_path, files, both)
    assert [pair[:2] for pair in found] == [(0, 1), (0, 3), (1, 3)]
    assert report.survey.dropped == {DUPLICATE: 2, REPEATED: 1}


TALKS = [["早", "你早", "吃了吗", "吃了"], ["早", "你早"], ["晚安", "", "好梦", "好", "嗯"]]


@pytest.mark.parametrize("context", [0, 1, 2, 9])
def test_earlier_turns_stand_before_the_question_and_end_in_a_separator(tmp_path, context):
    text = "".join("E\n" + "".join(f"M {turn}\n" for turn in talk) for talk in TALKS)
    (tmp_path / "talk.conv").write_text(text, "utf-8")
    report, found = made(tmp_path, [tmp_path / "talk.conv"], context=context)
    expected = []
    line = 0
    for talk in TALKS:
        line += 1
        for place, turn in enumerate(talk):
            line += 1
            if place and turn and talk[place - 1]:
                earlier = [one for one in talk[max(0, place - 1 - context) : place] if one]
                expected.append((0, line, "<sep>".join(earlier), turn))
    assert found == expected
    assert report.header.settings["context"] == context
    assert ("<sep>" in report.vocabulary.words) == (context > 0)


def test_equal_pairs_are_equal_with_their_earlier_turns(tmp_path):
    text = "".join("E\n" + "".join(f"M {turn}\n" for turn in (a, "嗯", "好")) for a in "早早晚")
    (tmp_path / "talk.conv").write_text(text, "utf-8")
    for context, left in ((0, 3), (1, 4)):
        cleaning = CleaningConfig(drop_duplicates=True)
        report, found = made(tmp_path, [tmp_path / "talk.conv"], cleaning, context=context)
        assert len(found) == left
        assert report.survey.dropped == {DUPLICATE: 6 - left}


def test_the_most_frequent_replies_are_told_as_text(tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "CHUNK", 6)
    monkeypatch.setattr(words, "BUDGET", 4)
    replies = ["你好 world", "好，a.b", "嗯"] * 3 + ["嗯", "你好 world", "嗯"] + ["龘"]
    text = "".join(f"第{i}问\t{reply}\n" for i, reply in enumerate(replies))
    (tmp_path / "talk.tsv").write_text(text, "utf-8")
    report, _ = made(tmp_path, [tmp_path / "talk.tsv"], tokenizer="jieba")
    assert report.survey.top_replies == [
        ("嗯", 5),
        ("你好 world", 4),
        ("好，a.b", 3),
        ("龘", 1),
    ]

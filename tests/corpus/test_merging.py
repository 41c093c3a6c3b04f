"""Builds over parts of a corpus in; the bytes of one build over all of it out."""

import os
import random
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.building import Sources, build, cut
from chatbot.corpus.merging import settings_to_merge_with
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.segmented import Segmented
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from tests.corpus.test_segmented import (
    CASES,
    CHAR,
    LINES,
    TAB,
    TALKS,
    InPieces,
    added,
    built,
    content,
    some_files,
)


def part(path, files, config=CHAR, cleaning=None, reading=None):
    """Cuts files as a part; gives its folder."""
    folder = ModelFolder(path)
    cut(Sources(find_corpora(files, reading), config, cleaning or CleaningConfig()), folder)
    return folder


def merged(path, parts, corpus=None, cleaning=None, vocabulary=None):
    """Merges builds into a new folder; gives it."""
    folder = ModelFolder(path)
    config = settings_to_merge_with(parts, corpus or {}, cleaning or {})
    build(Sources((), *config, vocabulary, parts=parts), folder)
    return folder


@pytest.mark.parametrize("generations", [1, "several"])
@pytest.mark.parametrize("case", CASES | TALKS)
def test_a_merge_gives_the_bytes_of_one_build(tmp_path, monkeypatch, case, generations):
    made = InPieces(tmp_path, monkeypatch, case, generations)
    whole = made.whole
    for cuts, pieces in made.cuts.items():
        parts = [
            part(tmp_path / f"cut {cuts} {n}", piece, *made.settings)
            for n, piece in enumerate(pieces)
        ]
        folder = merged(tmp_path / f"merged {cuts}", parts)
        assert content(folder) == content(whole)
        assert Segmented.open(folder.segmented).files == Segmented.open(whole.segmented).files


@settings(max_examples=25, deadline=None)
@given(st.lists(LINES, min_size=2, max_size=4), st.booleans(), st.none() | st.integers(1, 3))
def test_any_parts_can_be_merged(tmp_path_factory, contents, once, most):
    path = tmp_path_factory.mktemp("files")
    cleaning = CleaningConfig(drop_duplicates=once, max_repeats=most)
    files, parts = [], []
    for number, pairs in enumerate(contents):
        files.append(path / f"{number}.tsv")
        text = f"只有{number}\t答\n" + "".join(f"{q}\t{r}\n" for q, r in pairs)
        files[-1].write_text(text, "utf-8")
        parts.append(part(path / f"part {number}", files[-1:], CHAR, cleaning, TAB))
    whole = built(path / "whole", files, CHAR, cleaning, TAB)
    assert content(merged(path / "merged", parts)) == content(whole)


def test_a_whole_build_is_a_part_too(tmp_path):
    files = some_files(tmp_path, (41, 23))
    parts = [part(tmp_path / "part", files[:1]), built(tmp_path / "built", files[1:])]
    assert content(merged(tmp_path / "merged", parts)) == content(built(tmp_path / "one", files))


def test_a_part_is_cut_anew_but_never_over_a_whole_build(tmp_path):
    files = some_files(tmp_path, (41, 23))
    folder = part(tmp_path / "part", files[:1])
    part(tmp_path / "part", files[1:])
    assert sorted(path.name for path in folder.path.iterdir()) == ["segmented"]
    assert [one.name for one in Segmented.open(folder.segmented).files] == ["f1.conv"]
    whole = built(tmp_path / "whole", files[:1])
    before = content(whole)
    with pytest.raises(ChatbotError, match="vocabulary.txt: a whole build stands here"):
        part(tmp_path / "whole", files)
    assert content(whole) == before


def test_merges_can_be_merged_and_added_to(tmp_path):
    files = some_files(tmp_path, (41, 23, 17, 9))
    parts = [part(tmp_path / f"part {n}", [file]) for n, file in enumerate(files[:3])]
    half = merged(tmp_path / "half", parts[:2])
    most = merged(tmp_path / "most", [half, parts[2]])
    added(most, files[3:])
    assert content(most) == content(built(tmp_path / "whole", files))


def test_files_of_one_name_in_several_parts_are_those_of_one_build(tmp_path):
    files = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (first,) = some_files(tmp_path / str(number), (20,), seed=number)
        files.append(first)
    parts = [built(tmp_path / f"part {n}", [file]) for n, file in enumerate(files)]
    assert content(merged(tmp_path / "merged", parts)) == content(built(tmp_path / "one", files))


def test_what_may_change_is_chosen_at_the_merge(tmp_path):
    files = some_files(tmp_path, (41, 23))
    parts = [built(tmp_path / f"part {n}", [file]) for n, file in enumerate(files)]
    new = {"min_freq": 4, "max_size": 14, "rare": "unk", "holdout": 9.0}
    less = {"drop_duplicates": True, "max_repeats": 2}
    one = built(tmp_path / "one", files, CorpusConfig("char", **new), CleaningConfig(**less))
    assert content(merged(tmp_path / "merged", parts, new, less)) == content(one)


def test_words_and_block_lists_of_the_users_are_taken_over(tmp_path):
    files = some_files(tmp_path, (41, 23))
    (tmp_path / "words.txt").write_text("天地\n人你我\n", "utf-8")
    (tmp_path / "blocked.txt").write_text("右大\n", "utf-8")
    config = CorpusConfig(user_dict=str(tmp_path / "words.txt"))
    cleaning = CleaningConfig(block_list=str(tmp_path / "blocked.txt"))
    parts = [part(tmp_path / f"p{n}", [file], config, cleaning) for n, file in enumerate(files)]
    whole = built(tmp_path / "whole", files, config, cleaning)
    folder = merged(tmp_path / "merged", parts)
    assert content(folder) == content(whole)
    assert folder.user_dict.read_bytes() == whole.user_dict.read_bytes()


def test_a_vocabulary_that_is_brought_is_taken(tmp_path):
    files = some_files(tmp_path, (41, 23))
    parts = [built(tmp_path / f"part {n}", [file]) for n, file in enumerate(files)]
    (tmp_path / "own.txt").write_text("天\n地\n", "utf-8")
    folder = merged(tmp_path / "merged", parts, vocabulary=tmp_path / "own.txt")
    assert {"天", "地"} < set(folder.vocabulary.read_text("utf-8").split())
    with pytest.raises(ChatbotError) as caught:
        merged(tmp_path / "again", [folder])
    assert str(caught.value) == (
        f"{folder.path}: built with --vocab own.txt. Build the parts without it, and give it to "
        "the merge."
    )


def test_parts_are_only_read(tmp_path):
    files = some_files(tmp_path, (20, 10))
    parts = [built(tmp_path / f"part {n}", [file]) for n, file in enumerate(files)]
    for part in parts:
        for path in part.path.rglob("*"):
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = [
        (path, path.stat().st_mtime_ns) for part in parts for path in sorted(part.path.rglob("*"))
    ]
    merged(tmp_path / "merged", parts)
    assert before == [
        (path, path.stat().st_mtime_ns) for part in parts for path in sorted(part.path.rglob("*"))
    ]
    for part in parts:
        for folder, _, _ in os.walk(part.path):
            os.chmod(folder, 0o755)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"context": 1}, "built with --context 1, {first} with 0. Build both with the same."),
        (
            {"min_freq": 5},
            "built with --min-freq 5, {first} with None. Build both with the same, or choose now "
            "with --min-freq.",
        ),
    ],
)
def test_parts_that_were_built_otherwise_are_refused(tmp_path, second, said):
    files = some_files(tmp_path, (41, 23))
    first = built(tmp_path / "first", files[:1])
    other = built(tmp_path / "second", files[1:], CorpusConfig("char", **second))
    with pytest.raises(ChatbotError) as caught:
        merged(tmp_path / "merged", [first, other])
    assert str(caught.value) == f"{other.path}: {said.format(first=first.path)}"
    assert not (tmp_path / "merged").exists()


def test_what_is_chosen_now_need_not_agree(tmp_path):
    files = some_files(tmp_path, (41, 23))
    first = built(tmp_path / "first", files[:1])
    other = built(tmp_path / "second", files[1:], CorpusConfig("char", min_freq=5))
    one = built(tmp_path / "one", files, CorpusConfig("char", min_freq=3))
    assert content(merged(tmp_path / "merged", [first, other], {"min_freq": 3})) == content(one)


def test_a_part_named_twice_is_refused(tmp_path):
    (file,) = some_files(tmp_path, (41,))
    part = built(tmp_path / "part", [file])
    with pytest.raises(ChatbotError, match="its pairs of f0.tsv are there already"):
        merged(tmp_path / "merged", [part, part])
    assert not (tmp_path / "merged").exists()


def test_a_folder_without_a_segmented_corpus_is_refused(tmp_path):
    with pytest.raises(ChatbotError, match="no segmented corpus to merge. Build this part with"):
        merged(tmp_path / "merged", [ModelFolder(tmp_path / "nothing")])


def test_one_flipped_byte_in_a_part_is_noticed(tmp_path):
    files = some_files(tmp_path, (41, 23))
    parts = [built(tmp_path / f"part {n}", [file]) for n, file in enumerate(files)]
    rng = random.Random(3)
    for path in sorted(parts[1].segmented.iterdir()):
        good = path.read_bytes()
        if not good:
            continue
        at = rng.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(ChatbotError, match=path.name):
            merged(tmp_path / "merged", parts)
        path.write_bytes(good)
    merged(tmp_path / "merged", parts)

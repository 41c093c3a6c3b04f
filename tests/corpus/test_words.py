"""Word lists of chunks in; ids, and exact counts of every word, out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.corpus import words as module
from chatbot.corpus.words import Counts, Words, words_of
from chatbot.errors import ChatbotError

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=4)


@pytest.fixture
def small_budget(monkeypatch):
    monkeypatch.setattr(module, "BUDGET", 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS | st.just(" "), min_size=1, max_size=9), max_size=12))
def test_counts_are_exact_however_many_generations_there_are(tmp_path_factory, chunks):
    module.BUDGET, before = 5, module.BUDGET
    try:
        folder = tmp_path_factory.mktemp("words")
        words = Words(folder)
        ids = {}
        for chunk in chunks:
            distinct = list(dict.fromkeys(chunk))
            mapping = dict(zip(distinct, words.add(distinct).tolist(), strict=True))
            ids.setdefault(words.generation, []).extend(mapping[word] for word in chunk)
        words.close()
        paths = []
        for generation, size in enumerate(words.sizes):
            paths.append(folder / f"counts-{generation}.npy")
            np.save(paths[-1], np.bincount(ids[generation], minlength=size))
            said = words_of(folder, generation)
            assert len(said) == len(set(said)) == size
        counts = Counts(folder, folder, paths)
    finally:
        module.BUDGET = before
    expected = Counter(word for chunk in chunks for word in chunk)
    assert list(counts) == sorted(expected.items())
    assert list(counts) == list(counts)  # as often as asked for
    assert (counts.distinct, counts.total) == (len(expected), sum(expected.values()))
    if len(expected) > 15:
        assert len(words.sizes) > 1


def test_words_that_stand_in_no_pair_are_not_counted(tmp_path):
    words = Words(tmp_path)
    words.add(["a", "b", "c"])
    words.close()
    np.save(tmp_path / "n.npy", np.array([2, 0, 1]))
    assert list(Counts(tmp_path, tmp_path, [tmp_path / "n.npy"])) == [("a", 2), ("c", 1)]


def test_ids_of_a_generation_begin_anew(tmp_path, small_budget):
    words = Words(tmp_path)
    assert words.add(list("abcde")).tolist() == [0, 1, 2, 3, 4]
    assert words.generation == 0
    assert words.add(list("ca")).tolist() == [0, 1]
    assert words.generation == 1
    words.close()
    assert words.sizes == [5, 2]
    assert (tmp_path / "words-001").read_text("utf-8") == "c\na\n"


def test_long_words_end_a_generation_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHARACTERS", 100)
    words = Words(tmp_path)
    words.add(["x" * 99])
    words.add(["y"])
    assert words.generation == 0
    words.add(["z"])
    assert words.generation == 1


def test_a_damaged_list_is_refused(tmp_path):
    words = Words(tmp_path)
    words.add(["a", "b"])
    words.close()
    Words(tmp_path, words.sizes, words.checksums)
    (tmp_path / "words-000").write_text("a\nc\n", "utf-8")
    with pytest.raises(ChatbotError, match="words-000: damaged"):
        Words(tmp_path, words.sizes, words.checksums)
    (tmp_path / "words-000").unlink()
    with pytest.raises(ChatbotError, match="words-000: damaged"):
        Words(tmp_path, words.sizes, words.checksums)

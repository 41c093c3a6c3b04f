"""Provisional ids in; final ids out, against encoding every pair by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.cutting import Chunk
from chatbot.corpus.recoding import Recoding, Words
from chatbot.corpus.spill import ROW
from chatbot.corpus.tokenizer import WordTokenizer
from chatbot.corpus.vocabulary import UNK, make_vocabulary

TOKENIZER = WordTokenizer(lambda run: [run])
ENTRIES = {"今天": 3, "天": 2, "a": 2, "##a": 1, " ": 1}
TOKEN = st.sampled_from(["今天", "明天", "天", "aa", "ba", "b", " ", "##", "天气", "#"])
SIDE = st.lists(TOKEN, max_size=5)
CHUNKS = st.lists(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4), min_size=1, max_size=3)


def chunk_of(pairs):
    """A chunk as cutting makes it, by nested loops."""
    words, ids = [], []
    rows = np.zeros(len(pairs), ROW)
    for row, (question, reply) in zip(rows, pairs, strict=True):
        row["line"], row["question"], row["reply"] = 7, len(question), len(reply)
        row["characters"] = sum(0 if token == "##" else len(token) for token in reply)
        for token in (*question, *reply):
            if token not in words:
                words.append(token)
            ids.append(words.index(token))
    return Chunk(words, np.array(ids, np.int32), rows)


def given_back(token, rare, entries):
    """How many characters of a token its final ids say, from the definition."""
    if token == "##":
        return 0
    if token in entries:
        return len(token)
    if rare == "unk":
        return 0
    return sum(piece in entries for piece in TOKENIZER.spell(token))


@pytest.mark.parametrize("rare", ["characters", "unk"])
@given(CHUNKS)
def test_recoding_is_encoding_every_side_by_itself(rare, chunks):
    vocabulary = make_vocabulary(ENTRIES, 0, 0, CorpusConfig(rare=rare))
    words, parts = Words(), []
    for pairs in chunks:
        chunk = chunk_of(pairs)
        parts.append((pairs, chunk.rows, words.add(chunk)))
    if not words.ids:
        return
    recoding = Recoding(words, TOKENIZER, vocabulary)
    unknown = 0
    for pairs, rows, ids in parts:
        found = recoding.pairs(rows, ids)
        for i, (question, reply) in enumerate(pairs):
            a, b, c = found.bounds[2 * i : 2 * i + 3]
            assert found.tokens[a:b].tolist() == vocabulary.encode(question, TOKENIZER)
            assert found.tokens[b:c].tolist() == vocabulary.encode(reply, TOKENIZER)
            characters = sum(0 if token == "##" else len(token) for token in reply)
            said = sum(given_back(token, rare, ENTRIES) for token in reply)
            assert found.sources[i].tolist() == [0, 7, characters, characters - said]
        unknown += np.count_nonzero(found.tokens == UNK)
    assert int((recoding.unknown * words.counts[: len(words.ids)]).sum()) == unknown


def test_words_are_counted_over_all_chunks_however_many():
    words = Words()
    for start in range(0, 9000, 1000):
        pairs = [([f"w{i}", "x"], [f"w{i + 500}"]) for i in range(start, start + 1000)]
        words.add(chunk_of_distinct(pairs))
    counts = dict(zip(words.ids, words.counts[: len(words.ids)].tolist(), strict=True))
    assert counts.pop("x") == 9000
    assert counts == {f"w{i}": 1 if i < 500 or i >= 9000 else 2 for i in range(9500)}


def chunk_of_distinct(pairs):
    """As `chunk_of`, fast enough for thousands of words."""
    tokens = [token for pair in pairs for side in pair for token in side]
    ids = {word: id for id, word in enumerate(dict.fromkeys(tokens))}
    return Chunk(list(ids), np.array([ids[t] for t in tokens], np.int32), np.zeros(0, ROW))

"""Provisional ids in; final ids out, against encoding every pair by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.recoding import Recoding
from chatbot.corpus.spill import ROW
from chatbot.corpus.tokenizer import WordTokenizer
from chatbot.corpus.vocabulary import UNK, make_vocabulary

TOKENIZER = WordTokenizer(lambda run: [run])
ENTRIES = {"今天": 3, "天": 2, "a": 2, "##a": 1, " ": 1}
TOKEN = st.sampled_from(["今天", "明天", "天", "aa", "ba", "b", " ", "##", "天气", "#"])
SIDE = st.lists(TOKEN, max_size=5)
CHUNKS = st.lists(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4), min_size=1, max_size=3)


def chunk_of(pairs):
    """Words, ids and rows as cutting makes them, by nested loops."""
    words, ids = [], []
    rows = np.zeros(len(pairs), ROW)
    for row, (question, reply) in zip(rows, pairs, strict=True):
        row["line"], row["question"], row["reply"] = 7, len(question), len(reply)
        row["characters"] = sum(0 if token == "##" else len(token) for token in reply)
        for token in (*question, *reply):
            if token not in words:
                words.append(token)
            ids.append(words.index(token))
    return words, np.array(ids, np.int32), rows


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
def test_recoding_is_encoding_every_side_by_itself(tmp_path_factory, rare, chunks):
    vocabulary = make_vocabulary(ENTRIES, 0, 0, CorpusConfig(rare=rare))
    for pairs in chunks:
        words, ids, rows = chunk_of(pairs)
        recoding = Recoding.of(words, TOKENIZER, vocabulary)
        path = tmp_path_factory.getbasetemp() / "recoding"
        recoding.save(path)
        recoding = Recoding.load(path)
        found = recoding.pairs(rows, ids)
        for i, (question, reply) in enumerate(pairs):
            a, b, c = found.bounds[2 * i : 2 * i + 3]
            assert found.tokens[a:b].tolist() == vocabulary.encode(question, TOKENIZER)
            assert found.tokens[b:c].tolist() == vocabulary.encode(reply, TOKENIZER)
            characters = sum(0 if token == "##" else len(token) for token in reply)
            said = sum(given_back(token, rare, ENTRIES) for token in reply)
            assert found.sources[i].tolist() == [0, 7, characters, characters - said]
            assert recoding.sizes(rows, ids)[i].tolist() == [b - a, c - b]
        counts = np.bincount(ids, minlength=len(words))
        unknown = np.count_nonzero(found.tokens == UNK)
        assert int((recoding.unknown * counts).sum()) == unknown

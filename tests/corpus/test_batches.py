"""Encoded pairs in; padded arrays out."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.batches import make_batch, stream
from chatbot.corpus.building import Sources, build
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

PAD, GO, EOS = 0, 1, 2


def flat(pairs):
    sides = list(itertools.chain.from_iterable(pairs))
    return EncodedPairs(
        np.array(list(itertools.chain.from_iterable(sides)), np.int32),
        np.array([0, *itertools.accumulate(map(len, sides))], np.int64),
        np.zeros((len(pairs), 4), np.int64),
    )


def twin(pairs, limit):
    """What a batch holds, element by element, from the definition."""
    limit = limit or 10**9
    questions = [[*question][-limit:] or [EOS] for question, _ in pairs]
    replies = [[*reply, EOS][:limit] for _, reply in pairs]
    wide, long = max(map(len, questions)), max(map(len, replies))
    source = np.zeros((len(pairs), wide), np.int32)
    given, targets = np.zeros((2, len(pairs), long), np.int32)
    weights = np.zeros((len(pairs), long), np.float32)
    for b, (question, reply) in enumerate(zip(questions, replies, strict=True)):
        for s, token in enumerate(question):
            source[b, s] = token
        for t, token in enumerate(reply):
            given[b, t] = reply[t - 1] if t else GO
            targets[b, t] = token
            weights[b, t] = 1
    return source, given, targets, weights


def test_a_batch_of_two_pairs_is_these_arrays():
    batch = make_batch(flat([([4, 5, 6], [7]), ([8], [9, 10])]))
    assert batch.encoder_input.tolist() == [[4, 5, 6], [8, 0, 0]]
    assert batch.encoder_lengths.tolist() == [3, 1]
    assert batch.decoder_input.tolist() == [[1, 7, 0], [1, 9, 10]]
    assert batch.targets.tolist() == [[7, 2, 0], [9, 10, 2]]
    assert batch.weights.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert (batch.truncated, len(batch)) == (0, 2)
    assert batch.target_lengths.tolist() == [2, 3]


SIDE = st.lists(st.integers(3, 300), min_size=1, max_size=7)
PAIRS = st.lists(st.tuples(st.just([]) | SIDE, SIDE), min_size=1, max_size=6)
"""Some have no question: what opens a conversation."""


@given(PAIRS, st.none() | st.integers(2, 9))
def test_a_batch_is_its_definition_element_by_element(pairs, limit):
    batch = make_batch(flat(pairs), limit)
    source, decoder_input, targets, weights = twin(pairs, limit)
    for found, expected in (
        (batch.encoder_input, source),
        (batch.decoder_input, decoder_input),
        (batch.targets, targets),
        (batch.weights, weights),
        (batch.encoder_lengths, np.count_nonzero(source, axis=1).astype(np.int32)),
        (batch.target_lengths, weights.sum(1).astype(np.int32)),
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    cut = [bool(limit) and (len(q) > limit or len(r) >= limit) for q, r in pairs]
    assert batch.truncated == sum(cut)


@given(PAIRS, st.integers(2, 9))
def test_every_reply_that_is_not_cut_ends_in_eos_and_weights_are_on_real_targets(pairs, limit):
    batch = make_batch(flat(pairs), limit)
    np.testing.assert_array_equal(batch.weights > 0, batch.targets != PAD)
    for (_, reply), targets, n in zip(pairs, batch.targets, batch.target_lengths, strict=True):
        assert n == min(len(reply) + 1, limit)
        assert (targets[n - 1] == EOS) == (len(reply) < limit)
    assert batch.encoder_input.shape[1] <= limit


def test_a_long_question_keeps_its_end_and_a_long_reply_its_beginning():
    batch = make_batch(flat([([4, 5, 6, 7, 8], [9, 10, 11, 12]), ([13], [14])]), 3)
    assert batch.encoder_input.tolist() == [[6, 7, 8], [13, 0, 0]]
    assert batch.encoder_lengths.tolist() == [3, 1]
    assert batch.decoder_input.tolist() == [[1, 9, 10], [1, 14, 0]]
    assert batch.targets.tolist() == [[9, 10, 11], [14, 2, 0]]
    assert batch.truncated == 1


def test_making_a_batch_leaves_its_pairs_as_they_were():
    pairs = flat([([4, 5, 6], [7, 8]), ([9], [10])])
    before = (pairs.tokens.copy(), pairs.bounds.copy())
    make_batch(pairs, 2)
    np.testing.assert_array_equal(pairs.tokens, before[0])
    np.testing.assert_array_equal(pairs.bounds, before[1])


# The stream.


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model folder with the store of 31 pairs, 26 of them for training."""
    folder = tmp_path_factory.mktemp("stream")
    lines = [f"问{chr(0x4E00 + i)}\t答{chr(0x4E80 + i) * (i % 5 + 1)}" for i in range(31)]
    (folder / "talk.tsv").write_text("\n".join(lines), encoding="utf-8")
    config = CorpusConfig(tokenizer="char", min_freq=1, holdout=5)
    build(Sources(find_corpora([folder / "talk.tsv"]), config), ModelFolder(folder / "model"))
    return folder / "model"


def take(n, model, **how):
    batches = stream(model, **how)
    found = list(itertools.islice(batches, n))
    batches.close()
    return found


def same(one, other):
    for name in ("encoder_input", "decoder_input", "targets", "weights"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("sampler", ["window", "epoch", "blocks", "cyclic"])
def test_batch_i_is_made_of_the_pairs_of_step_i(model, sampler):
    with TokenStore(ModelFolder(model).store) as store:
        for step, batch in enumerate(take(9, model, batch=7, sampler=sampler, seed=3)):
            runs = ranges(sampler, 3, step, 7, 26)
            same(batch, make_batch(store.read(runs), 40))


def test_resuming_is_a_position(model):
    whole = take(12, model, batch=5, seed=8)
    for one, other in zip(whole[7:], take(5, model, batch=5, seed=8, start=7), strict=True):
        same(one, other)


def test_an_epoch_never_shows_a_held_out_pair(model):
    seen = [
        row.tolist()
        for batch in take(4, model, batch=7, sampler="epoch")
        for row in batch.encoder_input
    ]
    with TokenStore(ModelFolder(model).store) as store:
        assert store.header.train == 26
        train, held = store.read([(0, 26)]), store.read([(26, 31)])
    assert sorted(seen) == sorted(make_batch(train).encoder_input.tolist())
    assert not [row for row in make_batch(held).encoder_input.tolist() if row in seen]


def test_workers_share_every_window(model):
    (whole,) = take(1, model, batch=8, seed=2)
    parts = [take(1, model, batch=8, seed=2, worker=i, workers=3)[0] for i in range(3)]
    assert [len(part) for part in parts] == [2, 3, 3]
    rows = np.concatenate([part.encoder_input for part in parts])
    np.testing.assert_array_equal(rows, whole.encoder_input)


def test_a_worker_without_pairs_in_a_short_window_gets_an_empty_batch(model):
    # 26 pairs in windows of 8: the last of an epoch has 2, for three workers.
    parts = [
        take(4, model, batch=8, sampler="epoch", seed=2, worker=i, workers=3) for i in range(3)
    ]
    sizes = [[len(batch) for batch in part] for part in parts]
    assert [sum(step) for step in zip(*sizes, strict=True)].count(2) == 1
    assert sorted(size for part in sizes for size in part) == [0, 1, 1, 2, 2, 2, *[3] * 6]
    (empty,) = [batch for part in parts for batch in part if not len(batch)]
    assert empty.encoder_input.shape[0] == empty.decoder_input.shape[0] == 0
    assert empty.targets.shape == empty.weights.shape == empty.decoder_input.shape
    assert len(empty.encoder_lengths) == len(empty.target_lengths) == empty.truncated == 0
    assert (empty.targets.dtype, empty.weights.dtype) == (np.int32, np.float32)


def test_a_length_limit_cuts_and_none_does_not(model):
    (cut,) = take(1, model, batch=26, max_length=3)
    (whole,) = take(1, model, batch=26, max_length=None)
    assert (cut.targets.shape[1], whole.targets.shape[1]) == (3, 7)
    assert cut.truncated > 0
    assert whole.truncated == 0


def test_more_workers_than_pairs_a_step_are_refused(model):
    for batch, pairs in ((4, 4), (100, 26)):
        with pytest.raises(ChatbotError) as caught:
            next(stream(model, batch=batch, workers=pairs + 1))
        assert str(caught.value) == (
            f"{pairs + 1} workers: a step has {pairs} pairs. Use fewer workers."
        )


def test_a_folder_without_a_store_is_refused_at_the_first_batch(tmp_path):
    batches = stream(tmp_path)
    with pytest.raises(ChatbotError, match=r"no token store yet\. Build it first"):
        next(batches)

"""A batch and its parts: the same pairs, the same gradient."""

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.batches import make_batch
from chatbot.learn.engine import Engine, workers_of
from chatbot.learn.parts import merged, split

ENTRIES = 50


@pytest.fixture(scope="module")
def batch(encoded):
    generator = np.random.default_rng(4)
    sizes = generator.integers(1, 12, size=(37, 2))
    return make_batch(
        encoded([[generator.integers(3, ENTRIES, n).tolist() for n in two] for two in sizes])
    )


def pairs_of(batch):
    return [
        (source[:s].tolist(), target[: int(weights.sum())].tolist(), inputs[0])
        for source, s, target, weights, inputs in zip(
            batch.encoder_input,
            batch.encoder_lengths,
            batch.targets,
            batch.weights,
            batch.decoder_input,
            strict=True,
        )
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 37])
def test_parts_hold_every_pair_once_and_are_of_like_size(batch, count):
    parts = split(batch, count)
    assert sorted(pairs_of(batch)) == sorted(sum(map(pairs_of, parts), []))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    tokens = [part.weights.sum() for part in parts]
    assert max(tokens) - min(tokens) <= batch.weights.sum(1).max()


def test_parts_are_padded_to_their_own_longest(batch):
    for part in split(batch, 5):
        assert part.encoder_input.shape[1] == part.encoder_lengths.max()
        assert part.targets.shape[1] == part.target_lengths.max()
        assert part.decoder_input.shape == part.weights.shape == part.targets.shape


def test_touched_entries_are_merged_and_found_again():
    touched = [np.array(one, np.int32) for one in ([1, 4, 9], [0, 4], [9])]
    entries, places = merged(touched)
    assert entries.tolist() == [0, 1, 4, 9]
    assert entries[places].tolist() == [1, 4, 9, 0, 4, 9]


def engine_of(parts, **settings):
    training = TrainingConfig(
        batch=37, precision="float32", word_dropout=0.0, threads=2, **settings
    )
    model = ModelConfig(units=12, embedding=8, ngrams=0)
    engine = Engine(ENTRIES, model, training, np.ones(ENTRIES, np.float32), 0.0)
    engine.parts = parts
    return engine


@pytest.mark.parametrize("parts", [2, 5, 37])
def test_a_step_in_parts_changes_the_weights_as_one_on_the_whole_batch_does(batch, parts):
    whole, divided = engine_of(1), engine_of(parts)
    losses = [[engine.train(batch, 0.01, step) for step in range(3)] for engine in (whole, divided)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    # Adam's second moments are the squares of gradients: they tell what the change in weights
    # hides, as its size hardly depends on the gradient's.
    for one, other in zip(whole.optimizer.second, divided.optimizer.second, strict=True):
        scale = float(tf.reduce_max(one)) or 1.0
        np.testing.assert_allclose(one / scale, other / scale, atol=1e-5)


def test_there_are_as_many_workers_as_threads_unless_the_batch_is_small():
    def workers(**settings):
        return workers_of(TrainingConfig(**settings))

    assert workers(threads=3, batch=1000) == 3
    assert workers(threads=16, batch=256) == 4
    assert workers(threads=4, batch=10) == 1

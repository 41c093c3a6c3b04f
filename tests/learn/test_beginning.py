"""What a run's embeddings and classes begin with, and that it goes on with it."""

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import TrainingConfig
from chatbot.errors import ChatbotError
from chatbot.learn.cooccurrence import word_vectors
from chatbot.learn.networks import network
from chatbot.learn.output import OutputLayer
from chatbot.learn.preparing import prepare

HELD_OUT = 9
SMALL = {"units": 16, "embedding": 12}
SHORT = {"steps": 4, "batch": 7, "dropout": 0.3, "precision": "float32", "seed": 5}


def begun(folder, **training):
    run = prepare(folder, SMALL, SHORT | training)
    run.close()
    return run


def vectors_of(run):
    """The vectors of the corpus of a run, as of the whole of it at once."""
    with run.store as store:
        pairs = store.read([(0, store.header.train)])
    return word_vectors(pairs, run.engine.net.size, 12, seed=5, threads=2)


def test_embeddings_begin_as_vectors_of_the_corpus_as_long_as_random_ones(new_folder):
    folder = new_folder(holdout=HELD_OUT)
    run = prepare(folder, SMALL, SHORT)
    ids, rows = vectors_of(run)
    net = run.engine.net
    random = network(net.size, run.position.model, seed=5).embedding.numpy()
    embedding = net.embedding.numpy()
    lengths = np.linalg.norm(embedding[ids], axis=1)
    assert lengths == pytest.approx(np.sqrt((random**2).sum() / len(random)), rel=1e-4)
    directions = embedding[ids] / lengths[:, None]
    np.testing.assert_allclose(directions @ directions.T, rows @ rows.T, atol=2e-3)
    others = np.setdiff1d(np.arange(net.size), ids)
    np.testing.assert_array_equal(embedding[others], random[others])
    assert np.flatnonzero(run.engine.optimizer.slow.numpy()).tolist() == ids.tolist()
    assert len(others) < 10 < len(ids)
    assert run.position.seconds > 0 == run.position.step
    run.close()


def test_what_is_the_default(new_folder):
    assert begun(new_folder(holdout=HELD_OUT)).position.training.first_vectors == "corpus"
    by_heart = begun(new_folder(holdout=0))
    assert by_heart.position.training.first_vectors == "random"
    assert by_heart.engine.optimizer.slow is None
    assert by_heart.position.seconds == 0
    asked = begun(new_folder(holdout=0), first_vectors="corpus")
    assert asked.engine.optimizer.slow.numpy().any()
    without = begun(new_folder(holdout=HELD_OUT), first_vectors="random")
    drawn = network(without.engine.net.size, without.position.model, seed=5).embedding.numpy()
    np.testing.assert_array_equal(without.engine.net.embedding.numpy(), drawn)


def test_vectors_of_a_file_and_of_the_corpus_exclude_each_other():
    with pytest.raises(ChatbotError, match="^--first-vectors corpus: .*--vectors. Leave one out"):
        TrainingConfig(vectors="file", first_vectors="corpus")
    assert TrainingConfig(vectors="file", first_vectors="random").vectors == "file"


def test_a_run_goes_on_with_its_slow_rows(new_folder, trained):
    folder, other = new_folder(holdout=HELD_OUT), new_folder(holdout=HELD_OUT)
    model = {"save_every": "2", "validate_every": 2}
    _, whole = trained(folder, **SHORT, **model)
    trained(other, **SHORT, **model, stop_at=2)
    _, resumed = trained(other)
    nets = [run.engine.net.trainable_variables for run in (whole, resumed)]
    for one, two in zip(*nets, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    slow = resumed.engine.optimizer.slow.numpy()
    assert slow.any()
    assert (slow == whole.engine.optimizer.slow.numpy()).all()


def test_slow_rows_stay_near_where_they_began(new_folder, trained):
    folder = new_folder(holdout=HELD_OUT)
    first = begun(folder, steps=12).engine.net.embedding.numpy().copy()
    _, run = trained(folder, **SHORT | {"steps": 12, "warmup": 0})
    slow = run.engine.optimizer.slow.numpy()
    changed = np.abs(run.engine.net.embedding.numpy() - first).max(1)
    assert 0 < changed[slow].max() < 12 * 0.015 * 0.03 * 1.5
    drawn = new_folder(holdout=HELD_OUT)
    at_random = begun(drawn, steps=12, first_vectors="random").engine.net.embedding.numpy().copy()
    _, run = trained(drawn, **SHORT | {"steps": 12, "warmup": 0, "first_vectors": "random"})
    assert np.abs(run.engine.net.embedding.numpy() - at_random).max() > 0.03


@pytest.mark.parametrize("tied", [False, True])
def test_classes_of_the_tails_begin_near_each_other_where_embeddings_are(tied):
    size, units, width = 5_000, 32, 24
    random = np.random.default_rng(0)

    def uniform(name, shape, limit):
        return tf.Variable(random.uniform(-limit, limit, shape).astype(np.float32))

    layer = OutputLayer(size, units, np.ones(size, np.float32), uniform, width, tied=tied)
    before = [one.numpy() for one in layer.trainable_variables]
    scales = np.array([3.0, 2.0, 1.5, 1.2, *[0.01] * (width - 4)])
    rows = (random.standard_normal((size, width)) * scales + 5).astype(np.float32)
    layer.begin_with(rows)
    tails = list(zip(layer.cutoffs, layer.cutoffs[1:], strict=False))[tied:]
    assert len(layer.tail_weights) == len(tails) == 2 - tied
    for classes, (first, last) in zip(layer.tail_weights, tails, strict=True):
        found, there = classes.numpy(), rows[first:last] - rows[first:last].mean(0)
        assert np.sqrt((found**2).mean()) == pytest.approx(0.1 / 3**0.5, rel=1e-4)
        kept = min(4, found.shape[1])
        best = (there**2)[:, :kept].sum() / (there**2).sum()
        factor = (found**2).sum() / (there**2).sum() / best
        np.testing.assert_allclose(
            found @ found.T / factor, there[:, :kept] @ there[:, :kept].T, atol=0.6
        )
    others = [v for v in layer.trainable_variables if all(v is not t for t in layer.tail_weights)]
    names = {id(v): value for v, value in zip(layer.trainable_variables, before, strict=True)}
    for one in others:
        np.testing.assert_array_equal(one.numpy(), names[id(one)])

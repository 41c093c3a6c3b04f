"""The mixture of network, n-grams and question against its formula, and what learns from what."""

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import ModelConfig
from chatbot.corpus.batches import make_batch
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.learn import agreeing
from chatbot.learn.checkpoint import restore
from chatbot.learn.dropout import NOTHING_DROPPED
from chatbot.learn.experts import blend, of_question
from chatbot.learn.judging import judge
from chatbot.learn.mixture import SHARE, Mixture
from chatbot.learn.networks import network
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.preparing import prepare
from chatbot.learn.saved import saved

UNITS, ROWS = 5, 7
PAIRS = [([4, 9, 11], [5, 6]), ([7], [8, 8, 9, 10]), ([12, 13], [22]), ([5, 19], [20, 21, 4, 6])]


@pytest.fixture(params=[False, True], ids=["n-grams", "n-grams and question"])
def drawn(request):
    generator = np.random.default_rng(2)
    mixture, experts = Mixture(UNITS, copying=request.param), 1 + request.param
    mixture.weight.assign(generator.normal(0, 1, (UNITS, experts)))
    vectors = generator.normal(0, 1, (ROWS, UNITS)).astype(np.float32)
    network = generator.uniform(0.1, 30, ROWS).astype(np.float32)
    given = generator.uniform(0.1, 30, (ROWS, experts)).astype(np.float32)
    return mixture, tf.constant(vectors), tf.constant(network), -tf.constant(given)


def by_hand(mixture, vectors, network, given):
    logits = vectors.numpy().astype(np.float64) @ mixture.weight.numpy() + mixture.bias.numpy()
    odds = np.exp(np.concatenate([np.zeros((len(logits), 1)), logits], 1))
    shares = odds / odds.sum(1, keepdims=True)
    said = np.exp(np.concatenate([-network.numpy()[:, None], given.numpy()], 1))
    return shares, -np.log((shares * said).sum(1))


def test_the_loss_is_that_of_the_weighted_sum_of_probabilities(drawn):
    mixture, *rows = drawn
    shares, expected = by_hand(*drawn)
    np.testing.assert_allclose(mixture.shares(rows[0]), shares, rtol=1e-5)
    np.testing.assert_allclose(mixture.nats(*rows), expected, rtol=1e-5)


def test_few_words_are_copied_at_first():
    shares = Mixture(UNITS, copying=True).shares(tf.zeros([1, UNITS])).numpy()[0]
    assert shares == pytest.approx([0.611, 0.371, 0.0184], abs=1e-3)


def test_the_shares_learn_and_what_the_network_says_does_not(drawn):
    mixture, vectors, network, given = drawn
    with tf.GradientTape() as tape:
        tape.watch([vectors, network])
        loss = tf.reduce_sum(mixture.nats(vectors, network, given))
    found = tape.gradient(loss, [vectors, network, mixture.weight, mixture.bias])
    assert found[1] is None
    vectors = tf.Variable(vectors)
    drawn = mixture, vectors, network, given
    learning = vectors, mixture.weight, mixture.bias
    for variable, gradient in zip(learning, (found[0], *found[2:]), strict=True):
        direction = np.ones(variable.shape, np.float32)
        ends = []
        for step in (1e-3, -2e-3):
            variable.assign_add(direction * step)
            ends.append(by_hand(*drawn)[1].sum())
        variable.assign_add(direction * 1e-3)
        slope = (ends[0] - ends[1]) / 2e-3
        assert float(tf.reduce_sum(gradient)) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("copying", [False, True])
def test_replies_are_chosen_by_the_same_mixture(encoded, copying):
    generator = np.random.default_rng(3)
    ngrams = Ngrams.count([encoded([([4], [5, 4, 5]), ([4], [3, 5])])], 2, 6)
    by_network = generator.dirichlet(np.ones(6), 2).astype(np.float32)
    of_network = 0.5 - 0.25 * copying
    shares = np.array([[1, 0, 0], [of_network, 0.5, 0.25]], np.float32)[:, : 2 + copying]
    contexts, asked = np.array([[1], [5]], np.int32), np.array([[4, 0, 0], [5, 3, 5]], np.int32)
    counted, said = ngrams.probabilities(contexts), np.array([0, 0, 0, 1, 0, 2]) / 3
    mixed = by_network.copy()
    blend(mixed, shares, ngrams, contexts, asked)
    np.testing.assert_allclose(mixed[0], by_network[0], rtol=1e-5)
    expected = of_network * by_network[1] + 0.5 * counted[1] + 0.25 * copying * said
    np.testing.assert_allclose(mixed[1], expected, rtol=1e-5)
    np.testing.assert_allclose(mixed.sum(1), 1, rtol=1e-5)


def test_every_token_of_the_question_is_as_likely_as_any_other():
    asked = np.array([[4, 5, 4, 0], [3, 0, 0, 0], [3, 6, 0, 0]], np.int32)
    pairs, entries = np.array([[0, 1, 0, 2], [4, 3, 5, 5]], np.int32)
    found = of_question(asked, pairs, entries)
    np.testing.assert_allclose(found[:3], np.log([2 / 3, 1, 1 / 3]), rtol=1e-6, atol=1e-7)
    assert found[3] < -60


@pytest.mark.parametrize("counted", [False, True])
def test_a_batch_is_given_what_counts_and_questions_say_of_its_labels(encoded, counted):
    net = network(23, ModelConfig(units=4, embedding=4, ngrams=3), seed=1)
    pairs = encoded([*PAIRS, ([14, 15, 14], [14])])
    net.mixture.counts.ngrams = ngrams = Ngrams.count([pairs], 3, 23)
    batch = net.features(net.pack(make_batch(pairs)), counted=counted)
    expected = {}
    for question, reply in [*PAIRS, ([14, 15, 14], [14])]:
        context = [1, 1]
        for target in [*reply, 2]:
            before = np.array([context], np.int32), np.array([target], np.int32)
            (nats,) = ngrams.log_probabilities(*before, leave_out=counted)
            copied = np.log(max(1e-30, question.count(target) / len(question)))
            expected.setdefault(target, []).append((nats, copied))
            context = [context[1], target]
    real = batch["weights"] > 0
    assert real.sum() == sum(map(len, expected.values()))
    for target, nats in expected.items():
        found = batch["given"][real & (batch["labels"] == target)]
        np.testing.assert_allclose(sorted(found.tolist()), sorted(nats), rtol=1e-6)
    features = {name: tf.constant(array) for name, array in batch.items()}
    rows = tf.gather(net.embedding, features["touched"])
    learned, judged = net.losses(rows, features, tf.float32, NOTHING_DROPPED)
    assert float(learned) > float(judged) > 0
    alone = tf.reduce_sum(net.judged(rows, features, tf.float32)[0] * features["weights"])
    assert float(alone) == pytest.approx(float(judged), rel=1e-5)


def test_counts_go_into_every_checkpoint_and_a_run_resumes_with_them(new_folder, trained):
    folder = new_folder(holdout=9)
    trained(folder, steps=2, batch=20)
    run = prepare(folder, {}, {"steps": 3})
    ngrams = run.engine.net.mixture.ngrams
    run.close()
    with TokenStore(folder.store) as store:
        whole = store.read([(0, store.header.train)])
        assert ngrams.pairs == store.header.train == 44
    assert ngrams.to_bytes() == Ngrams.count([whole], 4, run.engine.net.size, SHARE).to_bytes()
    for path in (saved(folder.checkpoints)[-1], saved(folder.best)[-1]):
        net = network(run.engine.net.size, run.position.model)
        with pytest.raises(ChatbotError) as caught:
            assert net.mixture.ngrams
        assert str(caught.value).startswith("the counts of n-grams are missing. Train anew")
        restore(path, net)
        assert net.mixture.ngrams.to_bytes() == ngrams.to_bytes()


def test_the_pairs_that_were_counted_are_judged_without_themselves(new_folder, monkeypatch):
    """Else the share would go to the counts, which know every training pair by heart."""
    folder = new_folder(holdout=9)
    seen = []
    run = prepare(folder, {"units": 8, "embedding": 8}, {"steps": 2, "batch": 20})
    features = run.engine.net.features
    monkeypatch.setattr(
        run.engine.net,
        "features",
        lambda packed, counted=False: seen.append(counted) or features(packed, counted=counted),
    )
    for pairs, expected in ((44, True), (0, False)):
        run.engine.net.mixture.ngrams.pairs = pairs
        run._step()
        assert seen[-1] is expected
    judge(run.store, run.engine, 40)
    assert seen[-1] is False
    run.close()


def test_nothing_is_counted_for_what_is_learned_by_heart(new_folder):
    folder = new_folder(holdout=0)
    run = prepare(folder, {}, {})
    run.close()
    assert (run.position.model.ngrams, run.engine.net.mixture) == (0, None)


def test_a_vocabulary_too_large_for_four_words_takes_three(new_folder, monkeypatch):
    folder = new_folder(holdout=9)
    size = len(Vocabulary.load(folder.vocabulary))
    for least, expected in ((size**4 + 1, 4), (size**4, 3)):
        monkeypatch.setattr(agreeing, "NUMBERS", least)
        run = prepare(folder, {"units": 8, "embedding": 8}, {})
        run.close()
        assert run.position.model.ngrams == run.engine.net.mixture.ngrams.order == expected


def test_more_words_than_numbers_can_hold_are_refused():
    with pytest.raises(ChatbotError) as caught:
        network(60_000, ModelConfig(ngrams=4))
    assert str(caught.value) == (
        "--ngrams: 4 words are too many for a vocabulary of 60,000 entries. Ask for fewer."
    )

"""The network in NumPy against the one in TensorFlow, number by number."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import QUESTIONS, REPLIES

from chatbot.config import ModelConfig
from chatbot.corpus.batches import make_batch
from chatbot.errors import ChatbotError
from chatbot.learn import networks as learned
from chatbot.learn.bundle import Bundle
from chatbot.learn.dropout import NOTHING_DROPPED
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.optimizer import Adam
from chatbot.learn.saved import read
from chatbot.talk import networks, stored
from chatbot.talk.decoder import AntiLanguageModel
from chatbot.talk.evaluation import net_of

GO = 1


def network_of(net):
    return networks.network(net.weights(), net.config, net.mixture and net.mixture.ngrams)


@pytest.fixture
def by_tensorflow(encoded):
    """(net, question, reply) -> the log-probabilities of every entry at each step of a reply.

    By the pass that training makes, over the whole reply at once.
    """

    def compute(net, question, reply):
        packed = net.pack(make_batch(encoded([(question, reply)])))
        touched = tf.gather(net.embedding, packed.touched)
        vectors = net.vectors(touched, net.features(packed), tf.float32, NOTHING_DROPPED)
        rows = packed.output_place[packed.target_row[0, : len(reply) + 1]]
        vectors = tf.gather(vectors, rows)
        classes = net.output.classes(net.embedding)
        scores = net.output.log_probabilities(vectors, classes).numpy()
        if net.mixture is None:
            return scores
        shares = net.shares(vectors).numpy()[:, :, None]
        said = [np.exp(scores), net.mixture.ngrams.probabilities(packed.contexts[rows])]
        if net.config.copying:
            of_question = np.bincount(question, minlength=net.size) / len(question)
            said.append(np.tile(of_question, (len(rows), 1)))
        return np.log((shares * np.stack(said, 1)).sum(1))

    return compute


def test_every_probability_is_that_of_the_network_in_tensorflow(net, by_tensorflow):
    network = network_of(net)
    state, found = network.begin(QUESTIONS), []
    steps = np.array([[GO] * 3, *zip(*REPLIES, strict=True)], np.int32)
    for tokens in steps:
        scores, state = network.step(tokens, state)
        found.append(scores)
    found = np.stack(found, 1)
    for row, question, reply in zip(found, QUESTIONS, REPLIES, strict=True):
        np.testing.assert_allclose(row, by_tensorflow(net, question, reply), atol=1e-4)
        np.testing.assert_allclose(np.exp(row).sum(1), 1, atol=1e-5)
    assert network.size == net.size


def test_the_words_of_a_question_are_held_against_no_reply_to_it(encoded):
    """A bot that copies would else say what it was asked: nothing says that unasked."""
    net = learned.network(40, ModelConfig(units=8, embedding=8, ngrams=2), seed=1)
    net.mixture.counts.ngrams = Ngrams.count([encoded([([4], [5, 6])])], 2, 40)
    net.mixture.bias.assign([-0.5, 3.0])
    model = AntiLanguageModel(network_of(net), (GO,), 1.0, 2)
    both = model.begin(QUESTIONS)
    asked = [np.unique(row[row != 0]).tolist() for row in both.state.asked]
    assert asked == [np.unique(question).tolist() for question in QUESTIONS * 2]
    scores, _ = model.step(np.full(3, GO, np.int32), both)
    for row, question in zip(scores, QUESTIONS, strict=True):
        assert -1 < max(row[question]) < 1  # 3 and more if nothing said them unasked


def test_rows_of_a_state_can_be_selected(net):
    network = network_of(net)
    state = network.begin(QUESTIONS)
    assert {len(part) for part in (*state.state, state.contexts, state.asked)} == {3}
    _, state = network.step(np.array([1, 1, 1], np.int32), state)
    chosen = network.select(state, np.array([2, 0, 2]))
    turned, _ = network.step(np.array([7, 4, 6], np.int32), chosen)
    straight, _ = network.step(np.array([4, 9, 7], np.int32), state)
    other, _ = network.step(np.array([9, 9, 6], np.int32), state)
    np.testing.assert_allclose(turned[0], straight[2], atol=1e-5)
    np.testing.assert_allclose(turned[1], straight[0], atol=1e-5)
    np.testing.assert_allclose(turned[2], other[2], atol=1e-5)


@pytest.mark.parametrize("whole", [True, False], ids=["newest", "best"])
def test_a_checkpoint_gives_every_weight_whatever_it_is_stored_under(net, tmp_path, whole):
    """With the optimizer's, TensorFlow stores some under shorter paths than the network's own."""
    optimizer = {"optimizer": Adam(net.embedding, net.matrices)} if whole else {}
    bundle = Bundle(Path(tf.train.Checkpoint(model=net, **optimizer).write(str(tmp_path / "one"))))
    found = stored.of_checkpoint(bundle, None).weights
    expected = net.weights()
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])


def test_a_checkpoint_without_its_counts_is_told(tmp_path):
    net = learned.network(40, ModelConfig(units=8, embedding=8, ngrams=2))
    path = Path(tf.train.Checkpoint(model=net).write(str(tmp_path / "step-1")))
    with pytest.raises(ChatbotError, match="counts of n-grams are missing"):
        read(path, lambda bundle: stored.of_checkpoint(bundle, None))


def test_replies_are_those_of_tensorflow_token_for_token(bot, by_heart, by_tensorflow):
    net = net_of(bot)
    for question, reply in by_heart[1]:
        asked, said = (
            bot.vocabulary.encode(list(side), bot.tokenizer) for side in (question, reply)
        )
        assert by_tensorflow(net, asked, said).argmax(1).tolist() == [*said, 2]
        assert bot.reply(question) == reply

"""The network as a graph against the one in NumPy, number by number."""

import numpy as np
import tensorflow as tf
from helpers import QUESTIONS, REPLIES

from chatbot.config import ReplyConfig
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.graph import networks as graphs
from chatbot.graph.replying import GraphReplies
from chatbot.learn.packing import padded
from chatbot.talk import networks, stored
from chatbot.talk.decoding import decode
from chatbot.talk.rules import Rules

CONFIGS = [
    ReplyConfig(max_reply=7),
    ReplyConfig(max_reply=9, anti_lm=0.5, anti_lm_tokens=3),
    ReplyConfig(max_reply=9, anti_lm=0.7, anti_lm_tokens=20, no_repeat=2),
    ReplyConfig(max_reply=8, no_repeat=1, min_reply=3),
    ReplyConfig(max_reply=8, no_repeat=3),
    ReplyConfig(max_reply=2, no_repeat=4),
]


def both(net):
    """The network in NumPy, and its twin."""
    parts = net.weights(), net.config, net.mixture and net.mixture.ngrams
    return networks.network(*parts), graphs.network(*parts)


def test_every_probability_is_that_of_the_network_in_numpy(net):
    network, graph = both(net)
    state = network.begin(QUESTIONS)
    ids, lengths = map(tf.constant, padded(QUESTIONS))
    begin, step = (tf.function(one, autograph=False) for one in (graph.begin, graph.step))
    other = begin(ids, lengths)
    for tokens in np.array([[GO] * 3, *zip(*REPLIES, strict=True)], np.int32):
        scores, state = network.step(tokens, state)
        found, other = step(tf.constant(tokens), other)
        np.testing.assert_allclose(found.numpy(), scores, atol=1e-4)
        for part, shape in zip(other, graph.open, strict=True):
            assert tf.TensorShape(shape).is_compatible_with(part.shape)


def test_replies_are_those_of_the_network_in_numpy(net):
    network, graph = both(net)
    rules = Rules(not_first=(6, 9))
    ids, lengths = map(tf.constant, padded(QUESTIONS))
    for config in CONFIGS:
        replies = tf.function(GraphReplies(graph, config, rules), autograph=False)
        found = replies(ids, lengths).numpy()
        assert found.shape == (3, config.max_reply)
        for row, reply in zip(
            found.tolist(), decode(network, QUESTIONS, config, rules), strict=True
        ):
            assert row == [*reply, *[EOS] * (config.max_reply - len(reply))]


def test_a_reply_ends_where_all_is_forbidden(bot):
    net, size = bot.network, len(bot.vocabulary)
    found = stored.read(bot.checkpoint)
    graph = graphs.network(found.weights, bot.position.model, found.ngrams)
    rules, config = Rules(never=tuple(range(6, size))), ReplyConfig(no_repeat=1, min_reply=9)
    ids, lengths = map(tf.constant, padded(QUESTIONS))
    replies = GraphReplies(graph, config, rules)(ids, lengths).numpy()
    expected = decode(net, QUESTIONS, config, rules)
    assert [[id for id in row if id != EOS] for row in replies.tolist()] == expected
    assert max(map(len, expected)) < 9

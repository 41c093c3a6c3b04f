"""LiteRT's file against the network in NumPy."""

import numpy as np
import pytest
from helpers import QUESTIONS, REPLIES

from chatbot.corpus.vocabulary import GO
from chatbot.graph import lite
from chatbot.graph import networks as graphs
from chatbot.learn.tf import tf
from chatbot.talk import networks


def opened(data):
    """The two signatures of a file."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter
    interpreter = Interpreter(model_content=data)
    assert set(interpreter.get_signature_list()) == {"begin", "step"}
    runners = [interpreter.get_signature_runner(name) for name in ("begin", "step")]
    return interpreter, *runners


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("int8", [False, True], ids=["float", "int8"])
def test_every_score_is_that_of_the_network_in_numpy(net, int8, capfd):
    parts = net.weights(), net.config, net.mixture and net.mixture.ngrams
    network = networks.network(*parts)
    data = lite.converted(graphs.network(*parts), int8=int8)
    assert capfd.readouterr() == ("", "")
    _interpreter, begin, step = opened(data)
    for question, reply in zip(QUESTIONS, REPLIES, strict=True):
        state, other = network.begin([question]), begin(question=np.array([question], np.int32))
        for token in [GO, *reply]:
            tokens = np.array([token], np.int32)
            scores, state = network.step(tokens, state)
            other = step(token=tokens, **other)
            np.testing.assert_allclose(other.pop("scores"), scores, atol=0.5 if int8 else 1e-3)


def test_bytes_take_less_room(bot):
    from chatbot.talk import stored

    found = stored.read(bot.checkpoint)
    graph = graphs.network(found.weights, bot.position.model, found.ngrams)
    assert len(lite.converted(graph, int8=True)) < len(lite.converted(graph))

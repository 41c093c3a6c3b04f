"""The network that answers, of the kind its configuration asks for, as a graph.

Comes in: weights, their shape, counts of n-grams. Goes out: the network.
"""

from __future__ import annotations

from chatbot.config import ModelConfig
from chatbot.graph.network import GraphNetwork
from chatbot.graph.recurrent import GraphRecurrent
from chatbot.graph.transformer import GraphTransformer
from chatbot.learn.ngrams import Ngrams
from chatbot.talk.network import Weights


def network(weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> GraphNetwork:
    """The network of weights, their shape, and the counts that belong to them."""
    kind = GraphTransformer if config.model_type == "transformer" else GraphRecurrent
    return kind(weights, config, ngrams)

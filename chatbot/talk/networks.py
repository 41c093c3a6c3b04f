"""The network of a kind.

Comes in: what was stored of one. Goes out: the network that answers.
"""

from __future__ import annotations

from chatbot.config import ModelConfig
from chatbot.learn.ngrams import Ngrams
from chatbot.talk.network import Network, Weights
from chatbot.talk.recurrent_network import RecurrentNetwork
from chatbot.talk.transformer_network import TransformerNetwork

_KINDS: dict[str, type[Network]] = {
    "recurrent": RecurrentNetwork,
    "transformer": TransformerNetwork,
}


def network(weights: Weights, config: ModelConfig, ngrams: Ngrams | None) -> Network:
    """The network of these weights and counts."""
    return _KINDS[config.model_type](weights, config, ngrams)

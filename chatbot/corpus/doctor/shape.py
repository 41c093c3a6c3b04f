"""What a network of a kind holds and computes, as `learn` makes it.

Comes in: the settings of a network. Goes out: weights, operations, and what it holds of a token.
Knows nothing of TensorFlow, nor of embeddings and output layer.
"""

from __future__ import annotations

from chatbot.config import ModelConfig

_GATES = {"lstm": 4, "gru": 3}
_TRANSFORMER, _SUMS = 2.3, 0.5
"""What a layer of a Transformer holds of a token beside a recurrent one; what additive attention
holds of a sum beside what other attention holds of a padded place. The first is fitted to peaks of
benchmarks/variants.py, which it forecasts to 5 %; the second is an estimate."""


def weights(model: ModelConfig) -> int:
    """Weights between embeddings and output layer."""
    e, u = model.embedding, model.units
    if model.model_type == "transformer":
        fed = 8 * u * u + 5 * u
        return model.depth * (3 * 4 * u * u + 2 * fed + 5 * 2 * u) + 2 * 2 * u
    ways = 2 if model.bidirectional else 1
    one_way, count, gates = u // ways, 0, _GATES[model.cell]
    for number in range(model.depth):
        into = u if number else e
        of_way = gates * one_way * (into + one_way) + 4 * one_way
        count += ways * of_way + gates * u * (into + u) + 4 * u
        count += 4 * into * model.layer_norm
    attention = {"dot": 0, "general": u * u, "additive": 2 * u * u + u}[model.attention]
    return count + attention + 2 * u * u


def operations(model: ModelConfig) -> tuple[int, int, int]:
    """Operations forward: for a token of a question, of a reply, and for a pair of both."""
    e, u, depth = model.embedding, model.units, model.depth
    if model.model_type == "transformer":
        layer = 2 * 12 * u * u
        return depth * (layer + 4 * u * u), depth * (layer + 8 * u * u), 3 * depth * 4 * u
    ways, gates = 2 if model.bidirectional else 1, 2 * _GATES[model.cell]
    one_way = u // ways
    inputs = e + (depth - 1) * u
    encoder = ways * gates * one_way * (inputs + depth * one_way) + 2 * u * u
    return encoder, gates * u * (inputs + depth * u) + 4 * u * u, 4 * u


def layers(model: ModelConfig) -> float:
    """How many times as much as one recurrent layer it holds of every token."""
    return model.depth * (_TRANSFORMER if model.model_type == "transformer" else 1)


def padded_units(model: ModelConfig, places: float, pairs: float) -> float:
    """How many padded places it holds, given places and pairs of places that attention looks at."""
    if model.model_type == "transformer":
        return 3 * model.depth * places
    if model.attention == "additive":  # sums of all queries and keys
        return places + _SUMS * pairs
    return places

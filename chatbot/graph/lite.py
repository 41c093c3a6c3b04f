"""A bot's network for LiteRT: what a phone answers with, by ids.

Comes in: weights. Goes out: a `.tflite` file with two signatures, `begin` and `step`, of operations
that every build of LiteRT has:

    begin   question int32 [1, S]             -> state_0, state_1 ...
    step    token int32 [1], state_0 ...      -> scores float32 [1, V], state_0 ...

Scores are log-probabilities of the next entry; the first token is GO. With `int8` the weights of
products are a byte each.
"""

from __future__ import annotations

from typing import Any

from chatbot.graph.network import GraphNetwork, State
from chatbot.learn.tf import quietly, tf

Tensor = Any


def converted(network: GraphNetwork, *, int8: bool = False) -> bytes:
    """A network as LiteRT's file."""
    shapes = [[1, *shape[1:]] for shape in network.open]
    specs = [
        tf.TensorSpec(shape, kind, name=f"state_{number}")
        for number, (shape, kind) in enumerate(zip(shapes, network.kinds, strict=True))
    ]

    def named(state: State) -> dict[str, Tensor]:
        """The parts of a state by their names."""
        return {f"state_{number}": part for number, part in enumerate(state)}

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec([1, None], tf.int32, name="question")], autograph=False
    )
    def begin(question: Tensor) -> dict[str, Tensor]:
        """The state after a question."""
        return named(network.begin(question, tf.shape(question)[1:]))

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec([1], tf.int32, name="token"), *specs], autograph=False
    )
    def step(token: Tensor, *state: Tensor) -> dict[str, Tensor]:
        """The scores of the next entry."""
        scores, after = network.step(token, state)
        return {"scores": scores, **named(after)}

    module = tf.Module()
    module.network, module.begin, module.step = network, begin, step
    with quietly():
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [begin.get_concrete_function(), step.get_concrete_function()], module
        )
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        found: bytes = converter.convert()
    return found

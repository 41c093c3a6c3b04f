"""The network of a kind.

Comes in: a configuration. Goes out: the network it asks for, its weights drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.learn.model import Seq2Seq
from chatbot.learn.recurrent_model import RecurrentModel
from chatbot.learn.transformer import Transformer

_KINDS: dict[str, type[Seq2Seq]] = {"recurrent": RecurrentModel, "transformer": Transformer}


def network(
    size: int,
    config: ModelConfig,
    *,
    seed: int = 0,
    unigram: NDArray[np.float32] | None = None,
) -> Seq2Seq:
    """The network that a configuration asks for; arguments and errors as for `Seq2Seq`."""
    return _KINDS[config.model_type](size, config, seed=seed, unigram=unigram)

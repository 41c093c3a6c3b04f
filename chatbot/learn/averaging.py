"""The mean of a run's last checkpoints, which may be better than any of them.

Comes in: a model folder and a network. Goes out: the network with the mean of the weights saved
last. Vaswani et al. 2017, section 6.1, average the last 5; weights that wander around a minimum
have a mean that is nearer to it (Izmailov et al. 2018, "Averaging weights leads to wider optima").
"""

from __future__ import annotations

import numpy as np

from chatbot.config import TrainingConfig
from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder
from chatbot.learn.bundle import Bundle
from chatbot.learn.engine import Engine
from chatbot.learn.judging import judge
from chatbot.learn.model import Seq2Seq
from chatbot.learn.saved import fault_of, saved


def take_mean(folder: ModelFolder, net: Seq2Seq, most: int) -> int:
    """Gives a network the mean of the weights in its newest checkpoints.

    Args:
        folder: the model folder.
        net: the network; unchanged unless there are two checkpoints.
        most: how many checkpoints, at most; damaged ones are passed over.

    Returns:
        How many there were.
    """
    paths = [path for path in saved(folder.checkpoints) if fault_of(path) is None][-most:]
    if len(paths) < 2:
        return len(paths)
    bundles = [Bundle(path) for path in paths]
    for name, variable in net.named.items():
        stored = (bundle.array(f"model/{name}/.ATTRIBUTES/VARIABLE_VALUE") for bundle in bundles)
        total = np.zeros(variable.shape, np.float64)
        for values in stored:
            total += values
        variable.assign((total / len(paths)).astype(np.float32))
    return len(paths)


def judged_mean(
    folder: ModelFolder, engine: Engine, store: TokenStore, training: TrainingConfig
) -> tuple[int, float]:
    """Gives an engine the mean of a run's last checkpoints; how many they were, and its loss."""
    count = take_mean(folder, engine.net, training.average)
    return count, judge(store, engine, training.max_length).loss

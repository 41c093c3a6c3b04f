"""The mean of a run's last checkpoints, which may be better than any of them.

Comes in: a model folder, the position of a run, and its engine. Goes out: the engine with the mean
of the weights saved last, and its loss. Vaswani et al. 2017, section 6.1, average the last 5;
weights that wander around a minimum have a mean that is nearer to it (Izmailov et al. 2018,
"Averaging weights leads to wider optima").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder
from chatbot.learn.bundle import Bundle
from chatbot.learn.engine import Engine
from chatbot.learn.judging import judge
from chatbot.learn.model import Seq2Seq
from chatbot.learn.position import Position
from chatbot.learn.saved import fault_of, read_position, saved
from chatbot.learn.sharing import from_chief


def newest(folder: ModelFolder, position: Position) -> list[Path]:
    """The newest checkpoints of the corpus that a run is at, as many as are to be averaged.

    Damaged ones are passed over, and those of before an --extend.
    """
    found = []
    for path in saved(folder.checkpoints):
        if fault_of(path) is None:
            other = read_position(path)
            if (other.vocabulary, other.store) == (position.vocabulary, position.store):
                found.append(path)
    return found[-position.training.average :]


def take_mean(net: Seq2Seq, paths: Sequence[Path]) -> None:
    """Gives a network the mean of the weights in checkpoints."""
    bundles = [(bundle, bundle.variables("model")) for bundle in map(Bundle, paths)]
    for name, variable in net.named.items():
        total = np.zeros(variable.shape, np.float64)
        for bundle, stored in bundles:
            total += bundle.array(stored[name])
        variable.assign((total / len(paths)).astype(np.float32))


def judged_mean(
    folder: ModelFolder, engine: Engine, store: TokenStore, position: Position, best: float
) -> tuple[float, str]:
    """Gives an engine the mean of a run's last checkpoints, if they have one.

    Args:
        folder: the model folder.
        engine: the engine.
        store: the pairs.
        position: where the run is.
        best: the least held-out loss of the run.

    Returns:
        The loss of the mean, infinite if there is none, and what is to be said.
    """
    team = engine.team
    paths = newest(folder, position) if team.chief else []
    count = int(team.hear(str(len(paths)).encode()))
    if not store.header.held_out:
        return math.inf, "no pairs are held out, so no mean of checkpoints can be judged"
    if count < 2:
        return math.inf, "only one checkpoint, so no mean of several; see --save-every"
    if team.chief:
        take_mean(engine.net, paths)
    from_chief(engine, position)
    loss = judge(store, engine, position.training.max_length).loss
    said = f"the mean of the last {count} checkpoints has a loss of {loss:.3f}, "
    return loss, said + ("the best" if loss < best else f"not below {best:.3f}")

"""What embeddings begin with: word vectors of a file, or those of the corpus itself.

Comes in: a network as drawn, its optimizer, and vectors or a token store. Goes out: the network
with them in place.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from chatbot.config import TrainingConfig
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vectors import Vectors
from chatbot.learn.cooccurrence import vectors_of_first
from chatbot.learn.engine import Engine
from chatbot.learn.tf import tf
from chatbot.machine import cores

VECTORS_RMS = 0.3
"""Root of the mean square of the elements of word vectors of a file, at the beginning of a run.

Random embeddings begin at 0.03, which is little beside the first of Adam's steps, about 0.02 an
element whatever the gradient. docs/training.md has the measurement that chose this value.
"""

_READ_AT_ONCE = 10_000


def begin_with_file(engine: Engine, vectors: Vectors) -> None:
    """Gives entries their word vectors, scaled as one, and freezes them if that is asked for.

    Turian et al. 2010, "Word representations: a simple and general method for semi-supervised
    learning" (https://aclanthology.org/P10-1040), eq. 1, E <- sigma E / stddev(E), with the root of
    the mean square in place of the deviation, so that zero stays zero.
    """
    rows, optimizer = vectors.rows, engine.optimizer
    square = np.einsum("ne,ne->", rows, rows, dtype=np.float64) / rows.size
    scaled = rows * float(VECTORS_RMS / np.sqrt(square))
    engine.net.embedding.scatter_update(tf.IndexedSlices(scaled, vectors.ids))
    if optimizer.frozen is not None:
        optimizer.frozen.assign(_marked(engine.net.size, vectors.ids))


def begin_with_corpus(engine: Engine, store: TokenStore, training: TrainingConfig) -> float:
    """Gives entries the vectors that the corpus itself has for them, and makes them slow.

    Embeddings begin in these directions, as long as random ones, and stay near them: most entries
    occur too seldom to learn where they belong from the replies to them.

    Args:
        engine: as drawn.
        store: the corpus.
        training: its seed and its threads are used.

    Returns:
        The seconds that it took. They are seconds of training, as what is learned here would be
        learned there.
    """
    began, net = time.monotonic(), engine.net
    parts = store.parts(0, store.header.train, _READ_AT_ONCE)
    threads = training.threads or cores()
    drawn = net.embedding.numpy()
    ids, rows = vectors_of_first(parts, *drawn.shape, seed=training.seed, threads=threads)
    square = np.einsum("ve,ve->", drawn, drawn, dtype=np.float64)
    drawn[ids] = rows * np.float32(np.sqrt(square / len(drawn)))
    net.embedding.assign(drawn)
    net.output.begin_with(drawn)
    if engine.optimizer.slow is not None:
        engine.optimizer.slow.assign(_marked(net.size, ids))
    return time.monotonic() - began


def _marked(size: int, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for these entries, [V]."""
    marks = np.zeros(size, np.bool_)
    marks[ids] = True
    return marks

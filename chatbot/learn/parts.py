"""A batch dealt out to parts of about equal work, and their gradients brought together.

Comes in: a batch, and how many parts. Goes out: smaller batches, which together hold the same
pairs; and the rows of the embedding that any part touched. Plain NumPy; knows nothing of weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.batches import Batch


def split(batch: Batch, count: int) -> list[Batch]:
    """Deals the pairs of a batch out in turn, longest first, so that all parts are alike.

    Args:
        batch: B pairs.
        count: how many parts, at most B.
    """
    order = np.lexsort((-batch.encoder_lengths, -batch.target_lengths))
    return [_chosen(batch, order[first::count]) for first in range(count)]


def _chosen(batch: Batch, pairs: NDArray[np.int64]) -> Batch:
    source = int(batch.encoder_lengths[pairs].max())
    target = int(batch.target_lengths[pairs].max())
    return Batch(
        batch.encoder_input[pairs, :source],
        batch.encoder_lengths[pairs],
        batch.decoder_input[pairs, :target],
        batch.targets[pairs, :target],
        batch.weights[pairs, :target],
        batch.truncated,
    )


def merged(touched: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What any of several parts touched.

    Args:
        touched: the distinct entries of every part, [K of the part] each.

    Returns:
        The distinct entries of all, ascending, [K], and the place there of each entry of each part,
        [sum of all K].
    """
    entries, places = np.unique(np.concatenate(touched), return_inverse=True)
    return entries, places.astype(np.int32)

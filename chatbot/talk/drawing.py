"""The next entry of a reply: the likeliest, or one that is drawn.

Comes in: log-probabilities. Goes out: entries. Knows nothing of what has been said before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ReplyConfig

Doubles = NDArray[np.float64]

_FOREMOST = 1_000
"""Entries that are sorted first; they nearly always hold nine tenths of the probability."""


def choose(
    scores: NDArray[np.float32],
    config: ReplyConfig,
    generators: Sequence[np.random.Generator],
) -> NDArray[np.int32]:
    """The likeliest entry of each row [B, V], or one drawn by the generator of the row.

    Drawn is at a temperature, from what is left after `--top-k`, then `--top-p`, then `--typical`;
    each looks at the distribution that the ones before it leave.
    """
    if config.temperature == 0:
        return np.asarray(np.argmax(scores, 1), np.int32)
    warm = scores.astype(np.float64)
    with np.errstate(over="ignore"):
        warm = (warm - warm.max(1, keepdims=True)) / config.temperature
    if 0 < config.top_k < warm.shape[1]:
        least = np.partition(warm, -config.top_k, axis=1)[:, -config.top_k, None]
        warm = np.where(warm >= least, warm, -np.inf)
    if config.top_p < 1:
        warm = np.where(nucleus(warm, config.top_p), warm, -np.inf)
    if config.typical < 1:
        warm = np.where(typical(warm, config.typical), warm, -np.inf)
    ends = np.cumsum(np.exp(warm - warm.max(1, keepdims=True)), 1)
    drawn = np.array([[one.random()] for one in generators]) * ends[:, -1:]
    return np.asarray(np.sum(ends <= drawn, 1), np.int32)


def nucleus(scores: Doubles, share: float) -> NDArray[np.bool_]:
    """The fewest entries that are together at least so likely; equally likely ones by their ids.

    Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1, eq. 2.

    Args:
        scores: log-probabilities but for a constant, [B, V].
        share: the probability that is kept, above 0.
    """
    return _fewest(_probabilities(scores), -scores, share)


def typical(scores: Doubles, share: float) -> NDArray[np.bool_]:
    """The entries that say about as much as is expected here, together at least so likely.

    Meister et al. 2023, "Locally typical sampling", section 4, eq. 9: those come first whose
    information is nearest to the entropy. Arguments as for `nucleus`.
    """
    p = _probabilities(scores)
    information = -np.log(p, where=p > 0, out=np.full_like(p, -np.inf))
    terms = np.multiply(p, information, where=p > 0, out=np.zeros_like(p))
    entropy = terms.sum(1, keepdims=True)
    return _fewest(p, np.abs(information - entropy), share)


def _probabilities(scores: Doubles) -> Doubles:
    p: Doubles = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return p


def _fewest(p: Doubles, rank: Doubles, share: float) -> NDArray[np.bool_]:
    """The first entries by their rank that reach a share together."""
    kept = np.zeros(p.shape, np.bool_)
    for row, chances, ranks in zip(kept, p, rank, strict=True):
        order = _foremost(ranks)
        until = np.cumsum(chances[order])
        if len(order) < len(ranks) and until[-1] < share:
            order = np.argsort(ranks, kind="stable")
            until = np.cumsum(chances[order])
        row[order[until - chances[order] < share]] = True
    return kept & (p > 0)


def _foremost(ranks: Doubles) -> NDArray[np.int64]:
    """The first entries by their rank, in order, of equal ones all: most often enough of them."""
    if len(ranks) <= _FOREMOST:
        return np.argsort(ranks, kind="stable")
    some = np.flatnonzero(ranks <= np.partition(ranks, _FOREMOST)[_FOREMOST])
    return some[np.argsort(ranks[some], kind="stable")]

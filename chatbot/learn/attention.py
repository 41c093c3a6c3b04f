"""Attention of decoder states over encoder states.

Comes in: queries, keys and the lengths of questions. Goes out: contexts. Has no weights of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatbot.learn.gathers import permuted
from chatbot.learn.groups import GROUPS
from chatbot.learn.tf import tf

Tensor = Any
Score = Callable[[Tensor, Tensor], Tensor]

_MASKED = -1e9


def by_product(queries: Tensor, keys: Tensor) -> Tensor:
    """Scores of every key for every query, [B, T, S]: their products (Luong et al. 2015, eq. 8).

    Args:
        queries: [B, T, U].
        keys: [B, S, U], of the same type.
    """
    return tf.matmul(queries, keys, transpose_b=True)


def by_sum(score: Tensor) -> Score:
    """Scores by v . tanh(q + k) with these v, [U] (Bahdanau et al. 2015, section A.1.2).

    Sums of all queries and keys are held, U times as many numbers as there are scores.
    """

    def scores(queries: Tensor, keys: Tensor) -> Tensor:
        """Scores of every key for every query, [B, T, S]."""
        sums = tf.tanh(queries[:, :, None] + keys[:, None])
        flat = tf.reshape(sums, [-1, sums.shape[-1]])
        return tf.reshape(tf.matmul(flat, tf.cast(score, flat.dtype)[:, None]), tf.shape(sums)[:3])

    return scores


def attend(queries: Tensor, keys: Tensor, mask: Tensor, score: Score = by_product) -> Tensor:
    """Global attention: for each query the mean of the keys, weighted by softmax of the scores.

    Args:
        queries: [B, T, U].
        keys: [B, S, U], of the same type.
        mask: added to the scores, float32 [B, 1, S].
        score: what gives the scores.

    Returns:
        Contexts, [B, T, U], of that type; the softmax is float32.
    """
    weights = tf.nn.softmax(tf.cast(score(queries, keys), tf.float32) + mask)
    return tf.matmul(tf.cast(weights, keys.dtype), keys)


def padding_mask(lengths: Tensor, columns: Tensor) -> Tensor:
    """0 where a question of this length has a token, a large negative number beyond, [B, S]."""
    inside = tf.range(columns) < lengths[:, None]
    return tf.where(inside, 0.0, _MASKED)


def attend_in_groups(
    states: Tensor, keys: Tensor, batch: Mapping[str, Tensor], score: Score = by_product
) -> Tensor:
    """Contexts of all packed decoder states, one group of pairs after another.

    Args:
        states: decoder states, packed, [Q, U].
        keys: encoder states where the groups have them, of the same type, see `groups.grouped`.
        batch: what that function gave.
        score: what gives the scores.

    Returns:
        Contexts, packed, [Q, U].
    """
    units = states.shape[1]
    queries = permuted(states, batch["target_row"], batch["target_place"])
    pairs, columns, steps = tf.unstack(batch["groups"], axis=1)
    parts = zip(
        tf.split(keys, pairs * columns, num=GROUPS),
        tf.split(queries, pairs * steps, num=GROUPS),
        tf.split(batch["source_lengths"], pairs, num=GROUPS),
        strict=True,
    )
    contexts = []
    for group, (s, t, lengths) in enumerate(parts):
        s = tf.reshape(s, [pairs[group], columns[group], units])
        t = tf.reshape(t, [pairs[group], steps[group], units])
        context = attend(t, s, padding_mask(lengths, columns[group])[:, None], score)
        contexts.append(tf.reshape(context, [-1, units]))
    return permuted(tf.concat(contexts, 0), batch["target_place"], batch["target_row"])

"""Attention of decoder states over encoder states.

Comes in: queries, keys and the lengths of questions. Goes out: contexts. Has no weights of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatbot.learn.gathers import permuted
from chatbot.learn.groups import GROUPS
from chatbot.learn.tf import tf

Tensor = Any

_MASKED = -1e9


def attend(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """Global attention: for each query the mean of the keys, weighted by softmax of the products.

    Args:
        queries: [B, T, U].
        keys: [B, S, U], of the same type.
        mask: added to the scores, float32 [B, 1, S].

    Returns:
        Contexts, [B, T, U], of that type; the softmax is float32.
    """
    weights = attention_weights(queries, keys, mask)
    return tf.matmul(tf.cast(weights, keys.dtype), keys)


def attention_weights(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """How much of each key goes into the context of each query; arguments as for `attend`.

    Returns:
        Float32 [B, T, S], rows sum to 1; 0 on padding.
    """
    scores = tf.matmul(queries, keys, transpose_b=True)
    return tf.nn.softmax(tf.cast(scores, tf.float32) + mask)


def padding_mask(lengths: Tensor, columns: Tensor) -> Tensor:
    """0 where a question of this length has a token, a large negative number beyond, [B, S]."""
    inside = tf.range(columns) < lengths[:, None]
    return tf.where(inside, 0.0, _MASKED)


def attend_in_groups(states: Tensor, keys: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Contexts of all packed decoder states, one group of pairs after another.

    Args:
        states: decoder states, packed, [Q, U].
        keys: encoder states where the groups have them, of the same type, see `groups.grouped`.
        batch: what that function gave.

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
        context = attend(t, s, padding_mask(lengths, columns[group])[:, None])
        contexts.append(tf.reshape(context, [-1, units]))
    return permuted(tf.concat(contexts, 0), batch["target_place"], batch["target_row"])

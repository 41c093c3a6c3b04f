"""How fast TensorFlow multiplies matrices on this machine, at best and at given sizes.

    python gemm.py < SIZES.json

Comes in: a list of [rows, inner, columns], each multiplied in bfloat16 and timed. Goes out: one
JSON object: the best pace with matrices of 2,048 x 2,048 in float32 and bfloat16, in 10^9
operations a second, and the least seconds of a product of each size.

Every product is used by the next one and no two multiply the same matrices, or TensorFlow would
leave some out. On a processor it returns when a result is there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

SIZE = 2_048
PRODUCTS = 4
TRIES = 5
LEAST_SECONDS = 0.02
"""So long are the products of one size repeated, at least."""


def drawn(rows: int, columns: int, kind: tf.DType) -> Any:  # noqa: ANN401 - a tensor
    """A random matrix whose products stay about as large as they are."""
    return tf.cast(tf.random.normal([rows, columns]) / columns**0.5, kind)


def least(run: Callable[[], Any], seconds: float) -> float:
    """The least seconds of some tries, in all at least `seconds`, after one that is not counted."""
    run()
    tries = list[float]()
    while len(tries) < TRIES or sum(tries) < seconds:
        began = time.perf_counter()
        run()
        tries.append(time.perf_counter() - began)
    return min(tries)


def peak(kind: tf.DType) -> float:
    """The best pace with large matrices, in 10^9 operations a second."""
    first = drawn(SIZE, SIZE, kind)
    others = [drawn(SIZE, SIZE, kind) for _ in range(PRODUCTS)]

    @tf.function  # type: ignore[untyped-decorator]
    def chain(x: Any, others: list[Any]) -> Any:  # noqa: ANN401
        for other in others:
            x = tf.matmul(x, other)
        return x

    return 2 * SIZE**3 * PRODUCTS / least(lambda: chain(first, others), 0) / 1e9


def seconds(rows: int, inner: int, columns: int) -> float:
    """The least seconds of a bfloat16 product of this size."""
    a, b = drawn(rows, inner, tf.bfloat16), drawn(inner, columns, tf.bfloat16)
    return least(lambda: tf.matmul(a, b), LEAST_SECONDS)


if __name__ == "__main__":
    result = {kind.name: round(peak(kind), 1) for kind in (tf.float32, tf.bfloat16)}
    print(json.dumps({**result, "seconds": [seconds(*size) for size in json.load(sys.stdin)]}))

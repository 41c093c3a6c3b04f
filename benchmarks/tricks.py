"""What is each trick of a training step worth?

    python benchmarks/tricks.py TRAIN [--rounds R] [--steps N] [--only TRICK...]

TRAIN is a corpus in any format that build-vocab reads. Trains N (20) steps at the defaults a user
gets, each time in a process of its own: with everything and without one trick, its slow twin in
its place, one right after the other, the order alternating; and so on through all of them, R (3)
times. Records the median seconds of a step, the peak of memory, and both as ratios to the run with
everything beside it. With --only some are measured and printed, not recorded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

WARM_UP = 4

Patch = Callable[[], dict[str, Any]]


def adaptive_softmax() -> dict[str, Any]:
    """One softmax over all entries."""
    from chatbot.learn import output

    output.cutoffs_of = lambda size: (size,)
    return {}


def packed_rows() -> dict[str, Any]:
    """The LSTMs run over padding too."""
    import numpy as np

    from chatbot.learn import packing

    packed = packing.pack_side

    def full(lengths: Any, order: Any = None) -> Any:  # noqa: ANN401 - arrays
        """The same sequences in blocks of equal size, a row for each sequence in every one."""
        side = packed(lengths, order)
        count, steps = len(side.order), len(side.bounds) - 1
        bounds = np.arange(steps + 1, dtype=np.int32) * np.int32(count)
        rows = packing.round_up(count * steps + 1, 256)
        inside = side.row != side.rows - 1
        shift = np.zeros(side.row.shape[1], np.int32)
        shift[:steps] = bounds[:-1] - side.bounds[:-1]
        row = np.where(inside, side.row + shift, np.int32(rows - 1))
        place = np.full(rows, side.row.shape[1] - 1, np.int32)
        place[row[inside]] = np.flatnonzero(inside)
        return packing.Side(side.order, bounds, rows, row, place)

    packing.pack_side = full
    return {}


def bfloat16_products() -> dict[str, Any]:
    """Matrix products in float32."""
    return {"precision": "float32"}


def a_part_for_each_processor() -> dict[str, Any]:
    """The whole batch at once, every operation on all processors."""
    from chatbot.learn import engine

    engine.workers_of = lambda training: 1
    return {}


def groups_of_like_length() -> dict[str, Any]:
    """Attention over all pairs padded to the longest."""
    from chatbot.learn import groups

    groups._cut = lambda order: iter([order, order[:0], order[:0]])
    return {}


def with_additive_attention() -> dict[str, Any]:
    """Attention over all pairs padded to the longest."""
    return groups_of_like_length()


def with_a_transformer() -> dict[str, Any]:
    """Attention over all pairs padded to the longest."""
    return groups_of_like_length()


def gradient_in_the_same_pass() -> dict[str, Any]:
    """The logits of all rows at once, differentiated by TensorFlow."""
    import tensorflow as tf

    from chatbot.learn import output

    def plain(x: Any, weight: Any, bias: Any, labels: Any, weights: Any, dtype: Any) -> Any:  # noqa: ANN401
        logits = tf.matmul(tf.cast(x, dtype), tf.cast(weight, dtype), transpose_b=True)
        logits = tf.cast(logits, tf.float32) + bias
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(nats * weights), nats

    output.summed_loss = plain
    return {}


def written_gradient_of_the_lstm() -> dict[str, Any]:
    """The LSTM's loop, differentiated by TensorFlow."""
    import tensorflow as tf

    from chatbot.learn import recurrent, recurrent_model
    from chatbot.learn.cells import CELLS

    def plain(x: Any, bounds: Any, *weights: Any, dtype: Any, **others: Any) -> Any:  # noqa: ANN401
        *weights, c0 = weights
        x, kernel, r, bias, h0 = (tf.cast(one, dtype) for one in (x, *weights))
        projected = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        cell = CELLS[others["cell"]]
        _, cells, hidden = recurrent._forward(cell, projected, bounds, r, bias, h0, c0, None)
        return hidden, cells

    recurrent_model.recur = plain
    return {}


def gathers_back() -> dict[str, Any]:
    """Gradients of gathers are scattered and added, as TensorFlow does it."""
    import tensorflow as tf

    from chatbot.learn import attention, model, recurrent_model

    def plain(x: Any, forward: Any, _: Any) -> Any:  # noqa: ANN401
        return tf.gather(tf.reshape(x, [-1, x.shape[-1]]), forward)

    attention.permuted = model.permuted = plain
    recurrent_model.permuted = recurrent_model.last_rows = plain
    return {}


def touched_rows_only() -> dict[str, Any]:
    """Adam changes every row of the embedding in every step."""
    import tensorflow as tf

    from chatbot.learn.optimizer import Adam

    def dense(self: Any, touched: Any, gradient: Any, rate: Any) -> None:  # noqa: ANN401
        first, second, shape = self.first[0], self.second[0], self._embedding.shape
        gradient = tf.scatter_nd(touched[:, None], gradient, shape)
        first.assign(0.9 * first + 0.1 * gradient)
        second.assign(0.99 * second + 0.01 * gradient * gradient)
        self._embedding.assign_sub(rate * first / (tf.sqrt(second) + 1e-8))

    Adam._apply_rows = dense
    return {}


def a_byte_for_each_element() -> dict[str, Any]:
    """Dropout draws a float32 for every element."""
    import tensorflow as tf

    from chatbot.learn import dropout

    assert hasattr(dropout, "_bytes")
    dropout._bytes = lambda rows, width, key: tf.cast(
        tf.floor(256 * tf.random.stateless_uniform([rows, width], key)), tf.uint8
    )
    return {}


def few_sizes() -> dict[str, Any]:
    """Row counts as they come, so that nearly every matrix has a size of its own."""
    from chatbot.learn import packing

    packing.ROUND = packing._TOTAL_ROUND = packing._CLUSTER_ROUND = 1
    return {}


TRICKS: dict[str, tuple[Patch, str]] = {
    patch.__name__: (patch, where)
    for patch, where in (
        (adaptive_softmax, "learn/output.py: OutputLayer"),
        (packed_rows, "learn/packing.py: pack_side"),
        (bfloat16_products, "learn/engine.py: product_type"),
        (a_part_for_each_processor, "learn/parts.py: split"),
        (groups_of_like_length, "learn/groups.py: grouped"),
        (with_additive_attention, "learn/groups.py: grouped"),
        (with_a_transformer, "learn/groups.py: grouped"),
        (gradient_in_the_same_pass, "learn/losses.py: summed_loss"),
        (written_gradient_of_the_lstm, "learn/recurrent.py: recur"),
        (gathers_back, "learn/gathers.py: permuted"),
        (touched_rows_only, "learn/optimizer.py: Adam"),
        (a_byte_for_each_element, "learn/dropout.py: Dropped.units_of"),
        (few_sizes, "learn/packing.py: ROUND"),
    )
}
"""What puts the slow twin in a trick's place, and where the trick stands."""

NETWORKS = {
    "with_additive_attention": {"attention": "additive"},
    "with_a_transformer": {"model_type": "transformer"},
}
"""Tricks that are measured on another network than the default."""


def main() -> None:
    """Builds, measures every trick in every round, and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=[*TRICKS])
    parser.add_argument("--without", choices=["nothing", *TRICKS], help=argparse.SUPPRESS)
    parser.add_argument("--network", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.without:
        print(json.dumps(measured(given.train, given.without, given.steps, given.network)))
        return
    names = given.only or [*TRICKS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        must(run([CHATBOT, "build-vocab", str(given.train.resolve())], cwd=folder))
        rounds = [one_round(folder, given.steps, names, n % 2) for n in range(given.rounds)]
    tricks = {
        name: {
            key: spread([one[name]["without"][key] / one[name]["with"][key] for one in rounds])
            for key in ("seconds", "peak_bytes")
        }
        for name in names
    }
    twins = {
        name: {"where": where, "without": patch.__doc__} for name, (patch, where) in TRICKS.items()
    }
    if given.only:
        print(json.dumps(tricks, indent=2))
        return
    everything = {
        key: spread(
            [one[name]["with"][key] for one in rounds for name in one if name not in NETWORKS]
        )
        for key in ("seconds", "peak_bytes")
    }
    found = {
        "steps": given.steps,
        "everything": everything,
        "without": tricks,
        "twins": twins,
        "rounds": rounds,
    }
    save("tricks", found)


def one_round(folder: Path, steps: int, names: list[str], turned: bool) -> dict[str, Any]:
    """Everything beside everything but one trick, for each trick; which is first alternates."""
    found: dict[str, Any] = {}
    for name in names:
        pair = [("with", "nothing"), ("without", name)]
        found[name] = {}
        for which, without in reversed(pair) if turned else pair:
            command = [sys.executable, str(Path(__file__).resolve()), str(folder / "model")]
            command += ["--without", without, "--network", name, "--steps", str(steps)]
            done = must(run(command, cwd=folder))
            found[name][which] = json.loads(done["stdout"]) | {"peak_bytes": done["peak_bytes"]}
        print(name, found[name], file=sys.stderr)
    return found


def measured(model: Path, without: str, steps: int, network: str) -> dict[str, Any]:
    """Trains some steps of a trick's network in this process; gives the median seconds of one."""
    settings = {} if without == "nothing" else TRICKS[without][0]()
    from chatbot.folder import ModelFolder
    from chatbot.learn.preparing import prepare

    training = {"steps": WARM_UP + steps, **settings}
    run = prepare(ModelFolder(model), NETWORKS.get(network, {}), training, restart=True)
    seconds = []
    before = time.perf_counter()
    for record in run.records():
        now = time.perf_counter()
        if record.kind == "progress":
            seconds.append(now - before)
        before = now
    return {"seconds": statistics.median(seconds[WARM_UP:])}


def spread(ratios: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


if __name__ == "__main__":
    main()

"""One way to feed padded batches, run by itself in a process, for a comparison of all.

    python benchmarks/input_pipelines.py NAME MODEL EPOCHS BATCH

NAME is one of `PIPELINES`, or of `IMPORTS` for a library and nothing else. Takes all batches of so
many epochs and sums their weights. Prints JSON: batches, pairs, tokens (targets with EOS), the
seconds from the first batch on, processor seconds, all threads together, and the peak of resident
memory (that of `getrusage` begins with the peak of the process that started this one). Linux only.

All begin with the ids in the token store, as each has to segment and number words alike, and give
the same five arrays. Ours read the store window by window; the others hold the corpus in memory and
bring it into another order pair by pair in every epoch.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import input_plain
import numpy as np
from input_plain import LENGTH, Arrays

import chatbot
from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder

Pipeline = Callable[[Path, int, int], Iterator[Arrays]]

SAMPLERS = ("window", "epoch", "blocks", "cyclic")
IMPORTS = ("numpy", "tensorflow")


def ours(sampler: str) -> Pipeline:
    """`chatbot.batches` with one of its samplers, for as many steps as the epochs have."""

    def run(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
        with TokenStore(ModelFolder(model).store, verify=False) as store:
            steps = epochs * -(-store.header.train // batch)
        found = chatbot.batches(model, batch=batch, sampler=sampler, max_length=LENGTH)
        for one in itertools.islice(found, steps):
            yield (
                one.encoder_input,
                one.encoder_lengths,
                one.decoder_input,
                one.targets,
                one.weights,
            )

    return run


def _by_tensorflow(name: str) -> Pipeline:
    def run(model: Path, epochs: int, batch: int) -> Iterator[Arrays]:
        found: Pipeline = getattr(importlib.import_module("input_tensorflow"), name)
        return found(model, epochs, batch)

    return run


PIPELINES: dict[str, Pipeline] = {
    **{f"chatbot.batches, {sampler}": ours(sampler) for sampler in SAMPLERS},
    "generator over lists": input_plain.lists,
    "queue of batches": input_plain.queue_of_batches,
    "queue of pairs": input_plain.queue_of_pairs,
    "tf.data from_tensor_slices, batches": _by_tensorflow("slices_of_batches"),
    "tf.data from_tensor_slices, pairs": _by_tensorflow("slices_of_pairs"),
    "tf.data from_generator, batches": _by_tensorflow("generator_of_batches"),
    "tf.data from_generator, pairs": _by_tensorflow("generator_of_pairs"),
}


def taken(batches: Iterator[Arrays]) -> dict[str, Any]:
    """Takes all batches; what they were and how long it took."""
    count = pairs = tokens = 0
    began = None
    for arrays in batches:
        began = began or time.perf_counter()
        count, pairs = count + 1, pairs + len(arrays[0])
        tokens += int(np.asarray(arrays[4]).sum())
    return {
        "batches": count,
        "pairs": pairs,
        "tokens": tokens,
        "batching_seconds": round(time.perf_counter() - (began or 0), 3),
        "processor_seconds": round(time.process_time(), 3),
    }


def main() -> None:
    """Runs one."""
    name, model, epochs, batch = sys.argv[1:]
    if name in IMPORTS:
        importlib.import_module(name)
        told = {}
    else:
        told = taken(PIPELINES[name](Path(model), int(epochs), int(batch)))
    print(json.dumps({**told, "peak_bytes": peak_memory()}))


def peak_memory() -> int:
    """The largest resident size of this program so far, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()

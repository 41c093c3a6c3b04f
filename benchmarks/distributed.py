"""What do several workers on one machine cost, and how much do they tell each other?

    python benchmarks/distributed.py TRAIN [--only cost talking] [--rounds R]

TRAIN is a corpus in any format that build-vocab reads. Parts are recorded apart: what --only leaves
out stays as it was. R (3) rounds of each:

- cost: 60 steps at the defaults a user gets, in one process with a thread, and with --distribute
  multi-worker in 1, 2 and 3 processes on loopback, a thread each. With more workers than processors
  they share them, so this tells what distribution costs, not what it gains. For the model of
  docs/scaling.md also one process on all processors with 1,000 and with 250 pairs, the bytes of
  the weights, and how many entries beyond those that all steps touch so many pairs have on average.
- talking: 400 steps of a network of next to nothing with two pairs for each worker, so that little
  but talking is left.

Records the median seconds of a step, the bytes that pass the loopback device in a step, counted by
the system, and the peak memory of the chief; seconds also as ratios to those of one process in the
same round.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from record import CHATBOT, RESULTS, must, run, save, stamp

from chatbot.corpus.store import TokenStore
from chatbot.learn.bundle import Bundle
from chatbot.learn.saved import saved

FIRST = 20
"""Step from which time and bytes are counted."""

SHARES = (1, 4, 8, 16, 31, 62, 125, 250, 500, 1000)
"""Pairs of a worker whose entries are counted."""

WINDOWS = 40


def main() -> None:
    """Builds, measures the parts asked for, and records each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("--only", nargs="+", choices=["cost", "talking"])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    path = RESULTS / "distributed.json"
    parts = json.loads(path.read_text(encoding="utf-8"))["result"] if path.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        must(run([CHATBOT, "build-vocab", str(given.train.resolve())], cwd=folder))
        for part in given.only or ["cost", "talking"]:
            found = {"cost": cost, "talking": talking}[part](folder, given.rounds)
            parts[part] = {**stamp("distributed"), **found}
    save("distributed", parts)


def cost(folder: Path, rounds: int) -> dict[str, Any]:
    """Steps at the defaults, by one process and by several workers; and what a model needs."""
    steps = ["--steps", "60"]
    one_thread = ["--threads", "1", "--batch", "1000", *steps]
    ways: dict[str, tuple[int, list[str]]] = {
        "one process": (0, one_thread),
        **{f"workers {n}": (n, one_thread) for n in (1, 2, 3)},
        "all processors, 1000 pairs": (0, ["--batch", "1000", *steps]),
        "all processors, 250 pairs": (0, ["--batch", "250", *steps]),
    }
    found = measured(folder, ways, rounds)
    for n in (1, 2, 3):
        found["ways"][f"workers {n}"]["of_one_process"] = spread(
            [
                one[f"workers {n}"]["seconds"] / one["one process"]["seconds"]
                for one in found["rounds"]
            ]
        )
    return {**found, "network": network_of(folder)}


def talking(folder: Path, rounds: int) -> dict[str, Any]:
    """Steps of a network of next to nothing, two pairs for each worker."""
    tiny = ["--units", "4", "--embedding", "4", "--ngrams", "0", "--threads", "1", "--steps", "400"]
    ways = {
        "one process": (0, [*tiny, "--batch", "2"]),
        **{f"workers {n}": (n, [*tiny, "--batch", str(2 * n)]) for n in (1, 2, 3)},
    }
    return measured(folder, ways, rounds)


def measured(folder: Path, ways: dict[str, tuple[int, list[str]]], rounds: int) -> dict[str, Any]:
    """Every way in every round: so many workers, and options."""
    found = []
    for _ in range(rounds):
        found.append({way: trained(folder, *how) for way, how in ways.items()})
        print(json.dumps(found[-1]), flush=True)
    return {
        "ways": {
            way: {key: spread([one[way][key] for one in found]) for key in found[0][way]}
            for way in ways
        },
        "rounds": found,
    }


def trained(folder: Path, workers: int, options: list[str]) -> dict[str, float]:
    """One run of so many workers; of none, one process that knows nothing of others."""
    model = folder / "run"
    shutil.rmtree(model, ignore_errors=True)
    model.mkdir()
    for name in ("vocabulary.txt", "pairs.store"):
        shutil.copyfile(folder / "model" / name, model / name)
    command = [CHATBOT, "train", "--model", str(model), "--quiet", *options]
    if workers:
        command += ["--distribute", "multi-worker"]
    processes = [
        subprocess.Popen(
            command, env={**os.environ, "TF_CONFIG": config}, stderr=subprocess.DEVNULL
        )
        for config in configs(workers)
    ]
    before = after = (0, 0)
    while processes[0].poll() is None:
        time.sleep(0.05)
        step = max((one["step"] for one in progress(model)), default=0)
        if step >= FIRST and step != after[0]:
            after = step, on_loopback()
            before = after if not before[0] else before
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit(f"{' '.join(command)}: failed with {workers} workers")
    told = [one for one in progress(model) if one["step"] > FIRST]
    batch = int(options[options.index("--batch") + 1])
    return {
        "seconds": statistics.median(batch / one["pairs_per_second"] for one in told),
        "tokens_per_second": statistics.median(one["tokens_per_second"] for one in told),
        "bytes_a_step": (after[1] - before[1]) / max(1, after[0] - before[0]),
        "chief_peak_bytes": max(one["memory"] for one in told),
    }


def configs(workers: int) -> list[str]:
    """TF_CONFIG of every worker; an empty one for a single process."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    found = [json.dumps({"cluster": {"worker": addresses}, "task": task}) for task in tasks]
    return found or [""]


def progress(model: Path) -> list[dict[str, Any]]:
    """What the history tells of the steps so far."""
    path = model / "history.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines if line.endswith("}")]
    return [one for one in records if one["kind"] == "progress"]


def on_loopback() -> int:
    """The bytes that have passed the loopback device."""
    for line in Path("/proc/net/dev").read_text("ascii").splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[0])
    raise SystemExit("/proc/net/dev: no loopback device")


def network_of(folder: Path) -> dict[str, Any]:
    """Bytes of the weights of the last run, and entries that so many pairs touch beyond the shared.

    A step gives every worker the gradient of the entries that share the output's head, of all
    matrices, and of the entries beyond the shared that its pairs touch.
    """
    from chatbot.learn.output import cutoffs_of  # TensorFlow, only now

    path = saved(folder / "run" / "checkpoints")[-1]
    bundle = Bundle(path)
    arrays = {name: bundle.array(one) for name, one in bundle.variables("model").items()}
    embedding = arrays.pop("embedding")
    matrices = sum(array.size for array in arrays.values())
    shared = cutoffs_of(len(embedding))[:2][-1]
    with TokenStore(folder / "model" / "pairs.store", verify=False) as store:
        train = store.header.train
        touched = {}
        for pairs in SHARES:
            starts = np.linspace(0, train - pairs, WINDOWS).astype(int)
            counts = [
                len(np.unique(tokens[tokens >= shared]))
                for start in starts
                for tokens in [store.read([(int(start), int(start) + pairs)]).tokens]
            ]
            touched[str(pairs)] = statistics.mean(counts)
    return {
        "entries": len(embedding),
        "width": embedding.shape[1],
        "shared_entries": shared,
        "dense_bytes": 4 * (matrices + shared * embedding.shape[1]),
        "touched": touched,
        "checkpoint_bytes": sum(one.stat().st_size for one in path.parent.glob(f"{path.name}.*")),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


if __name__ == "__main__":
    main()

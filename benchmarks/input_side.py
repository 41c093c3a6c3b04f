"""What does the input side cost, at any size of corpus, and what do other ways to feed batches?

    python benchmarks/input_side.py TRAIN --work DIR [--parts PART...]

TRAIN is a corpus that build-vocab reads. At 1,000 pairs a step, on one core where not said:

- rates: pairs a second of sampler, read and batch, for every sampler; median of five runs.
- stages: milliseconds a step of every stage, and their share of a step of a real `chatbot train`.
- sizes: the same stages at 10,000 and 30 million pairs, made of the real store (large_store.py),
  the two taking turns; once with both files in the page cache, once dropped from it before every
  step.
- the name of one of input_pipelines.py: 30 epochs in a process of its own, on all cores; of the two
  that take minutes fewer, from which the time of 30 is computed.

The rest of the step is the same at both sizes, so the cost of a whole step grows by the difference
of the stages. Parts are kept in DIR/input_side.json, so that they can be measured one by one; once
all are there, they are recorded. DIR takes 2 GB and keeps them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from input_pipelines import IMPORTS, PIPELINES, SAMPLERS
from input_stages import (
    BATCH,
    forget_pages,
    medians,
    one_core,
    rate,
    step_times,
)
from large_store import made_store
from record import CHATBOT, must, run, save

from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.folder import ModelFolder
from chatbot.learn.agreeing import NGRAMS
from chatbot.learn.output import cutoffs_of
from chatbot.learn.preparing import count_ngrams

EPOCHS = 30
FEWER = {"tf.data from_tensor_slices, pairs": 4, "tf.data from_generator, pairs": 2}
"""Epochs of the ways that take minutes."""

RUNS, RATE_STEPS = 5, 2000
STEPS = 300
TRAIN_STEPS = 60
SMALL, LARGE = 10_000, 30_000_000


def main() -> None:
    """Measures what was asked for and is not there yet; records when all is there."""
    measures: dict[str, Callable[[Path], Any]] = {"rates": rates, "stages": stages, "sizes": sizes}
    names = [*measures, *IMPORTS, *PIPELINES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=names, choices=names, metavar="PART")
    asked = parser.parse_args()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "model" / "pairs.store").exists():
        must(run([CHATBOT, "build-vocab", str(asked.train.resolve())], cwd=work))
    kept = work / "input_side.json"
    done = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name in asked.parts:
        if name not in done:
            print(name, file=sys.stderr, flush=True)
            done[name] = measures[name](work) if name in measures else pipeline(work, name)
            kept.write_text(json.dumps(done), encoding="utf-8")
    if set(names) <= set(done):
        save("input_side", result_of(work, done))


def result_of(work: Path, done: dict[str, Any]) -> dict[str, Any]:
    """The parts put together."""
    with TokenStore(ModelFolder(work / "model").store) as store:
        pairs = store.header.train
    return {
        "pairs": pairs,
        "batch": BATCH,
        **{name: done[name] for name in ("rates", "stages", "sizes")},
        "epochs": EPOCHS,
        "imports": {name: done[name] for name in IMPORTS},
        "pipelines": {name: done[name] for name in PIPELINES},
    }


def rates(work: Path) -> dict[str, Any]:
    """Pairs a second on one core, for every sampler."""
    with one_core(), TokenStore(ModelFolder(work / "model").store) as store:
        runs = {name: [] for name in SAMPLERS}
        for _ in range(RUNS):
            for name in SAMPLERS:
                runs[name].append(round(rate(store, name, RATE_STEPS)))
    return {
        name: {"pairs_per_second": statistics.median(found), "runs": found}
        for name, found in runs.items()
    }


def stages(work: Path) -> dict[str, Any]:
    """Every stage at the size of the corpus, beside a real training."""
    folder = ModelFolder(work / "model")
    size = len(Vocabulary.load(folder.vocabulary))
    with one_core(), TokenStore(folder.store) as store:
        ngrams = count_ngrams(store, NGRAMS, size)
        found = [step_times(store, ngrams, cutoffs_of(size), step) for step in range(STEPS)]
    command = [CHATBOT, "train", "--restart", "--batch", str(BATCH), "--steps", str(TRAIN_STEPS)]
    must(run(command, cwd=work))
    step = step_seconds(folder.history.read_text(encoding="utf-8").splitlines())
    middle = medians(found[1:])
    return {
        "milliseconds": middle,
        "training": " ".join(["chatbot", *command[1:]]),
        "step_seconds": round(step, 4),
        "shares": {name: round(value / 1000 / step, 5) for name, value in middle.items()},
    }


def step_seconds(history: list[str]) -> float:
    """Seconds a step, the median over the second half of the progress in a history."""
    records = [json.loads(line) for line in history]
    speeds = [one["pairs_per_second"] for one in records if one["kind"] == "progress"]
    return BATCH / statistics.median(speeds[len(speeds) // 2 :])


def sizes(work: Path) -> dict[str, Any]:
    """Every stage with few and with many pairs, step by step in turn."""
    folder = ModelFolder(work / "model")
    size = len(Vocabulary.load(folder.vocabulary))
    paths = [work / f"{pairs}.store" for pairs in (SMALL, LARGE)]
    for path, pairs in zip(paths, (SMALL, LARGE), strict=True):
        if not path.exists():
            made_store(folder.store, path.with_suffix(".part"), pairs)
            path.with_suffix(".part").rename(path)
    found: dict[str, Any] = {
        "pairs": [SMALL, LARGE],
        "store_bytes": [path.stat().st_size for path in paths],
    }
    with one_core(), TokenStore(paths[0]) as small, TokenStore(paths[1]) as large:
        stores = (small, large)
        grams = [count_ngrams(store, NGRAMS, size) for store in stores]
        for name, cold in (("cached", False), ("dropped", True)):
            times: tuple[list[dict[str, float]], ...] = ([], [])
            for step in range(STEPS):
                for which in (0, 1) if step % 2 else (1, 0):
                    if cold:
                        forget_pages(paths[which])
                    one = step_times(stores[which], grams[which], cutoffs_of(size), step)
                    times[which].append(one)
            few, many = (medians(each[2:]) for each in times)
            ratios = {key: round(many[key] / few[key], 4) for key in few}
            found[name] = {"milliseconds": [few, many], "ratios": ratios}
    return found


def pipeline(work: Path, name: str) -> dict[str, Any]:
    """One way to feed batches, for all epochs, in a fresh process."""
    script = str(Path(__file__).with_name("input_pipelines.py"))
    epochs = FEWER.get(name, EPOCHS)
    done = must(run([sys.executable, script, name, "model", str(epochs), str(BATCH)], cwd=work))
    told = json.loads(done["stdout"].splitlines()[-1])
    return {"epochs": epochs, "seconds": done["seconds"], **told}


if __name__ == "__main__":
    main()

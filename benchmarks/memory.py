"""What memory do build-vocab and train take, and how does it grow with corpus and time?

    python benchmarks/memory.py CORPUS --work DIR [--only build train long]

CORPUS is a file of one pair a line, plain or .gz. Parts are recorded apart: what --only leaves out
stays as it was. DIR is kept for the next time.

- build: build-vocab with one worker on the first 10,000 pairs (small); those 21 times over (210,000
  pairs of the same words and lengths, so that nothing but the number of pairs differs); all.
- train: 100 steps at the defaults on 10,000 of the pairs, on all of them, and on them over and over
  until there are 30 million, with one vocabulary and network, three seeds each.
- long: 10,000 steps on those 30 million, and the peak so far every 500 steps.

docs/memory.md explains the growth.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from large_store import stretched_store
from record import CHATBOT, RESULTS, must, run, save, stamp

from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder

SMALL = 10_000
REPEATED = 21
SIZES = {"few": 10_000, "whole": 0, "many": 30_000_000}
"""Pairs to train on; 0 for as many as there are."""

SEEDS = (0, 1, 2)
STEPS = 100
LONG = 10_000
EVERY = 500


def main() -> None:
    """Measures the parts asked for, and records each."""
    measures: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
        "build": build,
        "train": train,
        "long": long,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=measures, default=[*measures])
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    for name in asked.only:
        found = measures[name](asked.corpus.resolve(), asked.work.resolve())
        path = RESULTS / "memory.json"
        parts = json.loads(path.read_text(encoding="utf-8"))["result"]
        parts[name] = {**stamp("memory"), **found}
        save("memory", {name: parts[name] for name in measures if name in parts})


def build(source: Path, work: Path) -> dict[str, Any]:
    """Peaks of build-vocab, and what the larger corpora take more."""
    part, many = work / "small.tsv", work / "repeated.tsv"
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8", newline="\n") as lines:
        part.write_text("".join(itertools.islice(lines, SMALL)), encoding="utf-8")
    many.write_text(part.read_text(encoding="utf-8") * REPEATED, encoding="utf-8")
    small = built(work, part, "small", [])
    size = ["--max-size", str(small["vocabulary"])]
    larger = {"repeated": built(work, many, "repeated", size)}
    larger["whole"] = built(work, source, "whole", size)
    growth = {
        name: {key: one[key] - small[key] for key in ("pairs", "peak_bytes")}
        for name, one in larger.items()
    }
    return {"small": small, **larger, "growth": growth}


def built(folder: Path, corpus: Path, name: str, size: list[str]) -> dict[str, Any]:
    """Builds one corpus."""
    shutil.rmtree(folder / name, ignore_errors=True)
    fixed = ["--model", name, "--min-freq", "2", "--holdout", "100", "--workers", "1"]
    done = must(run([CHATBOT, "build-vocab", str(corpus), *fixed, *size], cwd=folder))
    facts = json.loads(
        must(run([CHATBOT, "info", "--model", name, "--json"], cwd=folder))["stdout"]
    )
    return {
        "pairs": facts["pairs"],
        "tokens": facts["tokens"],
        "vocabulary": facts["vocabulary"],
        "distinct_words": int(done["stderr"].split(" distinct")[0].split()[-1].replace(",", "")),
        "seconds": done["seconds"],
        "peak_bytes": done["peak_bytes"],
        "store_bytes": (folder / name / "pairs.store").stat().st_size,
    }


def train(source: Path, work: Path) -> dict[str, Any]:
    """Peaks of train on few, all and many pairs of one vocabulary."""
    found = {}
    for name, pairs in SIZES.items():
        model = stretched(source, work, name, pairs)
        command = [CHATBOT, "train", "--restart", "--model", name, "--steps", str(STEPS)]
        peaks = [
            must(run([*command, "--seed", str(seed)], cwd=work))["peak_bytes"] for seed in SEEDS
        ]
        with TokenStore(model.store, verify=False) as store:
            header = store.header
        found[name] = {
            "pairs": header.train,
            "store_bytes": model.store.stat().st_size,
            "peak_bytes": sorted(peaks)[len(peaks) // 2],
            "peaks": peaks,
        }
    many = found["many"]["peak_bytes"]
    return {"steps": STEPS, **found, "few_of_many": round(found["few"]["peak_bytes"] / many, 4)}


def long(source: Path, work: Path) -> dict[str, Any]:
    """The peak so far, step by step, in a long run."""
    model = stretched(source, work, "many", SIZES["many"])
    command = [CHATBOT, "train", "--restart", "--model", "many", "--steps", str(LONG)]
    done = must(run(command, cwd=work))
    history = map(json.loads, model.history.read_text(encoding="utf-8").splitlines())
    points = [
        [one["step"], one["memory"]]
        for one in history
        if one["kind"] == "progress" and one["step"] in (100, *range(EVERY, LONG + 1, EVERY))
    ]
    return {"command": " ".join(command[1:]), "points": points, "peak_bytes": done["peak_bytes"]}


def stretched(source: Path, work: Path, name: str, pairs: int) -> ModelFolder:
    """A model folder with so many pairs of the corpus, made if it is not there."""
    real, model = ModelFolder(work / "real"), ModelFolder(work / name)
    if not real.store.exists():
        must(run([CHATBOT, "build-vocab", str(source), "--model", "real"], cwd=work))
    with TokenStore(real.store, verify=False) as store:
        wanted = pairs or store.header.train
    if model.store.exists():
        with TokenStore(model.store, verify=False) as store:
            if store.header.train == wanted:
                return model
    shutil.rmtree(model.path, ignore_errors=True)
    model.path.mkdir()
    shutil.copy(real.vocabulary, model.vocabulary)
    stretched_store(real.store, model.store, wanted)
    return model


if __name__ == "__main__":
    main()

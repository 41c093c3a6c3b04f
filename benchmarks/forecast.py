"""What do memory and time of training depend on? Fits the constants of the doctor's forecast.

    python benchmarks/forecast.py SHORT LONG [--work DIR]

SHORT is a corpus of short pairs (film subtitles), LONG one of long pairs (counselling); besides
them the bundled sample is used. Trains on each with several settings and caps of memory, some
dozens of steps each (half an hour on two cores with nothing beside it), and records for every run
its peak memory and the seconds of a step, the first ten left out, validations in. Records constants
fitted by least squares of the relative error, and what the program forecasts for every run. What
has been run is kept in DIR, and not run again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from record import CHATBOT, must, run, save

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.doctor.forecast import NGRAMS, Work
from chatbot.corpus.store import TokenStore
from chatbot.machine import has_bfloat16

DATA = Path(__file__).parent.parent / "data"
FIRST = 10
"""Steps that are not timed."""

BUILDS = {
    "sample": ("sample", ""),
    "short": ("short", ""),
    "short by characters": ("short", "--tokenizer char"),
    "short, 5,000 entries": ("short", "--max-size 5000"),
    "short, 60,000 entries": ("short", "--max-size 60000 --min-freq 1"),
    "long": ("long", ""),
}
RUNS = (
    ("sample", 100, ""),
    ("sample", 80, "--units 128 --embedding 128"),
    ("short", 150, ""),
    ("short", 200, "--batch 250"),
    ("short", 60, "--units 512 --embedding 512"),
    ("short", 100, "--units 128 --embedding 128"),
    ("short", 80, "--bidirectional"),
    ("short", 80, "--precision float32"),
    ("short by characters", 100, ""),
    ("short, 5,000 entries", 100, ""),
    ("short, 60,000 entries", 80, ""),
    ("long", 100, ""),
    ("long", 60, "--max-length 100"),
    ("long", 80, "--max-length 20"),
    ("short", 80, "--memory 900MB"),
    ("short", 80, "--memory 1GB"),
    ("long", 60, "--memory 1GB"),
    ("short, 60,000 entries", 60, "--memory 1.25GB"),
    ("short", 60, "--units 512 --embedding 512 --memory 1.3GB"),
)


def main() -> None:
    """Builds, trains, fits and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("short", type=Path)
    parser.add_argument("long", type=Path)
    parser.add_argument("--work", type=Path)
    asked = parser.parse_args()
    sources = {"sample": DATA, "short": asked.short, "long": asked.long}
    with contextlib.ExitStack() as opened:
        folder = asked.work or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        kept = folder / "runs.json"
        runs = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        corpora: dict[str, Any] = {}
        for built, (source, options) in BUILDS.items():
            if not (folder / built).exists():
                build(folder / built, str(sources[source].resolve()), options.split())
            corpora[built] = facts_of(folder / built)
        for built, steps, options in RUNS:
            key = f"{built}: --steps {steps} {options}".strip()
            if key not in runs:
                runs[key] = train(folder / built, steps, options.split())
                kept.write_text(json.dumps(runs), encoding="utf-8")
                print(json.dumps(runs[key]), flush=True)
    wanted = [f"{built}: --steps {steps} {options}".strip() for built, steps, options in RUNS]
    result = {"corpora": corpora, "runs": [runs[key] for key in wanted]}
    save("forecast", result | judged(result))


def build(folder: Path, source: str, options: list[str]) -> None:
    """Builds a vocabulary and a token store in a folder of its own."""
    folder.mkdir(parents=True)
    must(run([CHATBOT, "build-vocab", source, *options], cwd=folder))


def facts_of(folder: Path) -> dict[str, Any]:
    """What a forecast needs to know of a token store."""
    with TokenStore(folder / "model" / "pairs.store", verify=False) as store:
        header = store.header
    info = must(run([CHATBOT, "info", "--json"], cwd=folder))
    trimmed = [np.trim_zeros(np.array(side), "b").tolist() for side in header.lengths]
    size = json.loads(info["stdout"])["vocabulary"]
    return {"pairs": header.train, "vocabulary": size, "lengths": trimmed}


def train(folder: Path, steps: int, options: list[str]) -> dict[str, Any]:
    """Trains for some steps; nothing of it is kept."""
    command = [CHATBOT, "train", "--restart", "--steps", str(steps), *options]
    done = must(run(command, cwd=folder))
    history = (folder / "model" / "history.jsonl").read_text("utf-8").splitlines()
    start, *records = map(json.loads, history)
    first, last = ([r for r in records if r["step"] == n][0] for n in (FIRST, steps))
    parts = re.search(r"a step in ([0-9]+) parts", done["stderr"])
    return {
        "corpus": folder.name,
        "model": start["model"],
        "training": start["training"],
        "parts": int(parts[1]) if parts else 0,
        "peak_bytes": done["peak_bytes"],
        "step_seconds": (last["seconds"] - first["seconds"]) / (steps - FIRST),
    }


def work_of(result: dict[str, Any], one: dict[str, Any]) -> Work:
    """The work of a step of a run."""
    facts = result["corpora"][one["corpus"]]
    questions, replies = (np.array(side) for side in facts["lengths"])
    model, training = (
        ModelConfig.from_dict(one["model"], "record"),
        TrainingConfig(**one["training"]),
    )
    parts = one["parts"]
    return Work(questions, replies, facts["pairs"], facts["vocabulary"], model, training, parts)


def judged(result: dict[str, Any]) -> dict[str, Any]:
    """Constants fitted to the runs, and the forecasts of the constants that the program has."""
    memory, taken, seconds = [], [], []
    for one in result["runs"]:
        work = work_of(result, one)
        fast = one["training"]["precision"] != "float32" and has_bfloat16()
        memory.append(work.counts_of_memory)
        taken.append(one["peak_bytes"] - NGRAMS[0] * work.counted)
        seconds.append(work.counts_of_time(fast))
        one["forecast_bytes"] = work.bytes
        one["forecast_step_seconds"] = work.seconds(fast)
    return {
        "memory_constants": fitted(memory, taken),
        "time_constants": fitted(seconds, [one["step_seconds"] for one in result["runs"]]),
    }


def fitted(counts: list[tuple[float, ...]], measured: list[float]) -> list[float]:
    """What each count costs, none less than nothing, by least squares of the relative error."""
    table = np.array(counts) / np.array(measured)[:, None]
    kept = list(range(table.shape[1]))
    while True:
        costs = np.linalg.lstsq(table[:, kept], np.ones(len(table)), rcond=None)[0]
        if (costs >= 0).all():
            break
        kept.pop(int(np.argmin(costs)))
    found = np.zeros(table.shape[1])
    found[kept] = costs
    return [float(f"{cost:.4g}") for cost in found]


if __name__ == "__main__":
    main()

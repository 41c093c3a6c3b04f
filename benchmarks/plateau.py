"""Does the learning rate decay on a plateau, and only there? Beside the rule of the ancestors.

    python benchmarks/plateau.py TRAIN [--seeds 3] [--jobs 2]

Real runs of small networks, as decisions depend on losses and not on their size:

- descent: the bundled sample is learned by heart at a low, constant rate for 10,000 steps, in all
  of which the loss falls; once with the rule of this program, once with that of its ancestors
  (`--decay-on train`). No decay is right.
- plateau: on TRAIN, which is any corpus that build-vocab reads, a network trains at a constant rate
  until its held-out loss no longer falls; from then on the rule is at work. Recorded is after how
  many validations it lowers the rate.

Steps end a run, and each has one processor, so what runs side by side comes to what it would come
to alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from record import CHATBOT, must, run, save

DATA = Path(__file__).parent.parent / "data"
STEPS = 10_000
LEVEL_FROM = 6_000
"""Steps after which the loss on TRAIN no longer falls."""

MOST_VALIDATIONS = 100
PATIENCE = 10
COMMON = {"threads": 1, "save_every": "100000", "dropout": 0.0}
DESCENT = {**COMMON, "batch": 35, "learning_rate": 1e-3}
HEART = {"units": 64, "embedding": 64, "ngrams": 0}
PLATEAU = {**COMMON, "batch": 100, "learning_rate": 0.01}
TINY = {"units": 16, "embedding": 16, "ngrams": 0}


def main() -> None:
    """Builds, trains and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        kind, folder, seed = json.loads(asked.one)
        print(json.dumps(KINDS[kind](Path(folder), seed)))
        return
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(asked.jobs) as pool:
        work = Path(name)
        for model, corpus in (("heart", DATA), ("films", asked.train.resolve())):
            must(run([CHATBOT, "build-vocab", str(corpus), "--model", model], cwd=work))
        cases = [(kind, seed) for seed in range(asked.seeds) for kind in KINDS]
        found = list(pool.map(lambda case: alone(asked.train, work, *case), cases))
    by_kind = {kind: found[number :: len(KINDS)] for number, kind in enumerate(KINDS)}
    counts = [one["validations_to_the_first_decay"] for one in by_kind["plateau"]]
    save(
        "plateau",
        {
            "steps": STEPS,
            "patience": PATIENCE,
            "false_decays": [one["decays"] for one in by_kind["descent"]],
            "rate_of_the_ancestors_at_the_end": [one["scale"] for one in by_kind["ancestors"]],
            "validations_to_the_first_decay": {"median": median(counts), "most": max(counts)},
            "runs": by_kind,
        },
    )


def alone(train: Path, work: Path, kind: str, seed: int) -> dict[str, Any]:
    """One run in a process of its own."""
    own = work / f"{kind}-{seed}"
    shutil.copytree(work / ("films" if kind == "plateau" else "heart"), own)
    case = json.dumps([kind, str(own), seed])
    command = [sys.executable, __file__, str(train), "--one", case]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{kind} {seed}: {done.stderr}")
    shutil.rmtree(own)
    found: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(found), flush=True)
    return found


def trained(
    folder: Path,
    model: dict[str, Any],
    training: dict[str, Any],
    until: Callable[[Any], bool],
    patience: int = PATIENCE,
) -> tuple[list[Any], Any]:
    """The records of a run that has no given end, and where it stood when `until` was true.

    What is judged begins anew with it: a plateau that is gone on with has no blocks of before.
    """
    from chatbot.folder import ModelFolder
    from chatbot.learn.comparison import Block
    from chatbot.learn.preparing import prepare

    def stop() -> str | None:
        """Asked after every step."""
        return "enough" if until(run.position) else None

    run = prepare(ModelFolder(folder), model, training, stop=stop)
    schedule = replace(run.position.schedule, before=Block(), block=Block())
    settings = replace(run.position.training, patience=patience)
    run.position = replace(run.position, schedule=schedule, training=settings)
    return list(run.records()), run.position


def descent(folder: Path, seed: int, rule: str = "heldout") -> dict[str, Any]:
    """A loss that falls all the time."""
    settings = {**DESCENT, "seed": seed, "decay_on": rule}
    records, position = trained(folder, HEART, settings, lambda now: now.step >= STEPS)
    curve = {one.step: one.loss for one in records if one.kind == "validation"}
    losses = [curve[step] for step in range(0, position.step + 1, 1_000) if step in curve]
    low = 0.01 * DESCENT["learning_rate"]
    rates = [one for one in records if one.kind == "progress" and one.step > 100]
    return {
        "seed": seed,
        "rule": rule,
        "stopped_at": position.step,
        "decays": sum(one.kind == "decay" for one in records),
        "scale": position.schedule.scale,
        "under_1_percent_at": next((one.step for one in rates if one.learning_rate < low), None),
        "loss_every_1000_steps": [round(loss, 3) for loss in losses],
    }


def ancestors(folder: Path, seed: int) -> dict[str, Any]:
    """The same with the rule of the ancestors."""
    return descent(folder, seed, "train")


def plateau(folder: Path, seed: int) -> dict[str, Any]:
    """A loss that has stopped falling."""
    settings = {**PLATEAU, "seed": seed}
    records, _ = trained(folder, TINY, settings, lambda now: now.step >= LEVEL_FROM, STEPS)
    curve = {one.step: one.heldout_loss for one in records if one.kind == "validation"}
    most = LEVEL_FROM + 25 * MOST_VALIDATIONS
    records, position = trained(
        folder, {}, {}, lambda now: now.schedule.scale < 1 or now.step >= most
    )
    decay = next((one for one in records if one.kind == "decay"), None)
    return {
        "seed": seed,
        "loss_every_1000_steps": [round(curve[n], 3) for n in range(0, LEVEL_FROM + 1, 1_000)],
        "validations_to_the_first_decay": (position.step - LEVEL_FROM) // 25,
        "decay": decay and decay.note,
    }


KINDS = {"descent": descent, "ancestors": ancestors, "plateau": plateau}

if __name__ == "__main__":
    main()

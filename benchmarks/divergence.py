"""Does a run at ten times the learning rate end as well as one at the default?

    python benchmarks/divergence.py TRAIN [--steps 100] [--seeds 10] [--jobs 2]

TRAIN is a corpus in any format that build-vocab reads. For every seed trains so many steps at the
default learning rate and at ten times it, and records the held-out loss at the end of both, how
often the second went back, and at which rate it ended. Steps end a run, and each has one processor,
so what runs side by side comes to what it would come to alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean
from typing import Any

from record import CHATBOT, must, run, save

TIMES = 10


def main() -> None:
    """Builds, trains and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    from chatbot.config import ModelConfig

    usual = ModelConfig().usual_rate
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(asked.jobs) as pool:
        work = Path(name)
        corpus = str(asked.train.resolve())
        must(run([CHATBOT, "build-vocab", corpus, "--model", "built"], cwd=work))
        rates = [rate for _ in range(asked.seeds) for rate in (usual, TIMES * usual)]
        seeds = [seed for seed in range(asked.seeds) for _ in range(2)]
        found = list(pool.map(lambda *one: trained(work, asked.steps, *one), rates, seeds))
    good, high = found[::2], found[1::2]
    usually = mean(one["heldout_loss"] for one in good)
    ratios = [one["heldout_loss"] / usually for one in high]
    save(
        "divergence",
        {
            "steps": asked.steps,
            "good_heldout_loss": usually,
            "ratios": ratios,
            "within_5_percent": sum(ratio <= 1.05 for ratio in ratios),
            "good": good,
            "ten_times": high,
        },
    )


def trained(work: Path, steps: int, rate: float, seed: int) -> dict[str, Any]:
    """One run, and what came of it."""
    own = work / f"{rate:g}-{seed}"
    shutil.copytree(work / "built", own)
    command = [CHATBOT, "train", "--model", ".", "--threads", "1", "--seed", str(seed)]
    must(run([*command, "--steps", str(steps), "--learning-rate", f"{rate:g}"], cwd=own))
    lines = (own / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    back = [one["note"] for one in history if one["kind"] == "rollback"]
    validations = [one["heldout_loss"] for one in history if one["kind"] == "validation"]
    shutil.rmtree(own)
    found = {
        "learning_rate": rate,
        "seed": seed,
        "heldout_loss": validations[-1],
        "roll_backs": len(back),
        "rate_at_the_end": rate / 2 ** len(back),
        "went_wrong": [note.split(":")[0] for note in back],
    }
    print(json.dumps(found), flush=True)
    return found


if __name__ == "__main__":
    main()

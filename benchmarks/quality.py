"""How good is a bot after some minutes of training, at the defaults a user gets?

    python benchmarks/quality.py TRAIN DEV [--minutes M...] [--seeds S...] [OPTION...]

TRAIN and DEV are corpora in any format that build-vocab reads. For every number of minutes (40
seconds and 4 minutes) and every seed (0) trains anew on TRAIN and measures on all of DEV: bits per
character with every unknown character charged, and peak memory. What else is given goes to `train`;
such a run is printed, not recorded.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save


def main() -> None:
    """Builds, trains, evaluates and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2 / 3, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = must(run([CHATBOT, "build-vocab", str(given.train.resolve())], cwd=folder))
        runs = [
            trained(folder, given.dev.resolve(), minutes, seed, options)
            for minutes in given.minutes
            for seed in given.seeds
        ]
    result = {
        "build_seconds": built["seconds"],
        "build_peak_bytes": built["peak_bytes"],
        "runs": runs,
    }
    if options:
        print(json.dumps(result, indent=2))
    else:
        save("quality", result)


def trained(
    folder: Path, dev: Path, minutes: float, seed: int, options: list[str]
) -> dict[str, Any]:
    """One training from the beginning, and what came of it."""
    limit = ["--minutes", f"{minutes:.4f}", "--seed", str(seed)]
    command = [CHATBOT, "train", "--restart", "--batch", "1000", *limit, *options]
    done = must(run(command, cwd=folder))
    evaluated = must(run([CHATBOT, "evaluate", "--json", str(dev)], cwd=folder))
    lines = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    progress = [one for one in history if one["kind"] == "progress"]
    return {
        "command": " ".join(["chatbot", *command[1:]]),
        "minutes": round(minutes, 4),
        "seed": seed,
        "dev": json.loads(evaluated["stdout"]),
        "steps": history[-1]["step"],
        "seconds": history[-1]["seconds"],
        "target_tokens_per_second": progress[-1]["tokens_per_second"],
        "heldout_losses": [
            [round(one["seconds"]), one["heldout_loss"]]
            for one in history
            if one["kind"] == "validation"
        ],
        "peak_bytes": done["peak_bytes"],
    }


if __name__ == "__main__":
    main()

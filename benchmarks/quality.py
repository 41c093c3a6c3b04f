"""How good is a bot after some minutes of training, at the defaults a user gets?

    python benchmarks/quality.py TRAIN DEV [MINUTES [SEED]]

TRAIN and DEV are corpora in any format that build-vocab reads. Trains for MINUTES (4) on TRAIN and
measures on all of DEV: bits per character with every unknown character charged, and peak memory.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from record import CHATBOT, must, run, save


def main() -> None:
    """Builds, trains, evaluates and records."""
    train, dev = (str(Path(name).resolve()) for name in sys.argv[1:3])
    minutes = sys.argv[3] if len(sys.argv) > 3 else "4"
    seed = sys.argv[4] if len(sys.argv) > 4 else "0"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = must(run([CHATBOT, "build-vocab", train], cwd=folder))
        command = [CHATBOT, "train", "--batch", "1000", "--minutes", minutes, "--seed", seed]
        trained = must(run(command, cwd=folder))
        evaluated = must(run([CHATBOT, "evaluate", "--json", dev], cwd=folder))
        lines = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    progress = [one for one in history if one["kind"] == "progress"]
    save(
        "quality",
        {
            "minutes": float(minutes),
            "seed": int(seed),
            "dev": json.loads(evaluated["stdout"]),
            "steps": history[-1]["step"],
            "target_tokens_per_second": progress[-1]["tokens_per_second"],
            "heldout_losses": [
                [round(one["seconds"]), one["heldout_loss"]]
                for one in history
                if one["kind"] == "validation"
            ],
            "build_seconds": built["seconds"],
            "build_peak_bytes": built["peak_bytes"],
            "train_peak_bytes": trained["peak_bytes"],
        },
    )


if __name__ == "__main__":
    main()

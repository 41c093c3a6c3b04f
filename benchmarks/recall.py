"""Does the bot learn the bundled sample by heart? The three commands with no other argument.

    python benchmarks/recall.py

Counts the questions that occur once in data/ and get exactly their reply, after training to its own
end, which must come within three minutes of training.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from record import CHATBOT, must, run, save

DATA = Path(__file__).parent.parent / "data"


def main() -> None:
    """Builds, trains, asks every question, and records the share of exact replies."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(DATA, folder / "data")
        built = must(run([CHATBOT, "build-vocab"], cwd=folder))
        trained = must(run([CHATBOT, "train", "--batch", "1000"], cwd=folder))
        lines = [
            line.split("\t")
            for file in sorted((folder / "data").glob("*.tsv"))
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        often = Counter(question for question, _ in lines)
        asked = "".join(f"{question}\n" for question, _ in lines)
        replies = must(run([CHATBOT, "chat"], cwd=folder, stdin=asked))
        history = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    answered = replies["stdout"].splitlines()
    once = [i for i, (question, _) in enumerate(lines) if often[question] == 1]
    exact = sum(answered[i] == lines[i][1] for i in once)
    last = json.loads(history[-1])
    save(
        "recall",
        {
            "pairs": len(lines),
            "questions_that_occur_once": len(once),
            "exact_replies": exact,
            "share_exact": exact / len(once),
            "training_seconds": last["seconds"],
            "training_steps": last["step"],
            "ended_because": last["note"],
            "build_seconds": built["seconds"],
            "train_process_seconds": trained["seconds"],
            "train_peak_bytes": trained["peak_bytes"],
        },
    )


if __name__ == "__main__":
    main()

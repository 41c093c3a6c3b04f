"""How well is a small corpus learned by heart?

    python benchmarks/recall.py

Trains on the bundled sample, and on 1,000 pairs of it, until it ends by itself, and asks every
question: the share of exact replies among the questions that occur once, and the seconds of
training.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

DATA = Path(__file__).resolve().parent.parent / "data"


def main() -> None:
    """Learns both and records."""
    files = sorted(DATA.glob("*.tsv"))
    lines = [one for file in files for one in file.read_text(encoding="utf-8").splitlines()]
    save("recall", {"sample": learned(lines), "thousand": learned(lines[:1000])})


def learned(lines: list[str]) -> dict[str, Any]:
    """Builds, trains and asks; lines are pairs with a TAB between."""
    pairs = [line.split("\t") for line in lines]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "data" / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
        built = must(run([CHATBOT, "build-vocab"], cwd=folder))
        trained = must(run([CHATBOT, "train", "--batch", "1000"], cwd=folder))
        asked = "".join(f"{question}\n" for question, _ in pairs)
        replies = must(run([CHATBOT, "chat"], cwd=folder, stdin=asked))
        history = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    answered = replies["stdout"].splitlines()
    often = Counter(question for question, _ in pairs)
    once = [i for i, (question, _) in enumerate(pairs) if often[question] == 1]
    exact = sum(answered[i] == pairs[i][1] for i in once)
    last = json.loads(history[-1])
    return {
        "pairs": len(pairs),
        "questions_that_occur_once": len(once),
        "exact_replies": exact,
        "share_exact": exact / len(once),
        "training_seconds": last["seconds"],
        "training_steps": last["step"],
        "ended_because": last["note"],
        "build_seconds": built["seconds"],
        "train_process_seconds": trained["seconds"],
        "train_peak_bytes": trained["peak_bytes"],
    }


if __name__ == "__main__":
    main()

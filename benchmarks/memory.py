"""What memory do build-vocab and train take, and how does it grow with the corpus?

    python benchmarks/memory.py CORPUS [STEPS]

CORPUS is a file of one pair a line, plain or .gz. Builds and trains for STEPS (60), one after the
other, on: its first 10,000 pairs (small); those 21 times over, 210,000 pairs of the same words and
lengths, so that nothing but the number of pairs differs (repeated); all of it, with the same
vocabulary size (whole). Records peaks and file sizes. docs/memory.md explains the growth.
"""

from __future__ import annotations

import gzip
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

SMALL = 10_000
REPEATED = 21


def main() -> None:
    """Measures all sizes and records them side by side."""
    source = Path(sys.argv[1]).resolve()
    steps = sys.argv[2] if len(sys.argv) > 2 else "60"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = folder / "small.tsv"
        opener = gzip.open if source.suffix == ".gz" else open
        with opener(source, "rt", encoding="utf-8", newline="\n") as lines:
            part.write_text("".join(itertools.islice(lines, SMALL)), encoding="utf-8")
        many = folder / "repeated.tsv"
        many.write_text(part.read_text(encoding="utf-8") * REPEATED, encoding="utf-8")
        small = measure(folder, part, "small", steps, [])
        size = ["--max-size", str(small["vocabulary"])]
        repeated = measure(folder, many, "repeated", steps, size)
        whole = measure(folder, source, "whole", steps, size)
    keys = ("pairs", "build_peak_bytes", "train_peak_bytes")
    growth = {
        name: {key: one[key] - small[key] for key in keys}
        for name, one in (("repeated", repeated), ("whole", whole))
    }
    result = {"small": small, "repeated": repeated, "whole": whole, "growth": growth}
    save("memory", result)


def measure(folder: Path, corpus: Path, name: str, steps: str, size: list[str]) -> dict[str, Any]:
    """Builds and trains on one corpus."""
    model = ["--model", name]
    build = [
        CHATBOT,
        "build-vocab",
        str(corpus),
        *model,
        *size,
        "--min-freq",
        "2",
        "--holdout",
        "100",
    ]
    built = must(run([*build, "--workers", "1"], cwd=folder))
    trained = must(run([CHATBOT, "train", *model, "--steps", steps], cwd=folder))
    facts = json.loads(must(run([CHATBOT, "info", *model, "--json"], cwd=folder))["stdout"])
    return {
        "pairs": facts["pairs"],
        "tokens": facts["tokens"],
        "vocabulary": facts["vocabulary"],
        "distinct_words": int(built["stderr"].split(" distinct")[0].split()[-1].replace(",", "")),
        "build_seconds": built["seconds"],
        "build_peak_bytes": built["peak_bytes"],
        "train_peak_bytes": trained["peak_bytes"],
        "store_bytes": (folder / name / "pairs.store").stat().st_size,
    }


if __name__ == "__main__":
    main()

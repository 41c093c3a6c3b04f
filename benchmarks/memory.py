"""What memory do build-vocab and train take, and how does it grow with the corpus?

    python benchmarks/memory.py CORPUS [STEPS]

CORPUS is a file of one pair a line, plain or .gz. Builds and trains for STEPS (60) on its first
10,000 pairs and on all of it, one after the other, with the same vocabulary size and network, and
records peaks and file sizes. docs/memory.md explains the growth byte by byte.
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


def main() -> None:
    """Measures both sizes and records them side by side."""
    source = Path(sys.argv[1]).resolve()
    steps = sys.argv[2] if len(sys.argv) > 2 else "60"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = folder / "small.tsv"
        opener = gzip.open if source.suffix == ".gz" else open
        with opener(source, "rt", encoding="utf-8", newline="\n") as lines:
            part.write_text("".join(itertools.islice(lines, SMALL)), encoding="utf-8")
        small = measure(folder, part, "small", steps, [])
        size = ["--max-size", str(small["vocabulary"])]
        large = measure(folder, source, "large", steps, size)
    growth = {
        key: large[key] - small[key] for key in ("build_peak_bytes", "train_peak_bytes", "pairs")
    }
    save("memory", {"small": small, "large": large, "growth": growth})


def measure(
    folder: Path, corpus: Path, name: str, steps: str, size: list[str]
) -> dict[str, Any]:
    """Builds and trains on one corpus."""
    model = ["--model", name]
    build = [CHATBOT, "build-vocab", str(corpus), *model, *size, "--min-freq", "2"]
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

"""How soon does the command line answer?

    python benchmarks/startup.py [RUNS]

Times `chatbot --help` as a whole process, after one run that is not counted.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from record import CHATBOT, must, run, save


def main() -> None:
    """Times and records."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        command = [CHATBOT, "--help"]
        must(run(command, cwd=Path(name)))
        results = [must(run(command, cwd=Path(name))) for _ in range(runs)]
    seconds = sorted(result["seconds"] for result in results)
    save(
        "startup",
        {
            "runs": runs,
            "median_seconds": statistics.median(seconds),
            "least_seconds": seconds[0],
            "most_seconds": seconds[-1],
            "peak_bytes": max(result["peak_bytes"] for result in results),
        },
    )


if __name__ == "__main__":
    main()

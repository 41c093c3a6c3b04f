"""Which settings make the best bot in the same time? Networks and ways to learn, side by side.

    python benchmarks/variants.py --work DIR CORPUS... [--minutes 2] [--seeds 0 1] [--only NAME...]

Each CORPUS is one that build-vocab reads and holds pairs out of. For every seed, corpus and variant
of VARIANTS trains so many minutes anew, and measures on all held-out pairs. On the bundled sample,
which is learned by heart, every variant that changes the network is trained for one minute, and
asked every question. What has been run is kept in DIR, and not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

DATA = Path(__file__).resolve().parent.parent / "data"

NETWORKS = {
    "default": "",
    "both directions": "--bidirectional",
    "GRU": "--cell gru",
    "2 layers": "--layers 2",
    "3 layers": "--layers 3",
    "dot attention": "--attention dot",
    "additive attention": "--attention additive",
    "layer norm": "--layer-norm",
    "tied embeddings": "--tied",
    "no n-grams": "--ngrams 0",
    "512 units": "--units 512",
    "128 units": "--units 128",
    "Transformer, 2 layers": "--model-type transformer",
    "Transformer, 4 layers": "--model-type transformer --layers 4",
}
LEARNING = {
    "variational dropout": "--variational",
    "mean of 5 checkpoints": "--average 5 --keep 5 --save-every 25",
    "half the rate": "--learning-rate 0.0075",
    "twice the rate": "--learning-rate 0.03",
    "dropout 0.2": "--dropout 0.2",
    "dropout 0.6": "--dropout 0.6",
    "no word dropout": "--word-dropout 0",
    "word dropout 0.2": "--word-dropout 0.2",
}
VARIANTS = NETWORKS | LEARNING
"""Options of `train` by name."""


def main() -> None:
    """Trains, measures, and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    kept = asked.work / "runs.json"
    runs: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for seed in asked.seeds:
        for corpus in (*asked.corpora, None):
            for name in asked.only:
                minutes = asked.minutes if corpus else 1.0
                key = f"{corpus.name if corpus else 'sample'}, {minutes:g} min: {name}, seed {seed}"
                if key in runs or (corpus is None and name not in NETWORKS):
                    continue
                options = [*VARIANTS[name].split(), "--seed", str(seed)]
                runs[key] = trained(asked.work, corpus, minutes, options)
                kept.write_text(json.dumps(runs, indent=1))
                print(key, runs[key], file=sys.stderr)
    save("variants", {"minutes": asked.minutes, "variants": VARIANTS, "runs": runs})


def trained(work: Path, corpus: Path | None, minutes: float, options: list[str]) -> dict[str, Any]:
    """One run from the beginning, and what came of it."""
    folder = work / (corpus.name.split(".")[0] if corpus else "sample")
    files = [str(corpus.resolve())] if corpus else [str(one) for one in sorted(DATA.glob("*.tsv"))]
    if not (folder / "model").exists():
        folder.mkdir(exist_ok=True)
        must(run([CHATBOT, "build-vocab", *files], cwd=folder))
    limit = ["--minutes", f"{minutes:g}"]
    done = must(run([CHATBOT, "train", "--restart", *limit, *options], cwd=folder))
    lines = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    pace = [one["tokens_per_second"] for one in history if one["kind"] == "progress"]
    found = by_heart(folder, files) if corpus is None else judged(folder)
    return {
        **found,
        "steps": history[-1]["step"],
        "seconds": history[-1]["seconds"],
        "tokens_per_second": pace[-1],
        "peak_bytes": done["peak_bytes"],
    }


def judged(folder: Path) -> dict[str, Any]:
    """What is measured on the held-out pairs."""
    found = json.loads(must(run([CHATBOT, "evaluate", "--json"], cwd=folder))["stdout"])
    replies = found["replies"]
    return {
        "bits_per_character": found["bits_per_character"],
        "question_gain": found["question_gain"],
        **{name: replies[name] for name in ("distinct_2", "commonest_share", "bleu", "chrf")},
    }


def by_heart(folder: Path, files: list[str]) -> dict[str, Any]:
    """How many questions that occur once are answered as they were."""
    lines = [one for file in files for one in Path(file).read_text("utf-8").splitlines()]
    pairs = [line.split("\t") for line in lines]
    asked = "".join(f"{question}\n" for question, _ in pairs)
    answered = must(run([CHATBOT, "chat"], cwd=folder, stdin=asked))["stdout"].splitlines()
    often = Counter(question for question, _ in pairs)
    once = [i for i, (question, _) in enumerate(pairs) if often[question] == 1]
    return {"share_exact": sum(answered[i] == pairs[i][1] for i in once) / len(once)}


if __name__ == "__main__":
    main()

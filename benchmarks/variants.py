"""Which settings make the best bot in the same time? Networks and ways to learn, side by side.

    python benchmarks/variants.py --work DIR CORPUS... [--minutes 2] [--seeds 0 1] [--only NAME...]
        [--dev FILE]

Each CORPUS is one that build-vocab reads and holds pairs out of, or `sample`: the bundled one,
which is learned by heart. Every seed, corpus and variant is trained so many minutes anew, and
measured on all held-out pairs, on the sample on those it learned. With --dev it is measured on the
pairs of FILE. `validated` is the least that training found itself, on replies that are not cut.
What has been run is kept in DIR and not run again; all of it is recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLE = Path("sample")

VARIANTS = {
    "default": "",
    "no copying": "--no-copying",
    "no copying, random first vectors": "--no-copying --first-vectors random",
    "no copying, no openings": "--no-copying",
    "GRU": "--cell gru",
    "no layer norm": "--no-layer-norm",
    "no layer norm, GRU": "--no-layer-norm --cell gru",
    "no layer norm, tied embeddings": "--no-layer-norm --tied",
    "no layer norm, both directions": "--no-layer-norm --bidirectional",
    "no layer norm, 2 layers": "--no-layer-norm --layers 2",
    "no layer norm, dot attention": "--no-layer-norm --attention dot",
    "no layer norm, additive attention": "--no-layer-norm --attention additive",
    "Transformer, 2 layers": "--model-type transformer",
    "tied embeddings": "--tied",
    "both directions": "--bidirectional",
    "2 layers": "--layers 2",
    "dot attention": "--attention dot",
    "additive attention": "--attention additive",
    "Transformer, 4 layers": "--model-type transformer --layers 4",
    "512 units": "--units 512",
    "no n-grams": "--ngrams 0",
    "variational dropout": "--variational",
    "mean of 5 checkpoints": "--average 5 --keep 5 --save-every 25",
    "half the rate": "--learning-rate 0.0075",
    "twice the rate": "--learning-rate 0.03",
    "dropout 0.2": "--dropout 0.2",
    "dropout 0.6": "--dropout 0.6",
    "no word dropout": "--word-dropout 0",
    "word dropout 0.2": "--word-dropout 0.2",
}
"""Options of `train` by name."""

BUILDS = {"no copying, no openings": ["--no-openings"]}
"""Options of `build-vocab` of the variants that have some."""


def main() -> None:
    """Trains, measures, and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    asked = parser.parse_args()
    if asked.dev and SAMPLE in asked.corpora:
        parser.error("the sample is measured on what it learned: leave --dev out")
    asked.work.mkdir(parents=True, exist_ok=True)
    kept = asked.work / "runs.json"
    runs: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for seed in asked.seeds:
        for corpus in asked.corpora:
            for name in asked.only:
                on = f" on {asked.dev.name}" if asked.dev else ""
                key = f"{corpus.name}{on}, {asked.minutes:g} min: {name}, seed {seed}"
                if key in runs:
                    continue
                options = [*VARIANTS[name].split(), "--seed", str(seed)]
                folder = built(asked.work, corpus, name)
                runs[key] = trained(folder, corpus, asked.dev, asked.minutes, options)
                kept.write_text(json.dumps(runs, indent=1))
                print(key, runs[key], file=sys.stderr)
    save("variants", {"variants": VARIANTS, "builds": BUILDS, "runs": runs})


def files_of(corpus: Path) -> list[str]:
    """The files of a corpus."""
    whole = sorted(DATA.glob("*.tsv")) if corpus == SAMPLE else [corpus.resolve()]
    return [str(path) for path in whole]


def built(work: Path, corpus: Path, name: str) -> Path:
    """A folder with the model folder of a corpus, built as a variant wants it."""
    options = BUILDS.get(name, [])
    folder = work / "".join([corpus.name.split(".")[0], *options])
    if not (folder / "model").exists():
        folder.mkdir(exist_ok=True)
        must(run([CHATBOT, "build-vocab", *files_of(corpus), *options], cwd=folder))
    return folder


def trained(
    folder: Path, corpus: Path, dev: Path | None, minutes: float, options: list[str]
) -> dict[str, Any]:
    """One run from the beginning, and what came of it."""
    limit = ["--minutes", f"{minutes:g}"]
    done = must(run([CHATBOT, "train", "--restart", *limit, *options], cwd=folder))
    lines = (folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    pace = [one["tokens_per_second"] for one in history if one["kind"] == "progress"]
    others = [str(dev.resolve())] if dev else []
    found = by_heart(folder, files_of(corpus)) if corpus == SAMPLE else judged(folder, others)
    validated = [one["bits_per_character"] for one in history if one["kind"] == "validation"]
    return {
        **found,
        "validated": min(validated),
        "steps": history[-1]["step"],
        "seconds": history[-1]["seconds"],
        "tokens_per_second": pace[-1],
        "peak_bytes": done["peak_bytes"],
    }


def judged(folder: Path, others: list[str]) -> dict[str, Any]:
    """What is measured on the held-out pairs, or on those of other files."""
    found = json.loads(must(run([CHATBOT, "evaluate", "--json", *others], cwd=folder))["stdout"])
    replies = found["replies"]
    return {
        "bits_per_character": found["bits_per_character"],
        "question_gain": found["question_gain"],
        **{name: replies[name] for name in ("distinct_2", "commonest_share", "bleu", "chrf")},
    }


def by_heart(folder: Path, files: list[str]) -> dict[str, Any]:
    """How well the pairs are known that it was trained on: the sample holds none out."""
    told = must(run([CHATBOT, "evaluate", "--json", *files], cwd=folder))["stdout"]
    return {"bits_per_character": json.loads(told)["bits_per_character"]}


if __name__ == "__main__":
    main()

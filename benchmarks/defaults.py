"""Are the defaults of `train` better than other values, on more than one corpus and seed?

    python benchmarks/defaults.py --work DIR NAME=CORPUS:STEPS... [--seeds 0 1 2]

Trains on every CORPUS (a file or folder that build-vocab reads) for so many STEPS, with the
defaults and with one setting changed, and records the least held-out loss, nats per token. Steps
and not minutes end a run, so nothing depends on what else the machine does. What has been trained is
kept in DIR, and not trained again. A value is better or worse than the default where its seeds say
so one by one: differences are taken between runs of the same seed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from record import CHATBOT, must, run, save

DEFAULT = "defaults"
OTHERS = (
    "--learning-rate 0.01",
    "--learning-rate 0.04",
    "--dropout 0.2",
    "--dropout 0.5",
    "--word-dropout 0",
    "--ngrams 0",
    "--bidirectional",
    "--precision float32",
)


def main() -> None:
    """Builds, trains what is not there yet, and records what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", metavar="NAME=CORPUS:STEPS")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {}
    for seed in asked.seeds:
        for corpus in asked.corpora:
            name, rest = corpus.split("=", 1)
            source, steps = rest.rsplit(":", 1)
            if not (work / name / "pairs.store").exists():
                source = str(Path(source).resolve())
                must(run([CHATBOT, "build-vocab", source, "--model", name], cwd=work))
            about = done.setdefault(name, {"steps": int(steps), "runs": {}})
            for options in ("", *OTHERS):
                loss = trained(work, name, int(steps), seed, options)
                about["runs"].setdefault(options or DEFAULT, {})[str(seed)] = loss
        save("defaults", {name: compared(about) for name, about in done.items()})


def trained(work: Path, name: str, steps: int, seed: int, options: str) -> float:
    """The least held-out loss of a run, from what is kept or from training it."""
    kept = work / f"{name}.json"
    losses: dict[str, float] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    key = f"--steps {steps} --seed {seed} {options}".strip()
    if key not in losses:
        command = [CHATBOT, "train", "--restart", "--model", name, *key.split()]
        must(run(command, cwd=work))
        history = (work / name / "history.jsonl").read_text("utf-8").splitlines()
        found = [json.loads(line).get("heldout_loss") for line in history]
        losses[key] = min(loss for loss in found if loss is not None)
        kept.write_text(json.dumps(losses, indent=1), encoding="utf-8")
    return losses[key]


def compared(about: dict[str, Any]) -> dict[str, Any]:
    """Every setting's mean loss, and how much above the default's it is, seed by seed."""
    usual = about["runs"][DEFAULT]
    rows = {}
    for options, losses in about["runs"].items():
        more = [losses[seed] - usual[seed] for seed in losses]
        rows[options] = {
            "losses": losses,
            "mean": round(mean(losses.values()), 4),
            "above_default": round(mean(more), 4),
            "deviation": round(stdev(more), 4) if len(more) > 1 else None,
        }
    return {"steps": about["steps"], "settings": rows}


if __name__ == "__main__":
    main()

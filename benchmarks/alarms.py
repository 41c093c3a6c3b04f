"""Which alarms do broken runs set off, how soon, and do healthy ones set off any?

    python benchmarks/alarms.py --work DIR CORPUS [--steps 200] [--seeds 10] [--first 0] [--jobs 2]

CORPUS is one that build-vocab reads. Trains so many steps of 250 pairs, with one processor each so
that runs do not disturb each other, with every seed from the first on, on the corpus as it is and
broken in four ways:

- constant: three of five replies are the same sentence;
- shuffled: every reply goes to the question of some other pair;
- visible: the decoder reads the word that it is to predict (labels off by one in the program);
- no rate: a learning rate of next to nothing.

Records which alarms came at which step. The thresholds in chatbot/talk/alarms.py were set on
another corpus and other seeds (10 and 11) than those of the recorded result.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from record import CHATBOT, must, run, save

Pairs = list[tuple[str, str]]

EXPECTED = {
    "healthy": set(),
    "constant": {"replies collapse", "too good to be true"},
    "shuffled": {"the question is ignored"},
    "visible": {"too good to be true"},
    "no rate": {"nothing is learned"},
}
"""The alarms any of which finds what is broken."""

VISIBLE = (
    "import sys; from dataclasses import replace; from chatbot.corpus import batches; "
    "from chatbot.learn import judging, training; made = batches.make_batch; "
    "seen = lambda *given: (lambda b: replace(b, decoder_input=b.targets))(made(*given)); "
    "training.make_batch = judging.make_batch = seen; from chatbot.cli import main; main()"
)
"""A program whose decoder reads what it is to predict."""


def main() -> None:
    """Breaks, trains and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    asked.work = asked.work.resolve()
    asked.work.mkdir(parents=True, exist_ok=True)
    pairs = pairs_of(asked.corpus)
    breaks: dict[str, Callable[[Pairs], Pairs]] = {
        "healthy": list,
        "constant": constant,
        "shuffled": shuffled,
    }
    for name, broken in breaks.items():
        build(asked.work, name, broken(pairs))
    seeds = range(asked.first, asked.first + asked.seeds)
    cases = [(name, seed) for seed in seeds for name in EXPECTED]
    with ThreadPoolExecutor(asked.jobs) as pool:
        runs = list(pool.map(lambda case: trained(asked.work, asked.steps, *case), cases))
    result = {"pairs": len(pairs), "steps": asked.steps, "table": table(runs), "runs": runs}
    if asked.first:
        print(json.dumps(result["table"], indent=2, ensure_ascii=False))
    else:
        save("alarms", result)


def pairs_of(corpus: Path) -> Pairs:
    """The pairs of a corpus as text."""
    from chatbot.corpus.pairs import find_corpora

    found: Pairs = []
    for one in find_corpora([corpus]):
        for talk in one.conversations():
            replies = talk.replies or [False, *[True] * (len(talk.turns) - 1)]
            found += [
                (talk.turns[n - 1], talk.turns[n]) for n in range(1, len(replies)) if replies[n]
            ]
    return found


def constant(pairs: Pairs) -> Pairs:
    """Three of five replies are the same."""
    chance = random.Random(1)
    return [(q, "我不太清楚这件事" if chance.random() < 0.6 else r) for q, r in pairs]


def shuffled(pairs: Pairs) -> Pairs:
    """Replies dealt out to the questions anew."""
    replies = [reply for _, reply in pairs]
    random.Random(2).shuffle(replies)
    return [(question, reply) for (question, _), reply in zip(pairs, replies, strict=True)]


def build(work: Path, name: str, pairs: Pairs) -> None:
    """Builds a model folder, unless that has been done."""
    if (work / name / "pairs.store").exists():
        return
    corpus = work / f"{name}.tsv"
    lines = (f"{q.replace(chr(9), ' ')}\t{r.replace(chr(9), ' ')}\n" for q, r in pairs)
    corpus.write_text("".join(lines), encoding="utf-8")
    must(run([CHATBOT, "build-vocab", str(corpus), "--model", name], cwd=work))


def trained(work: Path, steps: int, name: str, seed: int) -> dict[str, Any]:
    """One run, and the alarms it set off."""
    built = {"visible": "healthy", "no rate": "healthy"}.get(name, name)
    own = work / f"{name}-{seed}"
    own.mkdir(exist_ok=True)
    for file in (work / built).iterdir():
        if file.is_file() and not (own / file.name).exists():
            (own / file.name).symlink_to(file.resolve())
    command = [sys.executable, "-c", VISIBLE] if name == "visible" else [CHATBOT]
    command += ["train", "--model", str(own), "--restart", "--threads", "1", "--quiet"]
    command += ["--batch", "250", "--steps", str(steps), "--seed", str(seed)]
    command += ["--learning-rate", "1e-9"] if name == "no rate" else []
    done = subprocess.run(command, capture_output=True, text=True, cwd=own, check=False)
    if done.returncode:
        sys.exit(f"{name} {seed}: {done.stderr}")
    lines = (own / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    last = next(one for one in reversed(history) if one["kind"] == "validation")
    gains = [one["question_gain"] for one in history if "question_gain" in one]
    shares = [one["commonest_share"] for one in history if "commonest_share" in one]
    found = {
        "broken": name,
        "seed": seed,
        "alarms": [[one["alarm"], one["step"]] for one in history if one["kind"] == "alarm"],
        "heldout_loss": round(last["heldout_loss"], 3),
        "question_gain": [round(gain, 3) for gain in gains],
        "commonest_share": [round(share, 2) for share in shares],
    }
    print(json.dumps(found, ensure_ascii=False), flush=True)
    return found


def table(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What was found of each way to break a run."""
    found: dict[str, Any] = {}
    for name, expected in EXPECTED.items():
        some = [one for one in runs if one["broken"] == name]
        first = [
            min((step for alarm, step in one["alarms"] if alarm in expected), default=None)
            for one in some
        ]
        steps = [step for step in first if step is not None]
        others = Counter(
            alarm for one in some for alarm, _ in one["alarms"] if alarm not in expected
        )
        found[name] = {
            "runs": len(some),
            "found": len(steps),
            "median_step": median(steps) if steps else None,
            "latest_step": max(steps, default=None),
            "other_alarms": dict(others),
        }
    return found


if __name__ == "__main__":
    main()

"""How fast, how well and in how much memory do PyTorch and Keras train the same network?

    python benchmarks/peers.py TRAIN [--only throughput curves] [--rounds 3] [--seconds 240]
        [--work DIR] [--under COMMAND]

TRAIN is a corpus in any format that build-vocab reads. Builds its token store, writes the pairs for
the twins (peers/), makes an environment for each of them in DIR (kept for the next time), then runs
`chatbot train --batch 1000`, PyTorch as its best users write it, PyTorch plain and Keras, in turn
and never two at once:

- throughput: so many rounds of 60 steps of ours, 30 seconds of each twin, and matrix products
  alone; target tokens a second, peak memory, ratios within each round, and which share of the peak
  of matrix products the work is that a step usefully needs.
- curves: held-out nats per token against seconds of training, so many seconds of each; the twins at
  the best of three learning rates, found in a short run of each. All rates fall towards the end.

Parts are recorded apart: what --only leaves out stays as it was. --under is put before each
measured command, such as 'taskset -c 0,1'.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contenders import NAMES, OURS, TWINS, Contenders
from record import RESULTS, save, stamp
from useful_work import Product, Widths, products

PARTS = ("throughput", "curves")
RATES = (1e-3, 3e-3, 1e-2)
STEPS = 60
"""Steps of ours in a round."""

FEWEST = 8
"""Steps of a twin in a round at least, so that its pace is one of some steps."""

JUDGED_AT = (1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1)
"""Shares of the seconds at which held-out pairs are judged."""


def main() -> None:
    """Makes all ready, measures the parts asked for, and records each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--twin-seconds", type=float, default=30, help="in every round")
    parser.add_argument("--seconds", type=float, default=240, help="of training for a curve")
    parser.add_argument("--trial", type=float, default=60, help="seconds for a learning rate")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "chatbot-peers")
    parser.add_argument("--under", default="", help="put before each measured command")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    contenders = Contenders(asked.work.resolve(), shlex.split(asked.under))
    contenders.build(asked.train)
    if "throughput" in asked.only:
        keep("throughput", throughput(contenders, asked.rounds, asked.twin_seconds), contenders)
    if "curves" in asked.only:
        keep("curves", curves(contenders, asked.seconds, asked.trial), contenders)


def keep(part: str, found: dict[str, Any], contenders: Contenders) -> None:
    """Records a part beside those that stand there."""
    path = RESULTS / "peers.json"
    parts = json.loads(path.read_text(encoding="utf-8"))["result"] if path.exists() else {}
    pairs = len(contenders.arrays["question_bounds"]) - 1
    facts = {**stamp("peers"), "twins": contenders.versions, "pairs": pairs}
    parts[part] = {**facts, **found}
    save("peers", {name: parts[name] for name in PARTS if name in parts})


def throughput(contenders: Contenders, rounds: int, seconds: float) -> dict[str, Any]:
    """Pace and memory of all, round by round, and how much of the peak useful work reaches."""
    work = dict.fromkeys(TWINS, useful(contenders, adaptive=False))
    work[OURS] = useful(contenders, adaptive=True)
    sizes = [(one.rows, one.inner, one.columns) for one in alone(work[OURS][0])]
    done = []
    for _ in range(rounds):
        one = {OURS: contenders.ours(["--steps", str(STEPS)])}
        for name in TWINS:
            limit = ["--seconds", f"{seconds:g}", "--fewest", str(FEWEST)]
            one[name] = contenders.twin(name, limit)
        done.append((one, contenders.gemm(sizes)))
    return {
        "steps": STEPS,
        "twin_seconds": seconds,
        "rounds": [shortened(one, gemm) for one, gemm in done],
        "contenders": {name: compared(name, [one for one, _ in done]) for name in NAMES},
        "useful_work": {
            "gflop_a_token": {name: round(gflop(work[name]), 6) for name in NAMES},
            "parts_gflop_a_token": parts_of(work[OURS]),
            "share_of_peak": {name: share(name, work[name], done) for name in NAMES},
            "alone": alone_share(work[OURS], done),
        },
    }


def shortened(one: dict[str, Any], gemm: dict[str, Any]) -> dict[str, Any]:
    """A round as it is recorded."""
    kept = {name: {k: v for k, v in run.items() if k != "points"} for name, run in one.items()}
    return {**kept, "gemm_gflops": {kind: gemm[kind] for kind in ("float32", "bfloat16")}}


def compared(name: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """A contender over all rounds: its pace, how many times it ours is, and its memory."""
    paces = [one[name]["tokens_per_second"] for one in rounds]
    times = [one[OURS]["tokens_per_second"] / one[name]["tokens_per_second"] for one in rounds]
    return {
        "tokens_per_second": spread(paces, 1),
        "ours_times": spread(times, 3),
        "peak_bytes": int(median(one[name]["peak_bytes"] for one in rounds)),
    }


def spread(numbers: list[float], digits: int) -> dict[str, float]:
    """Median, lowest and highest."""
    found = {"median": median(numbers), "lowest": min(numbers), "highest": max(numbers)}
    return {name: round(number, digits) for name, number in found.items()}


def useful(contenders: Contenders, *, adaptive: bool) -> list[list[Product]]:
    """The products that each of the first steps usefully needs: our adaptive softmax, or all."""
    from chatbot.learn.output import cutoffs_of, tail_width

    arrays = contenders.arrays
    size, embedding, units = (int(arrays[key]) for key in ("size", "embedding", "units"))
    widths = Widths(embedding, units, (size,))
    if adaptive:
        ends = cutoffs_of(size)
        tails = tuple(tail_width(units, tail) for tail in range(len(ends) - 1))
        widths = Widths(embedding, units, ends, tails, mixture=True)
    questions = np.diff(arrays["question_bounds"])
    bounds = arrays["reply_bounds"]
    found = []
    for start in arrays["starts"][:STEPS]:
        pairs = np.arange(start, start + int(arrays["batch"])) % len(questions)
        targets = [arrays["replies"][bounds[pair] : bounds[pair + 1]] for pair in pairs]
        lengths = np.array([len(one) for one in targets])
        found.append(products(questions[pairs], lengths, np.concatenate(targets), widths))
    return found


def tokens_of(step: list[Product]) -> int:
    """The target tokens of a step: the rows of the head."""
    return next(one.rows for one in step if one.part == "head")


def gflop(steps: list[list[Product]]) -> float:
    """10^9 useful operations a target token, over all steps."""
    operations = sum(one.operations for step in steps for one in step)
    return operations / sum(map(tokens_of, steps)) / 1e9


def parts_of(steps: list[list[Product]]) -> dict[str, float]:
    """The same by part of the network."""
    names = dict.fromkeys(one.part for step in steps for one in step)
    chosen = {name: [one for step in steps for one in step if one.part == name] for name in names}
    tokens = sum(map(tokens_of, steps))
    return {
        name: round(sum(one.operations for one in parts) / tokens / 1e9, 6)
        for name, parts in chosen.items()
    }


Done = list[tuple[dict[str, Any], dict[str, Any]]]
"""Every round: the contenders, and the matrix products alone."""


def share(name: str, steps: list[list[Product]], done: Done) -> dict[str, float]:
    """Useful operations a second over the peak of the same round, bfloat16 where that is used."""
    kind = "bfloat16" if name in (OURS, "torch") else "float32"
    return spread(
        [one[name]["tokens_per_second"] * gflop(steps) / gemm[kind] for one, gemm in done], 4
    )


def alone(step: list[Product]) -> list[Product]:
    """The products of a step that are timed: all but the many small ones of attention."""
    return [one for one in step if one.count == 1]


def alone_share(steps: list[list[Product]], done: Done) -> dict[str, float]:
    """How much of our time the same products would take with nothing else between them."""
    tokens = tokens_of(steps[0])
    return spread(
        [sum(gemm["seconds"]) * one[OURS]["tokens_per_second"] / tokens for one, gemm in done], 4
    )


def curves(contenders: Contenders, seconds: float, trial: float) -> dict[str, Any]:
    """Held-out nats per token against seconds of training, one run of each."""
    found: dict[str, Any] = {OURS: contenders.ours(["--minutes", f"{seconds / 60:.4f}"])}
    at = [f"{seconds * part:g}" for part in JUDGED_AT]
    for name in TWINS:
        trials = {rate: last_loss(contenders, name, rate, trial) for rate in RATES}
        rate = min(trials, key=lambda one: trials[one])
        options = ["--seconds", f"{seconds:g}", "--rate", f"{rate:g}", "--fall", "--judge-at", *at]
        losses = {f"{one:g}": loss for one, loss in trials.items()}
        found[name] = {**contenders.twin(name, options), "rate": rate, "trials": losses}
    return {"seconds": seconds, "trial_seconds": trial, "contenders": found}


def last_loss(contenders: Contenders, name: str, rate: float, seconds: float) -> float:
    """What a short run with a learning rate ends at, in nats a token."""
    options = ["--seconds", f"{seconds:g}", "--rate", f"{rate:g}", "--fall"]
    points = contenders.twin(name, [*options, "--judge-at", f"{seconds:g}"])["points"]
    return float(points[-1][1])


if __name__ == "__main__":
    main()

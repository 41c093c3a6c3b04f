"""Writes docs/scaling.md from its template, the recorded benchmarks and a model of scaling.

Comes in: docs/scaling.template.md; distributed.json and scale.json of benchmarks/results. Goes out:
docs/scaling.md; every figure in it is one that a benchmark recorded, or what the model makes of
them. Run it after recording anew or changing the template: `python docs/make_scaling.py`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from make_performance import RESULTS, counted, measured, table  # noqa: E402 - found beside this file

from chatbot.learn.ngrams import MOST_TOKENS  # noqa: E402

BATCH = 1000
WORKERS = (8, 16, 32, 64, 128, 256)
LINKS = {"1 Gb/s": 1e9, "10 Gb/s": 1e10, "25 Gb/s": 2.5e10, "100 Gb/s": 1e11}
LATENCY = 50e-6
"""Seconds of a small message between two machines of a data centre."""

MESSAGES = 10
"""Times that a step waits for the way around the ring: two sums, which go around twice, two
gathers, each with one of sizes, and the agreement whether to stop, likewise."""

PARTS = 64
BILLION = 1_000_000_000
"""Pairs."""

Facts = dict[str, Any]


class Model(NamedTuple):
    """What a step of several workers takes."""

    fixed: float
    """seconds of a step whatever its pairs"""
    slope: float
    """seconds a pair"""
    hop: float
    """seconds that talking takes for every further worker, on loopback"""
    dense: float
    """bytes of gradients that are always summed"""
    tails: float
    """bytes of the gradients of all other entries"""
    row: float
    """bytes of the row of one entry, with its number"""
    touched: dict[str, float]
    """entries, beyond those that are always summed, that so many pairs touch"""

    @classmethod
    def of(cls, found: Facts) -> Model:
        """The model of a recorded benchmark."""
        ways, network = found["cost"]["ways"], found["cost"]["network"]
        many, few = (seconds(ways, f"all processors, {n} pairs") for n in (1000, 250))
        slope = (many - few) / 750
        talking = found["talking"]["ways"]
        hop = seconds(talking, "workers 2") - seconds(talking, "workers 1")
        width = network["width"]
        tails = 4 * width * (network["entries"] - network["shared_entries"])
        sizes = (network["dense_bytes"], tails, 4 * width + 4)
        return cls(many - 1000 * slope, slope, hop, *sizes, network["touched"])

    def rows(self, pairs: float) -> float:
        """Entries that so many pairs touch, between those that were counted."""
        known = sorted((int(n), count) for n, count in self.touched.items())
        return float(np.interp(pairs, *zip(*known, strict=True)))

    def sent(self, workers: int, pairs: float, *, dense: bool = False) -> float:
        """Bytes that a worker sends in a step, with so many pairs of its own."""
        ring = 2 * (workers - 1) / workers
        if dense:
            return ring * (self.dense + self.tails)
        return ring * self.dense + (workers - 1) * self.rows(pairs) * self.row

    def talking(self, workers: int) -> float:
        """Seconds of a step that go to talking, however little is said."""
        return (workers - 1) * (self.hop + MESSAGES * LATENCY)

    def seconds(self, workers: int, pairs: float, link: float, *, dense: bool = False) -> float:
        """Seconds of a step, with so many pairs for each worker."""
        sending = 8 * self.sent(workers, pairs, dense=dense) / link
        return self.fixed + self.slope * pairs + self.talking(workers) + sending


def page() -> str:
    """The whole page."""
    record = json.loads((RESULTS / "distributed.json").read_text(encoding="utf-8"))
    scale = json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))["result"]
    found = record["result"]
    cost, talking = found["cost"], found["talking"]
    ways, network = cost["ways"], cost["network"]
    model = Model.of(found)
    template = (DOCS / "scaling.template.md").read_text(encoding="utf-8")
    counts = {}
    for n in (2, 3):
        counts[f"formula_{n}"] = f"{n * model.sent(n, BATCH / n) / 1e6:.1f}"
        passed = ways[f"workers {n}"]["bytes_a_step"]["median"]
        counts[f"counted_{n}"] = f"{passed / 1e6:.1f}"
    nothing = {
        f"nothing_{n}": milliseconds(seconds(talking["ways"], f"workers {n}")) for n in (1, 2, 3)
    }
    return template.format(
        measured=measured(cost),
        pairs=f"{BATCH:,}",
        rounds=counted(len(cost["rounds"]), "round"),
        ways=ways_table(ways),
        **nothing,
        hop=milliseconds(model.hop),
        fixed=f"{1e3 * model.fixed:.0f}",
        slope=f"{1e6 * model.slope:.0f}",
        latency=f"{1e3 * LATENCY:g} ms",
        dense=f"{model.dense / 1e6:.1f}",
        row=f"{model.row:,.0f}",
        touched=f"{model.rows(BATCH):,.0f}",
        entries=f"{network['entries']:,}",
        **counts,
        weak=weak_table(model),
        strong=strong_table(model),
        crossing=last(lambda n: model.sent(n, BATCH) <= model.sent(n, BATCH, dense=True)),
        talking=1 + last(lambda n: model.talking(n) <= model.fixed + model.slope * BATCH),
        **billion(scale, network),
    )


def seconds(ways: Facts, way: str) -> float:
    """The median seconds of a step."""
    return float(ways[way]["seconds"]["median"])


def milliseconds(one: float) -> str:
    """Seconds in milliseconds."""
    return f"{1e3 * one:.1f} ms"


def last(holds: Any) -> int:  # noqa: ANN401 - a predicate of a number of workers
    """The greatest number of workers up to which something holds."""
    number = 1
    while number < 10_000 and holds(number + 1):
        number += 1
    return number


def ways_table(ways: Facts) -> str:
    """What was measured of one process and of workers at the defaults."""
    rows = []
    for way, name in (
        ("one process", "one process, no others"),
        *((f"workers {n}", counted(n, "worker")) for n in (1, 2, 3)),
    ):
        one = ways[way]
        ratio = one.get("of_one_process")
        rows.append(
            (
                name,
                f"{one['seconds']['median']:.2f}",
                f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})"
                if ratio
                else "",
                f"{one['tokens_per_second']['median']:,.0f}",
                f"{one['bytes_a_step']['median'] / 1e6:.1f} MB",
                f"{one['chief_peak_bytes']['median'] / 1e6:,.0f} MB",
            )
        )
    heads = ("", "seconds a step", "times one process", "target tokens/s", "exchanged a step")
    return table((*heads, "peak of the chief"), rows)


def weak_table(model: Model) -> str:
    """Steps a second with as many pairs for each worker as one machine has."""
    alone = model.fixed + model.slope * BATCH
    rows = []
    for workers in WORKERS:
        kinds = [(link, False) for link in LINKS.values()] + [(LINKS["10 Gb/s"], True)]
        found = [model.seconds(workers, BATCH, link, dense=dense) for link, dense in kinds]
        cells = [f"{1 / one:.2f} ({workers * alone / one:.1f})" for one in found]
        rows.append((str(workers), *cells))
    return table(("workers", *LINKS, "dense, 10 Gb/s"), rows)


def strong_table(model: Model) -> str:
    """Steps a second of a batch of one machine's, shared by all workers."""
    alone = model.fixed + model.slope * BATCH
    rows = []
    for workers in WORKERS:
        one = model.seconds(workers, BATCH / workers, LINKS["10 Gb/s"])
        rows.append((str(workers), f"{1 / one:.2f}", f"{alone / one:.1f}"))
    return table(("workers", "steps a second", "times one machine"), rows)


def billion(scale: Facts, network: Facts) -> dict[str, str]:
    """What a billion pairs come to, by placeholder."""
    made = scale["made"][-1]
    growth = scale["growth"]["jieba"][-1]
    further = growth["microseconds_per_further_pair"]
    store = made["jieba"]["store_bytes"] / made["pairs"]
    exponent = scale["law"]["exponent"]
    return {
        "cut_us": f"{further:.1f}",
        "cut_hours": f"{further * BILLION / 1e6 / 3600:.1f}",
        "cut_minutes": f"{further * BILLION / 1e6 / 60 / PARTS:.0f}",
        "store_bytes": f"{store:.0f}",
        "store_gb": f"{store * BILLION / 1e9:.0f}",
        "open_seconds": f"{store * BILLION / 1e9:.0f}",
        "exponent": f"{exponent:.2f}",
        "words_times": f"{(BILLION / made['pairs']) ** exponent:.0f}",
        "checkpoint_mb": f"{network['checkpoint_bytes'] / 1e6:.0f}",
        "ngram_tokens": f"{MOST_TOKENS / 1e6:g}",
    }


if __name__ == "__main__":
    (DOCS / "scaling.md").write_text(page(), encoding="utf-8")

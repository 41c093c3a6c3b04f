"""Writes docs/performance.md and its drawings from its template and the recorded benchmarks.

Comes in: docs/performance.template.md and docs/performance.input.template.md; peers.json,
tricks.json, input_side.json, memory.json and scale.json of benchmarks/results. Goes out:
docs/performance.md and docs/performance/*.svg; every figure in them is one that a benchmark
recorded. Run it after recording anew or changing the template: `python docs/make_performance.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from charts import Bar, Line, bar_chart, line_chart  # noqa: E402 - found beside this file
from input_figures import section  # noqa: E402

RESULTS = DOCS.parent / "benchmarks" / "results"
OURS = "chatbot"
NAMES = {
    OURS: "chatbot",
    "torch": "PyTorch, packed, bfloat16",
    "torch_plain": "PyTorch, plain",
    "keras": "Keras, plain",
}
"""What the contenders of peers.json are called."""

Facts = dict[str, Any]


def page() -> str:
    """The whole page."""
    peers = result("peers")
    pace, curves = peers["throughput"], peers["curves"]
    template = (DOCS / "performance.template.md").read_text(encoding="utf-8")
    work = pace["useful_work"]
    per_token = work["gflop_a_token"]
    return template.format(
        pairs=f"{pace['pairs']:,}",
        measured=measured(pace),
        measured_curves=measured(curves),
        twins="; ".join(pace["twins"].values()),
        rounds=counted(len(pace["rounds"]), "round"),
        steps=pace["steps"],
        twin_seconds=f"{pace['twin_seconds']:g}",
        pace=pace_table(pace),
        seconds=f"{curves['seconds']:g}",
        trial_seconds=f"{curves['trial_seconds']:g}",
        curves=curves_table(curves),
        peaks=peaks(pace),
        gflop=f"{per_token[OURS]:.4f}",
        full_gflop=f"{per_token['torch']:.4f}",
        fewer=f"{per_token['torch'] / per_token[OURS]:.1f}",
        times_best=f"{pace['contenders']['torch']['ours_times']['median']:.1f}",
        share=percent(work["share_of_peak"][OURS]["median"]),
        alone=percent(work["alone"]["median"]),
        rest=percent(1 - work["alone"]["median"]),
        shares=shares_table(work),
        parts=parts_table(work["parts_gflop_a_token"]),
        memory=memory_table(),
        input=section(result("input_side")),
        **tricks_figures(),
    )


def drawings() -> dict[str, str]:
    """The drawings, by file name."""
    peers = result("peers")
    contenders, curves = peers["throughput"]["contenders"], peers["curves"]["contenders"]
    lines = [Line(NAMES[name], run["points"]) for name, run in curves.items()]
    bars = [
        Bar(NAMES[name], *extent(one["tokens_per_second"]), noted(name, one))
        for name, one in contenders.items()
    ]
    return {
        "loss.svg": line_chart(
            "Held-out loss against seconds of training",
            lines,
            "seconds of training (logarithmic)",
            "held-out loss, nats per target token",
        ),
        "pace.svg": bar_chart("Target tokens per second", bars, "target tokens per second"),
        "memory.svg": line_chart(
            "Peak memory against pairs in the corpus",
            memory_lines(),
            "pairs in the corpus (logarithmic)",
            "peak memory, MB",
            from_zero=True,
        ),
    }


def result(name: str) -> Facts:
    """What a benchmark recorded."""
    found: Facts = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["result"]
    return found


def measured(part: Facts) -> str:
    """When and on what a part was measured."""
    machine = part["machine"]
    return (
        f"{part['date']}, {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB, Python {machine['python']}, "
        f"TensorFlow {machine['versions']['tensorflow']}"
    )


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def extent(spread: Facts) -> tuple[float, float, float]:
    """Median, lowest and highest."""
    return spread["median"], spread["lowest"], spread["highest"]


def spoken(spread: Facts, form: str) -> str:
    """A median with its lowest and highest."""
    median, lowest, highest = (format(one, form) for one in extent(spread))
    return f"{median} ({lowest} to {highest})"


def percent(share: float) -> str:
    """A share in whole hundredths."""
    return f"{100 * share:.0f} %"


def noted(name: str, one: Facts) -> str:
    """What is written behind a bar."""
    pace = f"{one['tokens_per_second']['median']:,.0f}"
    return pace if name == OURS else f"{pace} (ours x {one['ours_times']['median']:.1f})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def pace_table(part: Facts) -> str:
    """Pace, ratio and memory of every contender."""
    rows = [
        (
            NAMES[name],
            spoken(one["tokens_per_second"], ",.0f"),
            "" if name == OURS else spoken(one["ours_times"], ".1f"),
            f"{one['peak_bytes'] / 1e9:.2f} GB",
        )
        for name, one in part["contenders"].items()
    ]
    return table(("trainer", "target tokens a second", "ours is x times", "peak memory"), rows)


def curves_table(part: Facts) -> str:
    """Where each ends, and how long ours took to get there."""
    ours = part["contenders"][OURS]["points"]
    rows = []
    for name, run in part["contenders"].items():
        last = run["points"][-1][1]
        there = next((s for s, loss in ours if loss <= last), None)
        first = "" if there != ours[0][0] else "at most "
        tried = ", ".join(f"{rate}: {loss:.2f}" for rate, loss in run.get("trials", {}).items())
        rows.append(
            (
                NAMES[name],
                f"{run['rate']:g} ({tried})" if tried else "its default",
                f"{run['steps']:,}",
                f"{last:.3f}",
                "" if name == OURS or there is None else f"{first}{there:.0f} s",
                f"{run['peak_bytes'] / 1e9:.2f} GB",
            )
        )
    header = ("trainer", "learning rate (trials)", "steps", "held-out nats", "ours was there after")
    return table((*header, "peak memory"), rows)


def peaks(part: Facts) -> str:
    """The pace of matrix products at best, lowest and highest of all rounds."""
    found = []
    for kind in ("float32", "bfloat16"):
        paces = [one["gemm_gflops"][kind] for one in part["rounds"]]
        low, high = f"{min(paces):.0f}", f"{max(paces):.0f}"
        found.append(f"{low if low == high else f'{low} to {high}'} in {kind}")
    return " and ".join(found)


def shares_table(work: Facts) -> str:
    """Useful work a token, and the share of the peak that it reaches."""
    rows = []
    for name, spread in work["share_of_peak"].items():
        kind = "bfloat16" if name in (OURS, "torch") else "float32"
        shares = [percent(one) for one in extent(spread)]
        said = f"{shares[0]} ({shares[1]} to {shares[2]})"
        rows.append((NAMES[name], f"{work['gflop_a_token'][name]:.4f}", kind, said))
    return table(("trainer", "useful GFLOP a target token", "peak of", "share of that peak"), rows)


def parts_table(parts: dict[str, float]) -> str:
    """The useful work of ours by part of the network."""
    whole = sum(parts.values())
    rows = [
        (name, f"{1e6 * one:,.0f}", f"{100 * one / whole:.1f} %") for name, one in parts.items()
    ]
    return table(("part", "kFLOP a target token", "share"), rows)


def tricks_figures() -> dict[str, str]:
    """What tricks.json tells, by placeholder."""
    record = json.loads((RESULTS / "tricks.json").read_text(encoding="utf-8"))
    found = record["result"]
    rows = [
        (
            name.replace("_", " "),
            f"`{twin['where']}`",
            twin["without"].rstrip("."),
            *(more(found["without"][name][key]) for key in ("seconds", "peak_bytes")),
        )
        for name, twin in found["twins"].items()
    ]
    return {
        "measured_tricks": measured(record),
        "tricks_seconds": f"{found['everything']['seconds']['median']:.3f}",
        "tricks_peak": f"{found['everything']['peak_bytes']['median'] / 1e6:,.0f} MB",
        "tricks_rounds": counted(len(found["rounds"]), "round"),
        "tricks": table(("trick", "where", "without it", "time", "memory"), rows),
    }


def more(spread: Facts) -> str:
    """How much more than 1 ratios are."""
    median, least, most = (f"{100 * (spread[k] - 1):+.0f}" for k in ("median", "least", "most"))
    return f"{median} % ({least} to {most})"


def memory_lines() -> list[Line]:
    """Peak memory in MB against pairs."""
    memory = result("memory")
    trained = [memory["train"][name] for name in ("few", "whole", "many")]
    built = [memory["build"][name] for name in ("small", "whole")]
    made = [(one["pairs"], one["jieba"]["peak_pss_bytes"] / 1e6) for one in result("scale")["made"]]
    return [
        Line("train", [(one["pairs"], one["peak_bytes"] / 1e6) for one in trained]),
        Line("build-vocab, one worker", [(one["pairs"], one["peak_bytes"] / 1e6) for one in built]),
        Line("build-vocab, two workers", made),
    ]


def memory_table() -> str:
    """The points of the drawing."""
    rows = []
    for line in memory_lines():
        rows += [(line.name, f"{pairs:,}", f"{peak:,.0f} MB") for pairs, peak in line.points]
    return table(("command", "pairs", "peak memory"), rows)


def write() -> None:
    """Writes the page and its drawings."""
    (DOCS / "performance").mkdir(exist_ok=True)
    (DOCS / "performance.md").write_text(page(), encoding="utf-8")
    for name, text in drawings().items():
        (DOCS / "performance" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()

"""The section on the input side, from its template and the benchmark's record.

Comes in: the result that benchmarks/input_side.py records. Goes out: the section as Markdown, for
docs/performance.md to include.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("performance.input.template.md")


def section(result: dict[str, Any]) -> str:
    """The whole section."""
    return TEMPLATE.read_text(encoding="utf-8").format(**figures(result))


def figures(result: dict[str, Any]) -> dict[str, str]:
    """The text for every placeholder of the template."""
    stages, sizes = result["stages"], result["sizes"]
    step = 1000 * stages["step_seconds"]
    few, many = sizes["cached"]["milliseconds"]
    difference = many["all"] - few["all"]
    return {
        "rates": _table(("sampler", "pairs/s"), _rates(result["rates"])),
        "training": stages["training"],
        "step": f"{step:.0f}",
        "share": f"{stages['shares']['all']:.2%}".replace("%", " %"),
        "stages": _table(("stage", "ms", "share of a step"), _stages(stages)),
        "small": f"{sizes['pairs'][0]:,}",
        "large": f"{sizes['pairs'][1]:,}",
        "large_bytes": f"{sizes['store_bytes'][1] / 1e9:.2f} GB",
        "sizes": _table(_SIZES, _sizes(sizes)),
        "growth": f"{(step + difference) / step:.2%}".replace("%", " %"),
        "difference": f"{difference:.2f}",
        "epochs": f"{result['epochs']}",
        "pairs": f"{result['pairs']:,}",
        "batch": f"{result['batch']:,}",
        "pipelines": _table(_PIPELINES, _pipelines(result)),
        **{name: _import(one) for name, one in result["imports"].items()},
    }


_SIZES = ("stage", "few, cached", "many, cached", "ratio", "few, dropped", "many, dropped", "ratio")
_PIPELINES = ("way", "seconds", "processor seconds an epoch", "peak", "pairs/s")


def _rates(rates: dict[str, Any]) -> list[list[str]]:
    return [[f"`{name}`", f"{one['pairs_per_second']:,}"] for name, one in rates.items()]


def _stages(stages: dict[str, Any]) -> list[list[str]]:
    return [
        [name, f"{time:.2f}", f"{stages['shares'][name]:.2%}".replace("%", " %")]
        for name, time in stages["milliseconds"].items()
    ]


def _sizes(sizes: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name in sizes["cached"]["ratios"]:
        cells = [name]
        for pages in ("cached", "dropped"):
            cells += [f"{one[name]:.3f}" for one in sizes[pages]["milliseconds"]]
            cells.append(f"{sizes[pages]['ratios'][name]:.2f}")
        rows.append(cells)
    return rows


def _pipelines(result: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, one in result["pipelines"].items():
        more = result["epochs"] / one["epochs"] - 1
        seconds = f"{one['seconds'] + more * one['batching_seconds']:.1f}"
        rows.append(
            [
                name,
                f"{seconds}, from {one['epochs']} epochs" if more else seconds,
                f"{one['processor_seconds'] / one['epochs']:.2f}",
                f"{one['peak_bytes'] / 1e6:.0f} MB",
                f"{one['pairs'] / one['batching_seconds']:,.0f}",
            ]
        )
    return rows


def _import(one: dict[str, Any]) -> str:
    return f"{one['seconds']:.1f} s and {one['peak_bytes'] / 1e6:.0f} MB"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Does build-vocab keep its pace and its memory from 100,000 pairs to 30 million?

    python benchmarks/scale.py CORPUS --work FOLDER [--sizes N,N,...] [--workers 2] [--clean]

CORPUS is a real corpus, one question<TAB>reply a line, plain or .gz. Corpora of each size are made
of it (corpus_maker.py) in FOLDER, which needs about 8 GB for 30 million pairs; they stay there for
the next time unless --clean. For each of them, one after the other:

- jieba.cut alone on one core, and on as many at once as there are workers; then the segmentation
  stage, `Tokenizer.cut` in one process, with jieba and with rjieba; all on both sides of the first
  50,000 pairs, line by line and in chunks as build-vocab has them. jieba.cut again at the end.
- build-vocab with both segmenters, watched stage by stage (watching.py). The largest corpus once
  more with `--drop-duplicates --max-repeats 100`, by rjieba.

Text is counted in bytes of the file, MB are 10^6 bytes, words as build-vocab counts them. Disk is
all files of the build and, as temporary, those without the store. The real corpus is measured in
the same way for comparison. Records results/scale.json, prints a table.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import itertools
import json
import multiprocessing
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus_maker import Law, made_corpus
from record import CHATBOT, save
from watching import size_of, watched

SIZES = "100000,1000000,10000000,30000000"
SAMPLE = 50_000
"""Pairs that a segmenter is timed on."""

CHUNK = 8192
"""Utterances that build-vocab hands to a segmenter at a time."""

DEDUPED = ("--drop-duplicates", "--max-repeats", "100")
TOKENIZERS = ("jieba", "rjieba")


def main() -> None:
    """Measures all sizes and records them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clean", action="store_true", help="remove the corpora at the end")
    asked = parser.parse_args()
    sizes = sorted(int(size) for size in asked.sizes.split(","))
    source, work = asked.corpus.resolve(), asked.work.resolve()
    made = [made_corpus(source, work, size, asked.seed) for size in sizes]
    result: dict[str, Any] = {
        "rjieba": importlib.metadata.version("rjieba"),
        "workers": asked.workers,
        "law": made[0]["law"],
        "real_curve": made[0]["real"]["curve"],
    }
    with plain(source, work) as path:
        pairs = path.read_bytes().count(b"\n")
        itself = {"path": str(path), "pairs": pairs, "bytes": path.stat().st_size}
        result["real"] = measured({**made[0], **itself}, work, asked.workers, dedupe=False)
    result["made"] = []
    for facts in made:
        dedupe = facts is made[-1]
        result["made"].append(measured(facts, work, asked.workers, dedupe=dedupe))
        (work / "scale.json").write_text(json.dumps(result, indent=2), encoding="utf-8")
    result["growth"] = {name: growth(result["made"], name) for name in TOKENIZERS}
    if asked.clean:
        for facts in made:
            Path(facts["path"]).unlink()
            Path(facts["path"]).with_suffix(".json").unlink()
    save("scale", result)
    print(table(result), file=sys.stderr)


@contextmanager
def plain(source: Path, work: Path) -> Iterator[Path]:
    """The real corpus without compression."""
    with tempfile.TemporaryDirectory(dir=work) as name:
        path = Path(name) / source.name.removesuffix(".gz")
        opener = gzip.open if source.suffix == ".gz" else open
        with opener(source, "rb") as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        yield path


def measured(facts: dict[str, Any], work: Path, workers: int, *, dedupe: bool) -> dict[str, Any]:
    """All that is measured on one corpus."""
    path = Path(facts["path"])
    before = alone(path)
    segmentation: dict[str, Any] = {
        "jieba_alone_mb_per_second": [before],
        "jieba_alone_on_all_mb_per_second": alone(path, workers),
        **{f"{name}_mb_per_second": segmenting(path, name) for name in TOKENIZERS},
    }
    result: dict[str, Any] = {
        "pairs": facts["pairs"],
        "text_bytes": facts["bytes"],
        "bytes_per_pair": round(facts["bytes"] / facts["pairs"], 2),
        "segmentation": segmentation,
    }
    for name in TOKENIZERS:
        result[name] = built(facts, work, ["--tokenizer", name, "--workers", str(workers)])
    if dedupe:
        settings = ["--tokenizer", "rjieba", "--workers", str(workers), *DEDUPED]
        result["rjieba_deduped"] = built(facts, work, settings)
    segmentation["jieba_alone_mb_per_second"].append(alone(path))
    pace = sum(segmentation["jieba_alone_mb_per_second"]) / 2
    for name in TOKENIZERS:
        speed = segmentation[f"{name}_mb_per_second"]
        segmentation[f"{name}_times_jieba_alone"] = round(speed / pace, 3)
        whole = result[name]["mb_per_second"] / (workers * pace)
        result[name]["times_jieba_alone_on_all_workers"] = round(whole, 3)
    return result


def built(facts: dict[str, Any], work: Path, settings: list[str]) -> dict[str, Any]:
    """What one build-vocab takes."""
    with tempfile.TemporaryDirectory(dir=work, prefix="build-") as name:
        folder = Path(name)
        model = folder / "model"
        command = [CHATBOT, "build-vocab", facts["path"], "--model", "model", *settings]
        print(" ".join(command), file=sys.stderr, flush=True)
        run = watched(command, model, folder)
        left = size_of(model)
        disk = max(run["whole"].disk, left)
        store = (model / "pairs.store").stat().st_size
    pairs, text = facts["pairs"], facts["bytes"]
    words, distinct = words_in(run["stderr"])
    law = Law(**facts["law"])
    return {
        "settings": " ".join(settings),
        **run["whole"].as_dict(pairs),
        "seconds": round(run["seconds"], 2),
        "cpu_seconds": round(run["cpu_seconds"], 2),
        "watching_cpu_seconds": round(run["watching_cpu_seconds"], 2),
        "mb_per_second": round(text / 1e6 / run["seconds"], 3),
        "peak_disk_times_text": round(disk / text, 3),
        "left_bytes": left,
        "store_bytes": store,
        "temporary_disk_times_text": round((disk - store) / text, 3),
        "words": words,
        "distinct_words": distinct,
        "distinct_words_by_law": law.at(words),
        "stages": {name: stage.as_dict(pairs) for name, stage in run["stages"].items()},
    }


def words_in(stderr: str) -> tuple[int, int]:
    """Running and distinct words, as build-vocab tells them."""
    found = re.search(r"([\d,]+) words,\s+([\d,]+) distinct", stderr)
    if found is None:
        sys.exit(f"build-vocab does not tell its words any more:\n{stderr}")
    words, distinct = (int(number.replace(",", "")) for number in found.groups())
    return words, distinct


def growth(results: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """How the cost of a pair changes: its ratio to the smallest corpus, and that of more pairs."""
    found = []
    for before, one in itertools.pairwise(results):
        more = one["pairs"] - before["pairs"]
        seconds = one[name]["seconds"] - before[name]["seconds"]
        cost = one[name]["seconds"] / one["pairs"]
        least = results[0][name]["seconds"] / results[0]["pairs"]
        found.append(
            {
                "pairs": one["pairs"],
                "seconds_per_pair_to_smallest": round(cost / least, 3),
                "microseconds_per_further_pair": round(seconds / more * 1e6, 3),
                "rss_bytes_more": one[name]["peak_rss_bytes"] - before[name]["peak_rss_bytes"],
                "pss_bytes_more": one[name]["peak_pss_bytes"] - before[name]["peak_pss_bytes"],
            }
        )
    return found


def alone(path: Path, processes: int = 1) -> float:
    """MB a second of `jieba.cut` alone, line by line, in so many processes at once."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return round(sum(pool.map(_alone, [path] * processes, chunksize=1)), 4)


def segmenting(path: Path, tokenizer: str) -> float:
    """MB a second of the segmentation stage in one process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return round(pool.apply(_segmenting, (path, tokenizer)), 4)


def _sample(path: Path) -> tuple[list[str], int]:
    """Both sides of the first pairs, and the bytes of their lines."""
    with path.open("rb") as file:
        lines = list(itertools.islice(file, SAMPLE))
    sides = [side for line in lines for side in line.decode().rstrip("\n").split("\t")]
    return sides, sum(map(len, lines))


def _alone(path: Path) -> float:
    import jieba

    jieba.setLogLevel(60)
    jieba.initialize()
    sides, size = _sample(path)
    began = time.monotonic()
    for side in sides:
        list(jieba.cut(side))
    return size / 1e6 / (time.monotonic() - began)


def _segmenting(path: Path, name: str) -> float:
    from chatbot.corpus.tokenizer import make_tokenizer

    tokenizer = make_tokenizer(name)
    tokenizer.cut(["字典在第一次切分时读入。"])
    sides, size = _sample(path)
    began = time.monotonic()
    for start in range(0, len(sides), CHUNK):
        tokenizer.cut(sides[start : start + CHUNK])
    return size / 1e6 / (time.monotonic() - began)


def table(result: dict[str, Any]) -> str:
    """The scaling table, in Markdown; memory is PSS of all processes together, RSS in brackets."""
    lines = []
    for name in (*TOKENIZERS, "rjieba_deduped"):
        runs = [one for one in (result["real"], *result["made"]) if name in one]
        stages = list(dict.fromkeys(stage for one in runs for stage in one[name]["stages"]))
        titles = ["pairs", "s", "µs/pair", "MB/s", "of workers x jieba", "disk / text", "words"]
        titles += ["law", "peak MB", *(f"{stage} MB (s)" for stage in stages)]
        lines += [f"\n{name}\n", _row(titles), _row(["---"] * len(titles))]
        for one in runs:
            run = one[name]
            row = [f"{one['pairs']:,}", f"{run['seconds']:.1f}", run["microseconds_per_pair"]]
            row += [run["mb_per_second"], run.get("times_jieba_alone_on_all_workers", "")]
            row += [run["peak_disk_times_text"], f"{run['distinct_words']:,}"]
            row += [f"{run['distinct_words_by_law']:,}", _memory(run)]
            for stage in stages:
                part = run["stages"].get(stage)
                row.append(f"{_memory(part)} ({part['seconds']:.1f})" if part else "")
            lines.append(_row(row))
    return "\n".join(lines)


def _memory(run: dict[str, Any]) -> str:
    return f"{run['peak_pss_bytes'] / 1e6:.0f} [{run['peak_rss_bytes'] / 1e6:.0f}]"


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()

"""What every benchmark shares: running a command, and a JSON record of machine and result."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
CHATBOT = str(Path(sys.executable).with_name("chatbot"))
"""The console script of the environment that runs the benchmark."""


def run(command: list[str], *, cwd: Path, stdin: str = "") -> dict[str, Any]:
    """Runs a command to its end.

    Returns:
        exit code, seconds, peak resident bytes of its largest process, stdout and stderr.
    """
    began = time.monotonic()
    with (
        (cwd / "stdout.txt").open("w+") as out,
        (cwd / "stderr.txt").open("w+") as err,
        (cwd / "stdin.txt").open("w+") as put,
    ):
        put.write(stdin)
        put.seek(0)
        process = subprocess.Popen(command, cwd=cwd, stdin=put, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return {
            "command": " ".join(command),
            "exit": process.returncode,
            "seconds": round(time.monotonic() - began, 3),
            "peak_bytes": usage.ru_maxrss * 1024,
            "stdout": out.read(),
            "stderr": err.read(),
        }


def must(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a command that has to succeed."""
    if result["exit"]:
        sys.exit(f"{result['command']} ended with {result['exit']}:\n{result['stderr']}")
    return result


def machine() -> dict[str, Any]:
    """The machine and the versions that a figure belongs to."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    packages = ("tensorflow", "numpy", "jieba", "click", "chatbot")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def stamp(name: str) -> dict[str, Any]:
    """Command, date and machine of what benchmark NAME finds now."""
    return {
        "command": f"python benchmarks/{name}.py " + " ".join(sys.argv[1:]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
    }


def save(name: str, result: dict[str, Any]) -> None:
    """Writes `results/NAME.json` and prints the result."""
    RESULTS.mkdir(exist_ok=True)
    record = {"benchmark": name, **stamp(name), "result": result}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, ensure_ascii=False))

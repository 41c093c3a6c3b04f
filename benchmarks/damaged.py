"""What does the doctor say of damaged corpora?

    python benchmarks/damaged.py [NAME]

Makes the corpora of `damage` one after the other and reads each with `chatbot inspect --json`, and
again as text, as a real process with limits of memory and time. Records the exit code, what was
said, the peak of memory, and whether that is as it has to be: never a traceback, one line for what
cannot be read, every pair read or counted as left out. With NAME only the cases whose name has it.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import damage_shapes  # noqa: F401 - lists its damages
from damage import DAMAGES, Damage, told_of
from record import CHATBOT, save

MEMORY = 6 << 30
"""Bytes of address space a process may have."""

MOST_RESIDENT = 700 << 20
"""Bytes of memory it may come to hold."""

SECONDS = 400
SENTENCES = re.compile(r".+: .+\. [A-Z].+")
"""Where: what. What to do."""


def main() -> None:
    """Makes, reads, judges and records."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    began = time.monotonic()
    table: dict[str, Any] = {}
    for case in DAMAGES:
        if wanted in case.name:
            with tempfile.TemporaryDirectory(prefix="damaged-") as name:
                table[case.name] = judged(case, Path(name))
    good = sum(row["verdict"] == "good" for row in table.values())
    result = {
        "summary": f"{good} of {len(table)} as they have to be",
        "not_good": [name for name, row in table.items() if row["verdict"] != "good"],
        "most_peak_bytes": max((row["peak_bytes"] for row in table.values()), default=0),
        "seconds": round(time.monotonic() - began, 1),
        "said": table,
    }
    if wanted:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        save("damaged", result)


def judged(case: Damage, folder: Path) -> dict[str, Any]:
    """What came of a case, and the verdict."""
    (folder / "data").mkdir()
    names = [os.fspath(name) for name in case.make(folder / "data")]
    stop = threading.Event()
    if case.grows:
        threading.Thread(target=grow, args=(Path(names[0]), stop), daemon=True).start()
    try:
        first = process([CHATBOT, "inspect", "--json", "--tokenizer", "char", *names], folder)
        second = first
        if not case.heavy:
            second = process([CHATBOT, "inspect", "--tokenizer", "char", *names], folder)
    finally:
        stop.set()
    read = parsed(first)
    faults = common(first, read) + common(second, read, text=not case.heavy)
    said = last_line(first["stderr"]).replace(f"{folder}/data", "")
    faults += [fault for fault in [case.check(read, said)] if fault]
    if first["exit"] != second["exit"]:
        faults.append(f"exit {first['exit']} with --json, {second['exit']} without")
    if read is not None:
        files = [{"pairs": file["pairs"]} | told_of(file) for file in read["files"]]
        said = "; ".join(json.dumps(file, ensure_ascii=False) for file in files)
    return {
        "said": said.replace(f"{folder}/data", ""),
        "exit": first["exit"],
        "seconds": first["seconds"],
        "peak_bytes": max(first["peak_bytes"], second["peak_bytes"]),
        "verdict": "; ".join(dict.fromkeys(faults)) or "good",
    }


def grow(path: Path, stop: threading.Event) -> None:
    """Appends to a file until told to stop."""
    while not stop.wait(0.02):
        with path.open("ab") as file:
            file.write("还在吗\t在的\n".encode())


def process(command: list[str], folder: Path) -> dict[str, Any]:
    """Runs a command under limits; its exit code, seconds, peak bytes and what it wrote."""
    began = time.monotonic()
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        timer = threading.Timer(SECONDS, running.kill)
        timer.start()
        _, status, usage = os.wait4(running.pid, 0)
        timer.cancel()
        running.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return {
            "exit": running.returncode,
            "seconds": round(time.monotonic() - began, 2),
            "peak_bytes": usage.ru_maxrss * 1024,
            "stdout": out.read().decode("utf-8", "replace"),
            "stderr": err.read().decode("utf-8", "replace"),
        }


def parsed(done: dict[str, Any]) -> dict[str, Any] | None:
    """What was read; None if the command ended with an error."""
    if done["exit"]:
        return None
    found: dict[str, Any] = json.loads(done["stdout"])
    return found


def common(done: dict[str, Any], read: dict[str, Any] | None, text: bool = False) -> list[str]:
    """What is wrong whatever the case."""
    faults = []
    if done["exit"] not in (0, 1):
        faults.append(f"exit {done['exit']} after {done['seconds']} seconds")
    if "Traceback" in done["stderr"]:
        faults.append("a traceback: " + last_line(done["stderr"]))
    elif done["exit"] == 1:
        said = last_line(done["stderr"])
        if not SENTENCES.fullmatch(said):
            faults.append(f"not where, what and what to do: {said}")
        if done["stdout"].strip():
            faults.append("an error, but something on standard output too")
    elif text and read is not None and f"{read['pairs']:,}" not in done["stdout"]:
        faults.append("the text does not give the pairs")
    if done["peak_bytes"] > MOST_RESIDENT:
        faults.append(f"{done['peak_bytes'] >> 20} MiB at the peak")
    return faults


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


if __name__ == "__main__":
    main()

"""Runs a build and watches what it takes, stage by stage: memory, disk, processor and wall time.

Comes in: a `chatbot build-vocab` command. Goes out: its peaks and times. Linux only, as it reads
/proc. The build's temporary files all go below the folder it runs in.

The size of all files and the sum of resident sizes (RSS) of the process and all below it are read
every 0.1 s; RSS counts a page as often as processes share it. The sum of proportional sizes (PSS)
counts a shared page once, but takes the kernel some 20 ms to add up; it is read as often as takes
2 % of the time of one core, and at least every 5 s.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

INTERVAL = 0.1
SHARE = 0.02
LONGEST = 5.0

STAGES = ("starting", "reading", "finding repeats", "counting", "choosing", "writing")
"""Of a build, in order: reading and cutting all text; finding equal pairs, questions and replies;
counting words; choosing the vocabulary; writing the store and putting all into place."""


def stage_of(model: Path) -> str:
    """The stage of a build, by the files that stand in its scratch folder; see `building`."""
    scratch = next(model.glob(".building-*"), None)
    if scratch is None:
        return "starting"
    if (scratch / "vocabulary.txt").exists():
        return "writing"
    if (scratch / "counts").exists():
        return "choosing"
    if (scratch / "segmented" / "manifest").exists():
        return "finding repeats" if (scratch / "pair-hashes").exists() else "counting"
    return "reading"


@dataclass
class Stage:
    """What a stage took, or a whole build: seconds, and peaks in bytes."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    rss: int = 0
    pss: int = 0
    disk: int = 0

    def as_dict(self, pairs: int) -> dict[str, Any]:
        """The figures as a result records them; times also by the pair."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "microseconds_per_pair": round(self.seconds * 1e6 / pairs, 3),
            "peak_rss_bytes": self.rss,
            "peak_pss_bytes": self.pss,
            "peak_disk_bytes": self.disk,
        }


@dataclass
class Watch:
    """A build under way in a folder.

    Attributes:
        root: its first process.
        model: the model folder it builds.
        folder: the folder that all its files are in.
        stages: what each stage took so far, in order.
    """

    root: psutil.Process
    model: Path
    folder: Path
    stages: dict[str, Stage] = field(default_factory=dict)
    _due: float = 0.0
    _cpu: float = 0.0
    _at: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Takes one sample; the time since the last one belongs to the stage that is seen now."""
        name = stage_of(self.model)
        if self.stages and STAGES.index(name) < STAGES.index(last := next(reversed(self.stages))):
            name = last  # files go away again at the end
        stage = self.stages.setdefault(name, Stage())
        processes = list(_tree(self.root))
        now, cpu = time.monotonic(), _cpu_of(self.root, processes)
        stage.seconds += now - self._at
        stage.cpu_seconds += max(0.0, cpu - self._cpu)
        self._at, self._cpu = now, max(cpu, self._cpu)
        stage.rss = max(stage.rss, sum(_rss(one) for one in processes))
        stage.disk = max(stage.disk, size_of(self.folder))
        before = time.monotonic()
        if before >= self._due or not stage.pss:
            stage.pss = max(stage.pss, sum(_pss(one) for one in processes))
            self._due = before + min((time.monotonic() - before) / SHARE, LONGEST)

    def whole(self) -> Stage:
        """All stages together."""
        stages = self.stages.values()
        return Stage(
            sum(one.seconds for one in stages),
            sum(one.cpu_seconds for one in stages),
            *(max(getattr(one, peak) for one in stages) for peak in ("rss", "pss", "disk")),
        )


def watched(command: list[str], model: Path, folder: Path) -> dict[str, Any]:
    """Runs a command to its end and watches it.

    Args:
        command: what to run, in `folder`.
        model: the model folder it builds, below `folder`.
        folder: an empty folder for all its files, the temporary ones too.

    Returns:
        The stages and the whole as `Stage`, what the command said on stderr, the seconds it ran and
        the processor seconds that the operating system counted, and those that watching took.
    """
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    mine = time.process_time()
    with (folder / "stderr.txt").open("w+", encoding="utf-8") as said:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stderr=said, env=environment)
        watch = Watch(psutil.Process(process.pid), model, folder)
        status = 0
        ended = False
        while not ended:
            time.sleep(INTERVAL)
            watch.look()
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            ended = pid != 0
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{text}")
    return {
        "stages": watch.stages,
        "whole": watch.whole(),
        "stderr": text,
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "watching_cpu_seconds": time.process_time() - mine,
    }


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    total, folders = 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # removed meanwhile
            continue
    return total


def _tree(root: psutil.Process) -> Iterator[psutil.Process]:
    """A process and all below it; psutil's own way reads every process of the machine."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        yield one
        for path in Path(f"/proc/{one.pid}/task").glob("*/children"):
            try:
                waiting += [psutil.Process(int(pid)) for pid in path.read_text().split()]
            except (OSError, psutil.NoSuchProcess):  # ended meanwhile
                continue


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def _cpu_of(root: psutil.Process, processes: list[psutil.Process]) -> float:
    """The processor seconds of a tree: of what lives, and of what has been waited for."""
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
        if one == root:
            total += times.children_user + times.children_system
    return total

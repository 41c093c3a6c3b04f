"""Is a run that is killed again and again the run that was never stopped?

    python benchmarks/kills.py [--kills 200] [--seed 0]

Trains on the bundled sample with a checkpoint every third step, once undisturbed, then killed
(SIGKILL) and started again with the same command until it is done, and so from the beginning until
so many kills have been dealt out: every other one at a random moment, the others a few milliseconds
after a checkpoint has begun to be written. Half the kills meet a healthy run, half one at a rate so
high that it has to go back to its best weights again and again. Every run that comes to its end is
compared with the undisturbed one: weights, moments, schedule and position bit by bit, and its
history less clock, speed and memory. Records how many kills came while a checkpoint was being
written, and after how many a checkpoint was found damaged.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

DATA = Path(__file__).parent.parent / "data"
TRAIN = (
    *("train", "--steps", "240", "--save-every", "3", "--validate-every", "20"),
    *("--batch", "100", "--units", "48", "--embedding", "48"),
)
RUNS: dict[str, tuple[str, ...]] = {"healthy": (), "rolled back": ("--learning-rate", "3")}
"""What each run is given besides."""

LONGEST_LIFE = 3.0
"""Seconds that a run has at most after its first step."""

LONGEST_SAVE = 0.02
"""Seconds that a save has at most."""


def main() -> None:
    """Trains, kills, compares and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(len(RUNS)) as pool:
        folders = [Path(name) / kind for kind in RUNS]
        for folder in folders:
            folder.mkdir()
            must(run([CHATBOT, "build-vocab", str(DATA), "--holdout", "100"], cwd=folder))
        commands = [(*TRAIN, *more) for more in RUNS.values()]
        count = asked.kills // len(RUNS)
        chances = [random.Random(asked.seed + number) for number in range(len(RUNS))]
        each = [count] * len(RUNS)
        found = dict(zip(RUNS, pool.map(killed, folders, commands, chances, each), strict=True))
    total = {key: sum(one[key] for one in found.values()) for key in found["healthy"]}
    total.pop("roll_backs_a_run")
    save("kills", {"train": " ".join(["chatbot", *TRAIN]), **total, "by_run": found})


def killed(
    folder: Path, command: Sequence[str], chance: random.Random, kills: int
) -> dict[str, int]:
    """Kills one run at least so often, from its beginning again where it ends before."""
    model = folder / "model"
    forget(model)
    must(run([CHATBOT, *command], cwd=folder))
    wanted = state_of(model)
    found = {
        "kills": 0,
        "while_saving": 0,
        "starts_that_found_damage": 0,
        "roll_backs_a_run": sum(one["kind"] == "rollback" for one in wanted[1]),
        "runs_ended": 0,
        "runs_bit_by_bit_the_same": 0,
    }
    while found["kills"] < kills:
        forget(model)
        while True:
            ended, said = life(folder, command, chance, saving=found["kills"] % 2 == 1)
            found["starts_that_found_damage"] += "damaged checkpoint" in said
            if ended:
                break
            found["kills"] += 1
            found["while_saving"] += any(model.glob("*/unfinished*"))
        found["runs_ended"] += 1
        found["runs_bit_by_bit_the_same"] += state_of(model) == wanted
        print(json.dumps(found), flush=True)
    return found


def life(
    folder: Path, command: Sequence[str], chance: random.Random, *, saving: bool
) -> tuple[bool, str]:
    """Starts or resumes the run, and kills it some time after its first step, or lets it end."""
    process = subprocess.Popen([CHATBOT, *command], cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("step "):
            break
    until = time.monotonic() + chance.uniform(0, LONGEST_LIFE)
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    while saving and process.poll() is None and not any(folder.glob("model/*/unfinished*")):
        time.sleep(0.0005)
    if saving:
        time.sleep(chance.uniform(0, LONGEST_SAVE))
    ended = process.poll() is not None
    process.kill()
    said += process.stderr.read()
    process.wait()
    if ended and process.returncode:
        raise SystemExit(f"ended with {process.returncode}:\n{said}")
    return ended, said


def forget(model: Path) -> None:
    """Removes what was trained."""
    for name in ("checkpoints", "best"):
        shutil.rmtree(model / name, ignore_errors=True)
    (model / "history.jsonl").unlink(missing_ok=True)


def state_of(model: Path) -> Any:  # noqa: ANN401 - only compared
    """The newest and the best checkpoint, and the history, less what depends on the clock."""
    from chatbot.history import OF_THE_CLOCK
    from chatbot.learn.saved import read_position, saved

    found: list[Any] = []
    for folder in (model / "checkpoints", model / "best"):
        newest = saved(folder)[-1]
        position = json.loads(read_position(newest).to_json())
        del position["seconds"]
        found += [newest.name, position, digest(newest)]
    lines = (model / "history.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    history = [one for one in records if one["kind"] not in ("start", "checkpoint")]
    return found, [{k: v for k, v in one.items() if k not in OF_THE_CLOCK} for one in history]


def digest(checkpoint: Path) -> str:
    """The digest of every tensor but the position's text."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(checkpoint))
    found = hashlib.sha256()
    for name in sorted(reader.get_variable_to_shape_map()):
        if not name.startswith(("position/", "save_counter/", "_CHECKPOINTABLE")):
            tensor = reader.get_tensor(name)
            found.update(name.encode())
            found.update(tensor if isinstance(tensor, bytes) else tensor.tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    main()

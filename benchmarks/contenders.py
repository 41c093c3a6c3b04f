"""The contenders of benchmarks/peers.py: each made ready, and run as a process of its own.

Comes in: a corpus and a work folder. Goes out: a token store, the file that the twins read, their
environments, and what a run of each contender says of itself. Knows nothing of rounds or records.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import CHATBOT, must, run

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.batches import NOTHING_ASKED
from chatbot.corpus.encoded import EncodedPairs, bounds_of, indices_of_runs
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS, GO, Vocabulary
from chatbot.folder import ModelFolder

BATCH = 1_000
OURS = "chatbot"
TWINS = {
    "torch": ["torch", "torch_twin.py"],
    "torch_plain": ["torch", "torch_twin.py", "--plain"],
    "keras": ["keras", "keras_twin.py"],
}
"""Name of every twin: its environment, its file and its options."""

TUNED = {"torch": ["env", "MALLOC_MMAP_THRESHOLD_=4000000000", "MALLOC_TRIM_THRESHOLD_=8000000000"]}
"""What stands before the command of a twin. PyTorch asks for large buffers anew at every step; kept
by the process instead of given back each time, they cost a quarter less time."""

NAMES = (OURS, *TWINS)

_PEERS = Path(__file__).parent / "peers"
_STEPS = 20_000
"""Steps whose pairs are written for the twins; after them the first come again."""


@dataclass(frozen=True)
class Contenders:
    """All that is measured, ready to run.

    Attributes:
        work: the folder of store, environments and dump; kept.
        under: a command put before every measured one, such as `flock FILE` or `taskset -c 0`.
    """

    work: Path
    under: list[str]

    def build(self, corpus: Path) -> None:
        """Builds the token store, writes what the twins read, and makes their environments."""
        build = [CHATBOT, "build-vocab", str(corpus.resolve()), "--model", "model", "--restart"]
        self._measured(build)
        np.savez(self._data, **dumped(self.folder))
        for name in dict.fromkeys(kind for kind, *_ in TWINS.values()):
            self._environment(name)

    @property
    def folder(self) -> ModelFolder:
        """The model folder that chatbot trains in."""
        return ModelFolder(self.work / "model")

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the twins read."""
        with np.load(self._data) as file:
            return dict(file)

    @property
    def versions(self) -> dict[str, str]:
        """The versions that the twins run on."""
        code = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
        found = {}
        for kind, *names in (("torch", "torch"), ("keras", "keras", "tensorflow")):
            command = [self._python(kind), "-c", code, *names]
            said = must(run(command, cwd=self.work))["stdout"].split()
            found[kind] = " ".join(f"{n} {v}" for n, v in zip(names, said, strict=True))
        return found

    def ours(self, options: list[str]) -> dict[str, Any]:
        """A training by the command line from the beginning, as its history tells it.

        Its pace is that of progress records whose last 20 steps leave out the first ones, median;
        its points are seconds of training, validations included, and held-out nats per token.
        """
        command = [CHATBOT, "train", "--batch", str(BATCH), "--restart", *options]
        done = self._measured(command)
        history = [json.loads(x) for x in self.folder.history.read_text("utf-8").splitlines()]
        progress = [one for one in history if one["kind"] == "progress"]
        settled = [one["tokens_per_second"] for one in progress if one["step"] >= 30] or [
            progress[-1]["tokens_per_second"]
        ]
        return {
            "command": " ".join(["chatbot", *command[1:]]),
            "steps": history[-1]["step"],
            "tokens_per_second": round(float(np.median(settled)), 1),
            "peak_bytes": done["peak_bytes"],
            "points": [
                [round(one["seconds"], 1), round(one["heldout_loss"], 4)]
                for one in history
                if one["kind"] == "validation"
            ],
        }

    def twin(self, name: str, options: list[str]) -> dict[str, Any]:
        """A training of a twin from the beginning, as its lines tell it."""
        kind, file, *fixed = TWINS[name]
        tuned = TUNED.get(name, [])
        command = [self._python(kind), str(_PEERS / file), str(self._data), *fixed, *options]
        done = self._measured([*tuned, *command])
        lines = [json.loads(line) for line in done["stdout"].splitlines()]
        points = [one for one in lines if one["kind"] == "validation"]
        return {
            "command": " ".join([*tuned, "python", f"peers/{file}", "DATA", *fixed, *options]),
            "steps": lines[-1]["step"],
            "tokens_per_second": lines[-1]["tokens_per_second"],
            "peak_bytes": done["peak_bytes"],
            "points": [[round(one["seconds"], 1), one["heldout_loss"]] for one in points],
        }

    def gemm(self, sizes: list[tuple[int, int, int]]) -> dict[str, Any]:
        """The pace of matrix products at best, and the seconds of products of these sizes."""
        command = [sys.executable, str(_PEERS / "gemm.py")]
        done = self._measured(command, stdin=json.dumps(sizes))
        found: dict[str, Any] = json.loads(done["stdout"])
        return found

    @property
    def _data(self) -> Path:
        return self.work / "pairs.npz"

    def _python(self, kind: str) -> str:
        return str(self.work / f"venv-{kind}" / "bin" / "python")

    def _measured(self, command: list[str], stdin: str = "") -> dict[str, Any]:
        print(" ".join(command), file=sys.stderr, flush=True)
        return must(run([*self.under, *command], cwd=self.work, stdin=stdin))

    def _environment(self, kind: str) -> None:
        """Makes a twin's environment, unless it stands there with the same requirements."""
        folder = self.work / f"venv-{kind}"
        wanted, made = _PEERS / f"requirements-{kind}.txt", folder / "made-from.txt"
        if made.exists() and made.read_text() == wanted.read_text():
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        self._measured([self._python(kind), "-m", "pip", "install", "--quiet", "-r", str(wanted)])
        made.write_text(wanted.read_text())


def dumped(folder: ModelFolder) -> dict[str, Any]:
    """What peers/twin.py reads: all pairs, cut as in training, and which ones each step takes."""
    training = TrainingConfig()
    with TokenStore(folder.store) as store:
        pairs, header = store.read([(0, store.header.pairs)]), store.header
    train = np.arange(header.train)
    held_out = np.arange(header.train, header.pairs)
    starts = [
        ranges(training.sampler, training.seed, step, BATCH, header.train)[0][0]
        for step in range(_STEPS)
    ]
    network = ModelConfig()
    return {
        "size": len(Vocabulary.load(folder.vocabulary)),
        "go": GO,
        "batch": min(BATCH, header.train),
        "embedding": network.embedding,
        "units": network.units,
        "clip": training.clip,
        "starts": np.array(starts),
        **_sides(pairs.take(train), training.max_length, ""),
        **_sides(pairs.take(held_out), training.max_length, "heldout_"),
    }


def _sides(pairs: EncodedPairs, limit: int, part: str) -> dict[str, NDArray[np.int64]]:
    """Questions and replies end to end: the end of each question, the beginning of each reply."""
    questions = np.minimum(pairs.question_lengths, limit)
    ends = pairs.reply_lengths < limit  # a reply that is cut does not end there
    replies = np.minimum(pairs.reply_lengths, limit)
    asked = pairs.tokens[indices_of_runs(pairs.bounds[1::2] - questions, questions)]
    said = pairs.tokens[indices_of_runs(pairs.bounds[1::2], replies)]
    empty = questions == 0
    return {
        f"{part}questions": np.insert(asked, np.cumsum(questions)[empty], NOTHING_ASKED),
        f"{part}question_bounds": bounds_of(np.maximum(questions, 1)),
        f"{part}replies": np.insert(said, np.cumsum(replies)[ends], EOS),
        f"{part}reply_bounds": bounds_of(replies + ends),
    }

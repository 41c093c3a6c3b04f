"""What tests of several modules do: runs are compared, disks filled, networks made."""

import contextlib
import subprocess

import pytest

from chatbot.history import OF_THE_CLOCK

QUESTIONS = [[5, 6, 7, 8, 9, 10, 11], [8], [9, 10, 4, 9, 6]]
REPLIES = [[4, 9, 7, 7], [20, 21, 5, 4], [4, 4, 22, 6]]
NETWORKS = {
    "one cluster": (40, {}),
    "two clusters": (4_300, {}),
    "three clusters": (5_000, {}),
    "both directions": (40, {"bidirectional": True}),
    "n-grams and question": (40, {"ngrams": 3}),
    "n-grams": (40, {"ngrams": 3, "copying": False}),
    "all": (5_000, {"bidirectional": True, "ngrams": 2, "embedding": 6}),
    "single entries counted": (40, {"ngrams": 1}),
    "four entries counted": (40, {"ngrams": 4}),
    "gru": (40, {"cell": "gru"}),
    "no norms": (40, {"layer_norm": False}),
    "layers": (40, {"layers": 3, "embedding": 6}),
    "layers of gru in both directions, norms": (
        40,
        {"layers": 2, "cell": "gru", "bidirectional": True, "layer_norm": True},
    ),
    "dot": (40, {"attention": "dot"}),
    "additive": (40, {"attention": "additive"}),
    "tied": (40, {"tied": True, "embedding": 6}),
    "tied, two clusters": (4_300, {"tied": True}),
    "tied, three clusters": (5_000, {"tied": True}),
    "transformer": (40, {"model_type": "transformer"}),
    "deep transformer": (
        5_000,
        {"model_type": "transformer", "layers": 3, "heads": 2, "tied": True, "ngrams": 3},
    ),
}
"""Kinds of network: entries of the vocabulary, settings."""


def timeless(records, *without):
    """Records as dictionaries, but for what depends on the clock and for some kinds."""
    found = [one if isinstance(one, dict) else one.as_dict() for one in records]
    return [
        {key: value for key, value in one.items() if key not in OF_THE_CLOCK}
        for one in found
        if one["kind"] not in without
    ]


@contextlib.contextmanager
def small_disk(place, megabytes):
    """A file system of its own in a folder that is made; skips the test where none can be."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(disk):
    """Leaves no room on a file system; removing `filler` gives it back."""
    with (disk / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))

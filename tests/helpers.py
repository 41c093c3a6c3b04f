"""What tests of several modules do: runs are compared, disks filled."""

import contextlib
import subprocess

import pytest

from chatbot.history import OF_THE_CLOCK


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

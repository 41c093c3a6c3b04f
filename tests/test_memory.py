"""The peak resident size of this process and of its children."""

import subprocess
import sys

import numpy as np
import psutil
import pytest

from chatbot.memory import peak_memory, peak_memory_of_workers


def test_the_peak_is_at_least_what_is_resident_now_and_plausible_in_bytes():
    now = psutil.Process().memory_info().rss
    assert now * 0.9 <= peak_memory() < 1 << 42


def test_the_peak_rises_with_what_is_taken_and_never_falls():
    more = 300 << 20
    now = psutil.Process().memory_info().rss
    block = np.ones(more, np.uint8)
    high = peak_memory()
    assert high >= now + 0.9 * more
    del block
    assert peak_memory() >= high


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count finished children")
def test_the_peak_of_workers_is_that_of_the_largest_finished_child():
    subprocess.run([sys.executable, "-c", "b = b'x' * (200 << 20)"], check=True)
    assert 200 << 20 <= peak_memory_of_workers() < 1 << 42

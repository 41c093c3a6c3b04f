"""The peak resident size of this process and of its children, and what is given back."""

import os
import subprocess
import sys

import numpy as np
import psutil
import pytest

from chatbot.memory import bytes_of, peak_memory, peak_memory_of_workers


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


@pytest.mark.parametrize(
    ("text", "count"),
    [("900MB", 900_000_000), ("1.5GB", 1_500_000_000), ("0.25gb", 250_000_000), ("1Mb", 1_000_000)],
)
def test_sizes_are_read_as_they_are_written(text, count):
    assert bytes_of(text) == count


def printed(code: str) -> list[int]:
    """The numbers that a process of its own prints, which begins with a `resident` function."""
    head = (
        "import psutil\nfrom chatbot.memory import release_freed, release_program\n"
        "def resident():\n    return psutil.Process().memory_info().rss\n"
    )
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, check=True)
    return [int(number) for number in done.stdout.split()]


linux = pytest.mark.skipif(sys.platform != "linux", reason="done on Linux only")


@linux
def test_what_was_freed_below_something_in_use_is_given_back():
    if "glibc" not in os.confstr("CS_GNU_LIBC_VERSION"):
        pytest.skip("another C library")
    full, freed, released = printed(
        "import ctypes\n"
        "c = ctypes.CDLL(None)\n"
        "c.malloc.restype = ctypes.c_void_p\n"
        "c.malloc.argtypes = [ctypes.c_size_t]\n"
        "c.free.argtypes = [ctypes.c_void_p]\n"
        "blocks = [c.malloc(100_000) for _ in range(2_000)]\n"
        "for block in blocks: ctypes.memset(block, 1, 100_000)\n"
        "print(resident())\n"
        "for block in blocks[:-1]: c.free(block)\n"
        "print(resident())\n"
        "release_freed()\n"
        "print(resident())\n"
    )
    assert full - freed < 20 << 20, "the C library has changed: nothing is kept"
    assert full - released > 150 << 20


@linux
def test_pages_of_tensorflow_are_given_back_and_it_goes_on_working():
    before, after, total = printed(
        "import chatbot.learn\nimport tensorflow as tf\n"
        "print(resident())\n"
        "release_program()\n"
        "print(resident())\n"
        "print(int(tf.reduce_sum(tf.matmul(tf.ones([30, 30]), tf.ones([30, 30])))))\n"
    )
    assert before - after > 150 << 20
    assert total == 27_000


@linux
def test_private_copies_of_pages_and_what_can_be_written_stay(tmp_path):
    file = tmp_path / "pages"
    file.write_bytes(bytes(4 << 20))
    kept = printed(
        "import ctypes, mmap\n"
        "c = ctypes.CDLL(None)\n"
        f"file, kept = open({str(file)!r}, 'rb'), []\n"
        "def mapped(rights):\n"
        "    flags = {'flags': mmap.MAP_PRIVATE, 'prot': mmap.PROT_READ | mmap.PROT_WRITE}\n"
        "    pages = mmap.mmap(file.fileno(), 4 << 20, **flags)\n"
        "    pages[:] = b'\\x05' * (4 << 20)\n"
        "    kept.append(pages)\n"
        "    first = ctypes.addressof(ctypes.c_char.from_buffer(pages))\n"
        "    assert c.mprotect(ctypes.c_void_p(first), ctypes.c_size_t(4 << 20), rights) == 0\n"
        "    return first\n"
        "there = [mapped(mmap.PROT_READ), mapped(mmap.PROT_READ | mmap.PROT_WRITE)]\n"
        "release_program()\n"
        "for first in there: print(ctypes.string_at(first + 9_000, 1)[0])\n"
    )
    assert kept == [5, 5]

"""How much memory this process takes, and giving back what it does not need.

Comes in: nothing. Goes out: bytes, as the operating system counts them. Knows nothing of what
memory is used for.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_MAPS = Path("/proc/self/smaps")
_MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)")
_M_MMAP_THRESHOLD, _LARGE = -3, 4 << 20
_MADV_DONTNEED = 4
_LEAST_PAGES = 1 << 20
_UNITS = {"MB": 10**6, "GB": 10**9}


def bytes_of(text: str) -> int:
    """The bytes that `900MB` or `1.5GB` stand for, by thousands as `show.size` writes them."""
    return round(float(text[:-2]) * _UNITS[text[-2:].upper()])


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_memory_of_workers() -> int:
    """The largest resident size of any finished child process, in bytes; 0 where unknown."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def release_freed() -> None:
    """Gives back what the C library keeps of memory that was freed; glibc only, some 6 ms.

    It keeps all that lies below something in use, so that large buffers of one step and small ones
    that stay drive the heap up. Elsewhere nothing happens.
    """
    if sys.platform == "linux" and hasattr(_c(), "malloc_trim"):
        _c().malloc_trim(0)


def give_back_large() -> None:
    """From now on large blocks go back to the system when they are freed; Linux's C library only.

    By itself it keeps them from the second time on, so that a file of weights that was read and
    checked stays resident. Blocks of the size that a step of decoding needs are kept as before.
    """
    if sys.platform == "linux" and hasattr(_c(), "mallopt"):
        _c().mallopt(_M_MMAP_THRESHOLD, _LARGE)


def release_program() -> None:
    """Gives back pages of program files that were read once; Linux only.

    TensorFlow touches some 300 MB of its libraries while it is imported, for relocations and the
    tables of all its operations, most of which is never looked at again. The pages are those of the
    files, unchanged, and come back from the kernel's cache of them when they are touched.
    """
    if sys.platform != "linux":
        return
    for first, last in _pages_of_files():
        _c().madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_DONTNEED)


def _c() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def release_all() -> None:
    """Gives back both."""
    release_freed()
    release_program()


def release_after(steps: int, every: int, cap: str | None) -> None:
    """Gives back what steps of training leave: what compiling the first has read, what was freed.

    Args:
        steps: steps of this process so far.
        every: after how many steps what was freed is given back, ...
        cap: ... unless memory is capped: then after each.
    """
    if steps == 1:
        release_program()
    if cap is not None or steps % every == 0:
        release_freed()


def _pages_of_files() -> Iterator[tuple[int, int]]:
    """Where large stretches of files lie that nobody can write to and nobody has changed."""
    try:
        lines = _MAPS.read_text("ascii", "replace").splitlines()
    except OSError:
        return
    where, resident = (0, 0), 0
    for line in lines:
        if found := _MAP.match(line):
            first, last, rights, inode = found.groups()
            of_file = inode != "0" and rights[1] != "w" and rights[3] == "p"
            where = (int(first, 16), int(last, 16)) if of_file else (0, 0)
        elif line.startswith("Rss:"):
            resident = int(line.split()[1]) << 10
        elif line.startswith("Anonymous:"):
            # Private copies of pages, as relocation leaves them, would be lost.
            unchanged = line.split()[1] == "0"
            if where[1] and unchanged and resident >= _LEAST_PAGES:
                yield where

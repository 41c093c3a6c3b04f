"""What this machine can do: how fast it multiplies matrices, how much memory it has.

Comes in: nothing. Goes out: numbers. Knows nothing of what they are for.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_SIZE = 64
_PRODUCTS = 32
_SECONDS = 0.05


def gflops_a_core() -> float:
    """How fast NumPy multiplies float32 matrices on one core, in 10^9 operations a second.

    Takes a twentieth of a second. The matrices are so small that a product stays on one core, and
    the best of all tries counts, so it is the same within 1 % on a machine that is busy.
    """
    import numpy as np

    draw = np.random.default_rng(0)
    matrices = draw.standard_normal((_PRODUCTS, _SIZE, _SIZE), np.float32)
    result = np.empty_like(matrices)
    began, best = time.perf_counter(), float("inf")
    while (now := time.perf_counter()) - began < _SECONDS:
        np.matmul(matrices, matrices, out=result)
        best = min(best, time.perf_counter() - now)
    return 2 * _PRODUCTS * _SIZE**3 / best / 1e9


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself; emulation would be slower."""
    try:
        text = _CPU_INFO.read_text()
    except OSError:
        return False
    return "avx512_bf16" in text or "amx_bf16" in text


def total_memory() -> int:
    """The bytes of memory of this machine; 0 where unknown."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.virtual_memory().total)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 0

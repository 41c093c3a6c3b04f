"""What this machine can do."""

import os

import numpy as np
import psutil
import pytest

from chatbot import machine


def test_the_memory_is_what_the_system_says():
    assert machine.total_memory() == psutil.virtual_memory().total


def test_the_cores_are_those_this_process_may_use():
    assert machine.cores() == len(psutil.Process().cpu_affinity())


def test_the_speed_of_a_core_is_that_of_its_matrix_products(monkeypatch):
    clock = iter(range(1_000))
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(clock) * 0.004)
    # Every look at the clock is 4 ms later, so each set of 32 products took as long.
    assert machine.gflops_a_core() == pytest.approx(2 * 32 * 64**3 / 0.004 / 1e9)


def test_the_best_product_counts(monkeypatch):
    ticks = iter(np.cumsum([0, 0, 0.02, 0.001, 0.01, 0.001, 0.03, 1]).tolist())
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(ticks))
    assert machine.gflops_a_core() == pytest.approx(2 * 32 * 64**3 / 0.01 / 1e9)


def test_a_real_measurement_is_a_possible_one():
    assert 0.5 < machine.gflops_a_core() < 5_000


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("flags : fpu avx512_bf16 avx2\n", True),
        ("flags : amx_bf16\n", True),
        ("flags : fpu avx2 avx512f\n", False),
        (None, False),
    ],
)
def test_bfloat16_is_looked_up_among_the_flags(text, has, tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(machine, "_CPU_INFO", path)
    assert machine.has_bfloat16() is has


def test_memory_that_is_not_known_is_none(monkeypatch):
    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert machine.total_memory() == 0

"""Interleaved repeats of several ways to do something, as medians with their spread."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version


def interleaved(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each way: one round of all ways to warm up, then rounds that count.

    Interleaved, so that a machine that grows slower or faster touches all ways alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(repeats + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            if round_number:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def spread(values: list[float]) -> str:
    """Median (least to most).

    >>> spread([3.0, 1.0, 2.0])
    '2.000 (1.000 to 3.000)'
    """
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def ratios(a: list[float], b: list[float]) -> list[float]:
    """a / b, round by round."""
    return [x / y for x, y in zip(a, b, strict=True)]


def machine() -> str:
    """One line that says what this was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy"))
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {packages}"


def child(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of one process from start to end; it must end with 0."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024

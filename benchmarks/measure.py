"""Interleaved repeats of several ways to do something, as medians with their spread."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import subprocess
import threading
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


def spread(values: list[float], digits: int = 3) -> str:
    """Median (least to most).

    >>> spread([3.0, 1.0, 2.0])
    '2.000 (1.000 to 3.000)'
    """
    middle, least, most = (f(values) for f in (statistics.median, min, max))
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def ratios(a: list[float], b: list[float]) -> list[float]:
    """a / b, round by round."""
    return [x / y for x, y in zip(a, b, strict=True)]


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine(*more: str) -> str:
    """One line that says what this was measured on; `more` packages besides torch and numpy."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", *more))
    return f"{cores()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}"


def child(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of one process from start to end; it must end with 0."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def watched(command: Sequence[str]) -> tuple[float, float, float]:
    """Seconds of a command, and the peak memory (MiB) of its process and of all its children.

    Children are added up at each moment, twenty of which are looked at a second.
    """
    import psutil

    peaks, over = [0, 0], threading.Event()

    def look(process: psutil.Process) -> None:
        while not over.wait(0.05):
            with contextlib.suppress(psutil.Error):
                children = process.children(recursive=True)
                peaks[0] = max(peaks[0], process.memory_info().rss)
                peaks[1] = max(peaks[1], sum(child.memory_info().rss for child in children))

    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        looking = threading.Thread(target=look, args=(psutil.Process(process.pid),))
        looking.start()
        _, errors = process.communicate()
        seconds = time.perf_counter() - begin
        over.set()
        looking.join()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}: {errors.decode()[-2000:]}")
    return seconds, peaks[0] / 2**20, peaks[1] / 2**20

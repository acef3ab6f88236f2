"""How the time of a run grows with runs, width, depth and epochs; what 10,000 runs take besides.

    python benchmarks/growth.py [--runs 10000] [--repeats 3]

The curves are training alone, in stacks, on one thread; they go to benchmarks/growth.svg. Of the
largest study `regbench run --workers 2` shows the memory of the command and of its workers, less
what the same takes with 80 runs (a stack for each worker): what every further run costs. Within one
process, what is not training is reading the study, planning, committing, tables and progress.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from measure import interleaved, machine, spread, watched
from rich.console import Console

import regbench
from regbench.config.load import study_from_mapping
from regbench.config.plan import make_plan
from regbench.data import fingerprints
from regbench.engine.loop import train_stack
from regbench.engine.stacks import make_stacks
from regbench.report.aligned import print_plain
from regbench.report.progress import progress_for
from regbench.results.store import Store

PLOT = Path(__file__).with_name("growth.svg")
TINY = {"runs": 10, "width": 8, "depth": 1, "epochs": 20}
SMALL = {"runs": 40, "width": 32, "depth": 2, "epochs": 5}
AXES: dict[str, tuple[Mapping[str, int], Sequence[int]]] = {
    "runs": (TINY, (10, 100, 1000, 10_000)),
    "width": (SMALL, (8, 16, 32, 64, 128, 256, 512)),
    "depth": (SMALL, (1, 2, 4, 8)),
    "epochs": (SMALL, (5, 10, 20, 40)),
}
SEEDS = 10
MEMORY_START_RUNS = 80


def study(runs: int, width: int, depth: int, epochs: int) -> dict[str, Any]:
    """So many runs, a multiple of 10, on 200 points."""
    return {
        "name": "growth",
        "dataset": {"name": "moons", "n_samples": 200, "train_size": 100, "val_size": 50},
        "model": {"hidden": [width] * depth},
        "training": {"epochs": epochs, "device": "cpu"},
        "seeds": SEEDS,
        "sweep": {"regularizer.l2": [1e-6 * (i + 1) for i in range(runs // SEEDS)]},
    }


def training(**sizes: int) -> Callable[[], object]:
    """Trains the study's stacks one after the other."""
    asked = study_from_mapping(study(**sizes))
    plan = make_plan(asked, fingerprints(asked))
    stacks = make_stacks(plan.runs, Path())
    return lambda: [train_stack(stack.members, Path()) for stack in stacks]


def curve(axis: str, most_runs: int, repeats: int) -> dict[int, list[float]]:
    """Seconds a run at each point of an axis, all repeats."""
    base, points = AXES[axis]
    sizes = {
        point: {**base, axis: point} for point in points if axis != "runs" or point <= most_runs
    }
    seconds = interleaved({str(point): training(**size) for point, size in sizes.items()}, repeats)
    return {
        point: [value / size["runs"] for value in seconds[str(point)]]
        for point, size in sizes.items()
    }


def plot(curves: Mapping[str, Mapping[int, Sequence[float]]]) -> None:
    """One panel an axis, medians with their spread, both scales logarithmic."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "regbench", "font.size": 8}):
        figure = Figure(figsize=(7, 5), layout="constrained")
        for panel, (axis, points) in zip(figure.subplots(2, 2).flat, curves.items(), strict=True):
            of_points = [[1000 * value for value in values] for values in points.values()]
            low, middle, high = (
                [f(values) for values in of_points] for f in (min, statistics.median, max)
            )
            panel.fill_between(list(points), low, high, alpha=0.3, linewidth=0)
            panel.loglog(list(points), middle, marker="o", markersize=3)
            panel.set(xlabel=axis, ylabel="ms a run", ylim=(min(low) / 2, max(high) * 2))
            panel.set_xticks(list(points), [f"{point:,}" for point in points])
            panel.xaxis.set_minor_locator(NullLocator())
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_locator(NullLocator())
            panel.spines[["top", "right"]].set_visible(False)
        figure.savefig(PLOT, metadata={"Date": None})


def memory(runs: int) -> tuple[float, float, float]:
    """Seconds, MiB of the command and MiB of its workers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "growth.yaml")  # JSON is YAML
        path.write_text(json.dumps(study(**{**TINY, "runs": runs})))
        command = [sys.executable, "-m", "regbench", "run", str(path), "-o", f"{folder}/results"]
        return watched([*command, "--workers", "2", "--quiet"])


def parts(runs: int) -> dict[str, float]:
    """Seconds of one study in this process: in all, and within what it calls."""
    seconds: dict[str, float] = {}

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin

        return call

    from regbench import api
    from regbench.executors import train as training

    progress = progress_for(Console(file=io.StringIO()), "growth")
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(training, "train_stack", clocked("training", training.train_stack)),
        patch.object(Store, "commit", clocked("commits", Store.commit)),
        patch.object(Store, "write_tables", clocked("tables", Store.write_tables)),
        patch.object(api, "_write_gap", clocked("gap table", api._write_gap)),
    ):
        mapping = study(**{**TINY, "runs": runs})
        clocked("all", regbench.run)(mapping, out=folder, workers=1, progress=progress)
    inner = sum(value for name, value in seconds.items() if name != "all")
    return {**seconds, "study, plan, progress": seconds["all"] - inner}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)

    print(f"training alone, one thread; {machine()}")
    curves = {axis: curve(axis, asked.runs, asked.repeats) for axis in AXES}
    plot(curves)
    rows = [
        (axis, str(point), spread([1000 * value for value in values], 2))
        for axis, points in curves.items()
        for point, values in points.items()
    ]
    print_plain(Console(width=100), ["axis", "", "ms a run: median (least to most)"], rows)
    for axis, (base, _) in AXES.items():
        rest = ", ".join(f"{name} {size}" for name, size in base.items() if name != axis)
        print(f"against {axis}: {rest}")

    print(f"\nregbench run --workers 2, {asked.runs:,} runs against {MEMORY_START_RUNS}")
    _, start_command, start_workers = memory(MEMORY_START_RUNS)
    seconds, command, workers = memory(asked.runs)
    print(f"  {seconds:.1f} s, {1000 * seconds / asked.runs:.2f} ms a run, the whole command")
    for name, start, peak in (
        ("command", start_command, command),
        ("workers", start_workers, workers),
    ):
        print(
            f"  {name}: {start:.0f} MiB, then {peak:.0f}: {peak - start:+.0f} (target: under 300)"
        )

    print(f"\nregbench.run, one process, {asked.runs:,} runs")
    seconds_of = parts(asked.runs)
    for name, value in sorted(seconds_of.items(), key=lambda item: -item[1]):
        print(f"  {name:<22} {value:7.2f} s {value / seconds_of['all']:6.1%}")
    rest = 1 - seconds_of["training"] / seconds_of["all"]
    print(f"  all but training takes {rest:.1%} of the time (target: under 10%)")


if __name__ == "__main__":
    main()

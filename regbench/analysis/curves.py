"""Learning curves of each cell: means over its seeds, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats, bounds
from regbench.results.frames import Trajectory
from regbench.results.runs import RunRow, Runs


@dataclass(frozen=True)
class MeanCurve:
    """A metric over the epochs: (E,) means and 95% intervals; NaN where n is too small."""

    epochs: Floats
    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class CellCurves:
    """One cell's learning curves.

    Attributes:
        means: by column of epochs.csv; scored epochs only.
        best_epoch: mean over the seeds; None where there is none.
        stop_epoch: mean of the runs' own stops, where they stopped before the last epoch.
    """

    cell: str
    means: Mapping[str, MeanCurve]
    best_epoch: float | None
    stop_epoch: float | None


def cell_curves(
    runs: Runs, curves: Mapping[str, Trajectory], columns: Sequence[str]
) -> list[CellCurves]:
    """The curves of each cell, in the order of the plan.

    A mean is over the runs that are still training, and ends where fewer than half of them are.
    Runs without numbers (diverged, failed) are left out, as they are in the tables.

    Args:
        curves: by run id.
        columns: of epochs.csv; those that a run lacks are left out.
    """
    by_cell: dict[str, list[RunRow]] = {}
    for row in runs.rows:
        by_cell.setdefault(row.cell, []).append(row)
    longest = max((row.metrics["epochs_run"] for row in runs.rows if row.ok), default=0)
    found = []
    for cell, rows in by_cell.items():
        own = [row for row in rows if row.ok and row.run_id in curves]
        means = {}
        for name in columns:
            mean = _mean([curves[row.run_id] for row in own], name)
            if mean is not None:
                means[name] = mean
        stops = [row.metrics["epochs_run"] for row in own]
        early = bool(stops) and min(stops) < longest
        found.append(
            CellCurves(
                cell,
                means,
                _average([row.metrics["best_epoch"] for row in own]),
                _average(stops) if early else None,
            )
        )
    return found


def _average(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _mean(runs: Sequence[Trajectory], name: str) -> MeanCurve | None:
    """The mean over runs, which may have stopped at different epochs."""
    own = [run for run in runs if name in run]
    if not own:
        return None
    epochs = np.unique(np.concatenate([run["epoch"] for run in own]))
    values = np.full((len(epochs), len(own)), np.nan)
    for r, run in enumerate(own):
        values[np.searchsorted(epochs, run["epoch"]), r] = run[name]
    values = np.where(np.isfinite(values), values, np.nan)
    there = np.isfinite(values).sum(axis=1)
    kept = there * 2 >= max(1, len(own))
    if not kept.any():
        return None
    return MeanCurve(epochs[kept], *bounds(values[kept]))

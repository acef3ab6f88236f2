"""Scores that finished runs do not have, named: a mean leaves them out."""

from __future__ import annotations

from math import isfinite, nan

from regbench.analysis.words import counted, some
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.metrics import LOSS, OF_EVERY_STUDY, PARTS, Metric, metrics_among

__all__ = ["empty_scores"]

_WHY = {
    "targets alike": "the targets of the part are all alike",
    "class missing": "the part lacks a class",
    "": "their outputs are not finite",
}


def empty_scores(runs: Runs) -> list[str]:
    """A sentence for each column of a metric that is empty where the part has a loss."""
    found = []
    for metric in metrics_among(runs.metrics):
        own = [row for row in runs.rows if row.ok and not _of_other_task(row, metric)]
        for part in PARTS:
            name = f"{part}_{metric.name}"
            there = [row for row in own if isfinite(row.metrics.get(f"{part}_{LOSS.name}", nan))]
            empty = [row for row in there if not isfinite(row.metrics.get(name, nan))]
            if empty:
                named = some([f"{row.cell} seed {row.seed}" for row in empty])
                found.append(
                    f"{name} is empty in {len(empty)} of {counted(len(there), 'run')} ({named}): "
                    f"{_WHY[metric.undefined]}"
                )
    return found


def _of_other_task(row: RunRow, metric: Metric) -> bool:
    """Whether a run of a study with both tasks has the other task's score."""
    others = [m for m in OF_EVERY_STUDY if m.task and metric.task and m.task != metric.task]
    return any(isfinite(row.metrics.get(f"train_{m.name}", nan)) for m in others)

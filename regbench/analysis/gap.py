"""The gap table: one row a cell, means and intervals over seeds, differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from regbench.analysis.statistics import Interval, holm, interval, paired_p
from regbench.results.runs import RunRow, Runs

__all__ = ["CellGap", "Delta", "gap_columns", "gap_table"]

INTERVAL_METHOD = "Student's t, 95%"
TEST_METHOD = "paired t, Holm"
_GAPS = ("gap_loss", "gap_acc", "gap_r2")


@dataclass(frozen=True)
class Delta:
    """A gap less the baseline's, paired by seed, with the p-value adjusted over the table."""

    interval: Interval
    p_adjusted: float | None = None


@dataclass(frozen=True)
class CellGap:
    """One row of the gap table.

    Attributes:
        settings: the config keys that vary.
        n, n_failed: runs with numbers, and runs without (diverged or failed).
        metrics: each metric's mean and interval.
        baseline: the cell that differs from this one only in having no regularizer.
        deltas: by gap, the paired difference from the baseline; empty without one.
        best_epoch: mean over the runs.
    """

    cell: str
    regularizer: str
    settings: Mapping[str, str]
    n: int
    n_failed: int
    metrics: Mapping[str, Interval]
    baseline: str | None
    deltas: Mapping[str, Delta]
    best_epoch: Interval
    epochs_run: Interval


def gap_table(runs: Runs) -> list[CellGap]:
    """The table of a study's runs, cells in the order of the plan."""
    cells = runs.cells()
    baselines = _baselines(cells)
    rows = [_row(runs, cell, rows, cells, baselines) for cell, rows in cells.items()]
    for gap in _GAPS:
        adjusted = holm([_p(row, cells, gap) for row in rows])
        rows = [
            replace(row, deltas={**row.deltas, gap: replace(row.deltas[gap], p_adjusted=p)})
            if gap in row.deltas
            else row
            for row, p in zip(rows, adjusted, strict=True)
        ]
    return rows


def _baselines(cells: Mapping[str, Sequence[RunRow]]) -> dict[str, str]:
    """For each regularized cell, the one that is alike in all else and has no regularizer."""

    def rest(row: RunRow) -> tuple[tuple[str, str], ...]:
        return tuple(
            (key, value) for key, value in row.settings.items() if not key.startswith("regularizer")
        )

    unregularized = {
        rest(rows[0]): cell for cell, rows in cells.items() if rows[0].regularizer == "none"
    }
    return {
        cell: unregularized[rest(rows[0])]
        for cell, rows in cells.items()
        if rows[0].regularizer != "none" and rest(rows[0]) in unregularized
    }


def _row(
    runs: Runs,
    cell: str,
    rows: Sequence[RunRow],
    cells: Mapping[str, Sequence[RunRow]],
    baselines: Mapping[str, str],
) -> CellGap:
    sound = [row for row in rows if row.ok]
    baseline = baselines.get(cell)
    deltas = {}
    for gap in _GAPS:
        if baseline is not None and gap in runs.metrics:
            deltas[gap] = Delta(interval(paired_differences(rows, cells[baseline], gap)))
    return CellGap(
        cell=cell,
        regularizer=rows[0].regularizer,
        settings=rows[0].settings,
        n=len(sound),
        n_failed=len(rows) - len(sound),
        metrics={name: _over(sound, name) for name in runs.metrics},
        baseline=baseline,
        deltas=deltas,
        best_epoch=_over(sound, "best_epoch"),
        epochs_run=_over(sound, "epochs_run"),
    )


def _over(rows: Sequence[RunRow], name: str) -> Interval:
    return interval([row.metrics[name] for row in rows])


def _p(row: CellGap, cells: Mapping[str, Sequence[RunRow]], gap: str) -> float | None:
    if row.baseline is None or gap not in row.deltas:
        return None
    return paired_p(paired_differences(cells[row.cell], cells[row.baseline], gap))


def paired_differences(a: Sequence[RunRow], b: Sequence[RunRow], metric: str) -> list[float]:
    """a less b by seed, where both runs have the metric."""
    other = {row.seed: row.metrics[metric] for row in b if row.ok}
    differences = [
        row.metrics[metric] - other[row.seed] for row in a if row.ok and row.seed in other
    ]
    return [value for value in differences if isfinite(value)]


def gap_columns(runs: Runs, table: Sequence[CellGap]) -> tuple[list[str], list[list[object]]]:
    """Header and rows of gap.csv."""
    gaps = [gap for gap in _GAPS if gap in runs.metrics]
    header = ["cell", "regularizer", *runs.varying, "n", "n_failed"]
    for name in runs.metrics:
        header += [name, f"{name}_low", f"{name}_high"]
    for gap in gaps:
        header += [f"delta_{gap}", f"delta_{gap}_low", f"delta_{gap}_high", _p_column(gap)]
    header += ["interval_method", "test_method", "verdict"]
    return header, [_values(runs, row, gaps) for row in table]


def _p_column(gap: str) -> str:
    return "p_adjusted" if gap == "gap_loss" else f"p_adjusted_{gap}"


def _values(runs: Runs, row: CellGap, gaps: Sequence[str]) -> list[object]:
    values: list[object] = [row.cell, row.regularizer]
    values += [row.settings[key] for key in runs.varying]
    values += [row.n, row.n_failed]
    for name in runs.metrics:
        found = row.metrics[name]
        values += [found.mean, found.low, found.high]
    for gap in gaps:
        delta = row.deltas.get(gap, Delta(Interval(None, None, None, 0)))
        values += [delta.interval.mean, delta.interval.low, delta.interval.high, delta.p_adjusted]
    values += [INTERVAL_METHOD if row.n > 1 else None, TEST_METHOD if row.deltas else None, None]
    return values

"""The gap table: one row a cell, means and intervals over seeds, differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from regbench.analysis.by_seed import BySeed, Floats
from regbench.analysis.cell_gap import CellGap, Delta
from regbench.analysis.statistics import (
    BCA_FROM,
    Interval,
    IntervalMethod,
    TestMethod,
    holm,
    intervals,
    min_detectable,
    p_improvement,
    paired_ps,
    wilcoxon_can_decide,
)
from regbench.analysis.verdict import with_verdicts
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.metrics import GAPS, LOSS

__all__ = ["gap_columns", "gap_table"]

_NOTHING = Interval(None, None, None, 0)


def gap_table(
    runs: Runs, *, interval: IntervalMethod = "t", test: TestMethod = "t"
) -> list[CellGap]:
    """The table of a study's runs, cells in the order of the plan.

    Args:
        interval: `bca` takes the bootstrap for cells of at least 30 seeds.
        test: `wilcoxon` takes the signed-rank test where so many seeds can reach significance.
    """
    by_seed = BySeed(runs)
    if not by_seed.cells:
        return []
    baselines = _baselines(by_seed.first)
    names = (*by_seed.metrics, "best_epoch", "epochs_run")
    over = {name: intervals(by_seed[name], method=interval) for name in names}
    compared = [gap for gap in GAPS if gap in runs.metrics] + ["val_loss"]
    deltas = {
        name: _deltas(by_seed, name, baselines, interval, test) for name in compared if baselines
    }
    sound, lost = by_seed.counts
    table = []
    for k, (cell, first) in enumerate(by_seed.first.items()):
        own = {name: found[cell] for name, found in deltas.items() if cell in found}
        table.append(
            CellGap(
                cell=cell,
                regularizer=first.regularizer,
                settings=first.settings,
                n=sound[k],
                n_failed=lost[k],
                metrics={name: over[name][k] for name in by_seed.metrics},
                baseline=baselines.get(cell),
                deltas=own,
                best_epoch=over["best_epoch"][k],
                epochs_run=over["epochs_run"][k],
                interval_method=_interval_method(interval, sound[k]),
                test_method=_test_method(test, sound[k], len(baselines)) if own else "",
            )
        )
    return with_verdicts(table, by_seed)


def _interval_method(asked: IntervalMethod, n: int) -> str:
    if n < 2:
        return ""
    return "BCa bootstrap, 95%" if asked == "bca" and n >= BCA_FROM else "Student's t, 95%"


def _test_method(asked: TestMethod, n: int, tests: int) -> str:
    if n < 2:
        return ""
    signed_rank = asked == "wilcoxon" and wilcoxon_can_decide(n, tests)
    return "Wilcoxon signed-rank, Holm" if signed_rank else "paired t, Holm"


def _baselines(first: Mapping[str, RunRow]) -> dict[str, str]:
    """For each regularized cell, the one that is alike in all else and has no regularizer."""

    def rest(row: RunRow) -> tuple[tuple[str, str], ...]:
        return tuple(
            (key, value) for key, value in row.settings.items() if not key.startswith("regularizer")
        )

    unregularized = {rest(row): cell for cell, row in first.items() if row.regularizer == "none"}
    return {
        cell: unregularized[rest(row)]
        for cell, row in first.items()
        if row.regularizer != "none" and rest(row) in unregularized
    }


def _deltas(
    by_seed: BySeed,
    metric: str,
    baselines: Mapping[str, str],
    interval: IntervalMethod,
    test: TestMethod,
) -> dict[str, Delta]:
    """By cell, the difference of a metric from the baseline's."""
    values = np.stack(
        [by_seed.row(metric, cell) - by_seed.row(metric, base) for cell, base in baselines.items()]
    )
    adjusted = holm(_ps(values, test))
    deltas = map(
        Delta,
        intervals(values, method=interval),
        adjusted,
        p_improvement(values),
        min_detectable(values),
    )
    return dict(zip(baselines, deltas, strict=True))


def _ps(differences: Floats, test: TestMethod) -> list[float | None]:
    """p of each row, by the signed-rank test where it is asked for and can decide."""
    ps = paired_ps(differences)
    if test == "wilcoxon":
        tests = sum(p is not None for p in ps)
        n = np.isfinite(differences).sum(axis=1)
        able = np.array([wilcoxon_can_decide(int(m), tests) for m in n])
        ranked = iter(paired_ps(differences[able], "wilcoxon"))
        ps = [next(ranked) if can else p for can, p in zip(able, ps, strict=True)]
    return ps


def gap_columns(runs: Runs, table: Sequence[CellGap]) -> tuple[list[str], list[list[object]]]:
    """Header and rows of gap.csv."""
    gaps = [gap for gap in GAPS if gap in runs.metrics]
    metrics = list(table[0].metrics) if table else list(runs.metrics)
    header = ["cell", "regularizer", *runs.varying, "n", "n_failed"]
    for name in metrics:
        header += [name, f"{name}_low", f"{name}_high"]
    for gap in gaps:
        header += [f"delta_{gap}", f"delta_{gap}_low", f"delta_{gap}_high"]
        header += [f"{name}{_suffix(gap)}" for name in ("p_adjusted", *_MORE)]
    header += ["interval_method", "test_method", "verdict", "evidence"]
    return header, [_values(runs, row, metrics, gaps) for row in table]


_MORE = ("p_improvement", "min_detectable")


def _suffix(gap: str) -> str:
    """The gap in loss has the plain names; the others say which gap they speak of."""
    return "" if gap == LOSS.gap_column else f"_{gap}"


def _values(runs: Runs, row: CellGap, metrics: Sequence[str], gaps: Sequence[str]) -> list[object]:
    values: list[object] = [row.cell, row.regularizer]
    values += [row.settings[key] for key in runs.varying]
    values += [row.n, row.n_failed]
    for name in metrics:
        found = row.metrics[name]
        values += [found.mean, found.low, found.high]
    for gap in gaps:
        delta = row.deltas.get(gap, Delta(_NOTHING))
        values += [delta.interval.mean, delta.interval.low, delta.interval.high]
        values += [delta.p_adjusted, delta.p_improvement, delta.min_detectable]
    methods = [row.interval_method or None, row.test_method or None]
    return [*values, *methods, row.verdict or None, row.evidence or None]

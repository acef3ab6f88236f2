"""The gap table: one row a cell, means and intervals over seeds, differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap, Delta
from regbench.analysis.families import Family, Member, adjusted, baselines, families
from regbench.analysis.statistics import (
    Floats,
    IntervalMethod,
    TestMethod,
    differences,
    intervals,
    min_detectable,
    p_improvement,
    paired_ps,
    wilcoxon_can_decide,
)
from regbench.analysis.verdict import with_verdicts
from regbench.config.speaks import Over
from regbench.errors import BadStudy
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import GAPS, LOSS, OF_EVERY_STUDY
from regbench.vocabulary.words import counted


def gap_table(
    runs: Runs, *, over: Over = "seeds", method: IntervalMethod = "t", test: TestMethod = "t"
) -> list[CellGap]:
    """The table of a study's runs, cells in the order of the plan.

    Args:
        over: what intervals and p speak of: other seeds, or other rows of the same kind.
        method: `bca` takes the bootstrap for cells of at least 30 seeds.
        test: `wilcoxon` takes the signed-rank test where so many pairs can reach significance.
    Raises:
        BadStudy: a bootstrap or a signed-rank test over rows, which there is not.
        BadData: intervals over rows, of runs that do not say how many rows they have.
    """
    if over == "rows" and (method, test) != ("t", "t"):
        raise BadStudy("--interval rows is a corrected t: it goes with --method t and --test t")
    by_seed = BySeed(runs, over)
    if not by_seed.cells:
        return []
    names = (*by_seed.metrics, "best_epoch", "epochs_run")
    found = {
        name: intervals(by_seed[name], method=method, ratio=by_seed.ratio(name)) for name in names
    }
    members = [Member(c, row.regularizer, row.settings) for c, row in by_seed.first.items()]
    compared = _compared(runs)
    base = baselines(members)
    deltas = _Deltas(by_seed, base, families(members), method, test)
    against = {name: deltas.of(name) for name in compared if base}
    sound, lost = by_seed.counts
    table = []
    for k, (cell, first) in enumerate(by_seed.first.items()):
        own = {name: each[cell] for name, each in against.items() if cell in each}
        metrics = {name: found[name][k] for name in by_seed.metrics}
        made = {name: each.method for name, each in metrics.items()}
        made |= {f"delta_{name}": delta.interval.method for name, delta in own.items()}
        table.append(
            CellGap(
                cell=cell,
                regularizer=first.regularizer,
                settings=first.settings,
                n=sound[k],
                n_failed=lost[k],
                n_diverged=by_seed.diverged.get(cell, 0),
                metrics=metrics,
                baseline=base.get(cell),
                deltas=own,
                best_epoch=found["best_epoch"][k],
                epochs_run=found["epochs_run"][k],
                interval_method=_told(made),
                test_method=_told({name: delta.test for name, delta in own.items()}),
                over=over,
            )
        )
    return with_verdicts(table, by_seed)


def _compared(runs: Runs) -> list[str]:
    """What is compared with the baseline: the gaps, and what a narrower gap may cost."""
    scores = [f"val_{metric.name}" for metric in OF_EVERY_STUDY]
    return [name for name in (*GAPS, *scores) if name in runs.metrics]


def _told(methods: Mapping[str, str]) -> str:
    """The method, or which columns each belongs to where there are several.

    >>> _told({"a": "t", "b": "t", "c": ""}), _told({"a": "t", "b": "bca", "c": "bca"})
    ('t', 'bca (t: a)')
    """
    names: dict[str, list[str]] = {}
    for name, method in methods.items():
        if method:
            names.setdefault(method, []).append(name)
    if not names:
        return ""
    most, *others = sorted(names, key=lambda method: -len(names[method]))
    rest = "; ".join(f"{method}: {', '.join(names[method])}" for method in others)
    return f"{most} ({rest})" if rest else most


class _Deltas:
    """Differences from baselines, metric by metric."""

    def __init__(
        self,
        by_seed: BySeed,
        base: Mapping[str, str],
        tests: Sequence[Family],
        method: IntervalMethod,
        test: TestMethod,
    ) -> None:
        self._by_seed, self._base, self._tests = by_seed, base, tests
        self._method, self._test = method, test
        self._at = [by_seed.cells.index(cell) for cell in base]
        self._family = {cell: family for family in tests for cell in family.cells}

    def of(self, metric: str) -> dict[str, Delta]:
        """By cell, the difference of a metric from the baseline's."""
        pairs = [
            (self._by_seed.row(metric, c), self._by_seed.row(metric, b))
            for c, b in self._base.items()
        ]
        values = differences(*(np.stack(side) for side in zip(*pairs, strict=True)))
        ratio = self._by_seed.ratio(metric)[self._at]
        ps = paired_ps(values, ratio=ratio)
        ranked = self._ranked(values)
        for k, p in ranked.items():
            ps[k] = p
        there = np.isfinite(values)
        untested = (there.sum(axis=1) < 2) | np.where(there, values == 0, True).all(axis=1)
        cells = list(self._base)
        final = adjusted(
            self._tests,
            dict(zip(cells, ps, strict=True)),
            [cell for cell, tie in zip(cells, untested, strict=True) if tie],
        )
        found = zip(
            cells,
            intervals(values, method=self._method, ratio=ratio),
            ps,
            p_improvement(values),
            min_detectable(values, ratio=ratio),
            strict=True,
        )
        return {
            cell: Delta(interval, p, final[cell], better, least, self._words(cell, p, k in ranked))
            for k, (cell, interval, p, better, least) in enumerate(found)
        }

    def _ranked(self, values: Floats) -> dict[int, float | None]:
        """p of the signed-rank test, for the rows in which it is asked for and can decide."""
        if self._test != "wilcoxon":
            return {}
        able = [
            k
            for k, (cell, n) in enumerate(
                zip(self._base, np.isfinite(values).sum(axis=1).tolist(), strict=True)
            )
            if wilcoxon_can_decide(n, len(self._tests) * self._family[cell].shares)
        ]
        return dict(zip(able, paired_ps(values[able], "wilcoxon"), strict=True))

    def _words(self, cell: str, p: float | None, ranked: bool) -> str:
        if p is None:
            return ""
        over = "corrected t over rows" if self._by_seed.over == "rows" else "paired t"
        family = self._family[cell]
        how = "fixed sequence" if family.ordered else f"each of {family.shares} strengths"
        many = counted(len(self._tests), "family")
        return f"{'Wilcoxon signed-rank, exact' if ranked else over}; {how}, {many}"


def gap_columns(runs: Runs, table: Sequence[CellGap]) -> tuple[list[str], list[list[object]]]:
    """Header and rows of gap.csv."""
    compared = _compared(runs)
    metrics = list(table[0].metrics) if table else list(runs.metrics)
    header = ["cell", "regularizer", *runs.varying, "n", "n_failed"]
    for name in metrics:
        header += [name, f"{name}_low", f"{name}_high"]
    for name in compared:
        header += [f"delta_{name}", f"delta_{name}_low", f"delta_{name}_high"]
        header += [f"{each}{_suffix(name)}" for each in _FIGURES]
    header += ["best_epoch", "interval_method", "test_method", "verdict", "evidence"]
    return header, [_values(runs, row, metrics, compared) for row in table]


_FIGURES = ("p", "p_adjusted", "p_improvement", "min_detectable")


def _suffix(name: str) -> str:
    """The gap in loss has the plain names; the others say which difference they speak of."""
    return "" if name == LOSS.gap_column else f"_{name}"


def _values(
    runs: Runs, row: CellGap, metrics: Sequence[str], compared: Sequence[str]
) -> list[object]:
    values: list[object] = [row.cell, row.regularizer]
    values += [row.settings[key] for key in runs.varying]
    values += [row.n, row.n_failed]
    for name in metrics:
        found = row.metrics[name]
        values += [found.mean, found.low, found.high]
    for name in compared:
        delta = row.delta(name)
        values += [delta.interval.mean, delta.interval.low, delta.interval.high]
        values += [getattr(delta, each) for each in _FIGURES]
    methods = [row.interval_method or None, row.test_method or None]
    return [*values, row.best_epoch.mean, *methods, row.verdict or None, row.evidence or None]

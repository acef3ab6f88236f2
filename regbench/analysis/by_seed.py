"""Runs as arrays of cells by seeds, so that pairing by seed is subtraction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isfinite, isnan

import numpy as np

from regbench.analysis.lost import no_number
from regbench.analysis.statistics import Floats
from regbench.config.speaks import Over
from regbench.errors import BadData
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.metrics import COLUMNS
from regbench.vocabulary.words import some


class BySeed:
    """A study's numbers, K cells by S seeds, NaN where a run is missing or has none.

    Attributes:
        cells: K names, in the order of the plan.
        seeds: S, ascending.
        first: the first run of each cell, for what all its runs share.
        over: what intervals of these numbers speak of: other seeds, or other rows.
    """

    def __init__(self, runs: Runs, over: Over = "seeds") -> None:
        self.runs = runs
        self.over = over
        self.first: dict[str, RunRow] = {}
        for row in runs.rows:
            self.first.setdefault(row.cell, row)
        self.cells = tuple(self.first)
        self.seeds = tuple(sorted({row.seed for row in runs.rows}))
        at_cell = {cell: k for k, cell in enumerate(self.cells)}
        at_seed = {seed: s for s, seed in enumerate(self.seeds)}
        self._k = np.array([at_cell[row.cell] for row in runs.rows], dtype=np.intp)
        self._s = np.array([at_seed[row.seed] for row in runs.rows], dtype=np.intp)
        self._ok = np.array([row.ok for row in runs.rows], dtype=bool)
        self._known: dict[str, Floats] = {}

    def __getitem__(self, metric: str) -> Floats:
        """(K, S) values of a column, or of one that is derived from columns."""
        if metric not in self._known:
            self._known[metric] = self._values(metric)
        return self._known[metric]

    def _values(self, metric: str) -> Floats:
        if metric in DERIVED:
            plus, minus = DERIVED[metric]
            return self[plus] - self[minus]
        # A table of an older regbench lacks columns that claims may speak of.
        column = np.array([row.metrics.get(metric, np.nan) for row in self.runs.rows], np.float64)
        values = np.full((len(self.cells), len(self.seeds)), np.nan)
        values[self._k, self._s] = np.where(self._ok & np.isfinite(column), column, np.nan)
        return values

    def row(self, metric: str, cell: str) -> Floats:
        """(S,) values of one cell; all NaN where there is no such cell."""
        if cell not in self.first:
            return np.full(len(self.seeds), np.nan)
        result: Floats = self[metric][self._index[cell]]
        return result

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {cell: k for k, cell in enumerate(self.cells)}

    def ratio(self, metric: str) -> Floats:
        """(K,) what the variance of a mean is more than 1 / n of the runs': see `intervals`.

        0 over seeds; over rows n_val / n_train, and n_test / n_train for what is scored on the
        test part (Nadeau & Bengio 2003). 0 for that where all runs have one test part.

        Raises:
            BadData: the sizes of the parts are not known.
        """
        if self.over == "seeds":
            return np.zeros(len(self.cells))
        by_cell: dict[str, list[RunRow]] = {cell: [] for cell in self.cells}
        for row in self.runs.rows:
            if row.ok:
                by_cell[row.cell].append(row)
        return np.array([self._ratio(rows, metric) for rows in by_cell.values()])

    def _ratio(self, rows: Sequence[RunRow], metric: str) -> float:
        """Over all runs of a cell, as folds and groups differ in size."""
        if not rows:  # without numbers, and so without intervals
            return 0.0
        of_test = metric in COLUMNS and COLUMNS[metric].of_test
        if of_test and rows[0].cell in self.runs.one_test:  # which says nothing of other rows
            return 0.0
        sizes = [self.runs.sizes.get(row.run_id, {}) for row in rows]
        train = sum(each.get("train", 0) for each in sizes)
        if not all(sizes) or not train:
            raise BadData(
                f"cell {rows[0].cell!r}: intervals over rows need the sizes of the parts, which a "
                "table alone does not hold, nor a folder of an older version: run the study again"
            )
        return sum(each["test" if of_test else "val"] for each in sizes) / train

    def incomplete(self, metric: str) -> dict[str, str]:
        """By cell, the runs whose value of a metric is no number, finished ones first."""
        found: dict[str, list[str]] = {}
        parts = DERIVED.get(metric, (metric,))
        for row in sorted(self.runs.rows, key=lambda row: not row.ok):
            odd = [no_number(row, p) for p in parts if not (row.ok and isfinite(row.metrics[p]))]
            if odd:
                found.setdefault(row.cell, []).append(f"{row.cell} seed {row.seed} ({odd[0]})")
        return {cell: f"no number in {some(rows)}" for cell, rows in found.items()}

    def is_identical(self, cell: str, other: str) -> bool:
        """Whether two cells are equal in every metric of every run, and have a run with numbers."""
        own, others = (
            {row.seed: (row.status, row.metrics) for row in self.runs.rows if row.cell == each}
            for each in (cell, other)
        )
        if own.keys() != others.keys() or not any(s == "ok" for s, _ in own.values()):
            return False
        return all(
            status == others[seed][0]
            and all(
                metrics[name] == others[seed][1][name]
                or (isnan(metrics[name]) and isnan(others[seed][1][name]))
                for name in self.runs.metrics
            )
            for seed, (status, metrics) in own.items()
        )

    @cached_property
    def counts(self) -> tuple[Sequence[int], Sequence[int]]:
        """(K,) runs with numbers, and (K,) runs without: diverged or failed."""
        sound = np.bincount(self._k[self._ok], minlength=len(self.cells))
        total = np.bincount(self._k, minlength=len(self.cells))
        return sound.tolist(), (total - sound).tolist()

    @cached_property
    def columns(self) -> frozenset[str]:
        """All columns of numbers: the metrics, the sizes of the parts, the epochs."""
        return frozenset(self.runs.rows[0].metrics if self.runs.rows else ())

    @cached_property
    def diverged(self) -> Mapping[str, int]:
        """By cell, how many runs diverged."""
        return Counter(row.cell for row in self.runs.rows if row.status == "diverged")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric columns, and what is derived from them."""
        have = set(self.runs.metrics)
        return (*self.runs.metrics, *(name for name, of in DERIVED.items() if have.issuperset(of)))


# The parts of the test loss: what training leaves (train_loss), what is lost on unseen data, and
# by how much the validation part, where it chose the epoch or the cell, flatters.
DERIVED = {
    "generalization": ("test_loss", "train_loss"),
    "selection_optimism": ("test_loss", "val_loss"),
}

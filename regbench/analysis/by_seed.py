"""Runs as arrays of cells by seeds, so that pairing by seed is subtraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regbench.results.runs import RunRow, Runs

__all__ = ["BySeed", "Floats"]

Floats = npt.NDArray[np.float64]


class BySeed:
    """A study's numbers, K cells by S seeds, NaN where a run is missing or has none.

    Attributes:
        cells: K names, in the order of the plan.
        seeds: S, ascending.
        first: the first run of each cell, for what all its runs share.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
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

    @cached_property
    def counts(self) -> tuple[Sequence[int], Sequence[int]]:
        """(K,) runs with numbers, and (K,) runs without: diverged or failed."""
        sound = np.bincount(self._k[self._ok], minlength=len(self.cells))
        total = np.bincount(self._k, minlength=len(self.cells))
        return sound.tolist(), (total - sound).tolist()

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

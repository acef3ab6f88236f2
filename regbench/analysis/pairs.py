"""Two studies' runs, paired by cell and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isfinite, isnan, nan
from typing import get_args

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.lost import no_number
from regbench.analysis.precision import within_precision
from regbench.analysis.statistics import Floats
from regbench.config.speaks import Over
from regbench.errors import BadData
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.metrics import OF_EVERY_STUDY, Task
from regbench.vocabulary.words import some


class Pairs:
    """The runs that two studies have in common.

    Cells are the same where their varying settings are, if both studies vary the same keys; the
    rest are told by name.

    Attributes:
        cells: K names, as in `base` and in its order; only those with a pair.
        seeds: S, ascending, of all pairs.
        rows: P pairs of runs of one cell and seed, in the order of `base`.
        only_base, only_new: runs without a counterpart.
        notes: what the reader should know of how cells were paired.
        other_settings: cells that are paired by name though a setting differs, and how.
    Raises:
        BadData: there is no pair at all, or one of two tasks.
    """

    def __init__(self, base: Runs, new: Runs) -> None:
        self.base, self.new = base, new
        names, self.notes, self.other_settings = _matched(base, new)
        there = {(row.cell, row.seed): row for row in new.rows}
        found = [(row, there.pop((names.get(row.cell, ""), row.seed), None)) for row in base.rows]
        self.rows, rounded = within_precision(
            [(row, other) for row, other in found if other is not None]
        )
        self.only_base = tuple(row for row, other in found if other is None)
        self.only_new = tuple(there.values())
        if not self.rows:
            raise BadData(
                f"BASE ({len(base.rows)} runs) and NEW ({len(new.rows)} runs) have no cell and "
                "seed in common: there is nothing to compare"
            )
        self.cells = tuple(dict.fromkeys(row.cell for row, _ in self.rows))
        of_two = [a.cell for a, b in self.rows if {_task(a), _task(b)} == set(get_args(Task))]
        if of_two:
            raise BadData(
                f"not comparable: {some(list(dict.fromkeys(of_two)))}: a classification in one "
                "study, a regression in the other, whose losses have nothing in common"
            )
        self.notes += [*_of_other_settings(self.rows), *rounded]
        at = {cell: k for k, cell in enumerate(self.cells)}
        self._k = np.array([at[row.cell] for row, _ in self.rows], dtype=np.intp)
        self.seeds = tuple(sorted({row.seed for row, _ in self.rows}))
        at_seed = {seed: s for s, seed in enumerate(self.seeds)}
        self._s = np.array([at_seed[row.seed] for row, _ in self.rows], dtype=np.intp)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The numbers that both studies have, those of the epochs included."""
        of_new = set(self.new.rows[0].metrics)
        return tuple(name for name in self.base.rows[0].metrics if name in of_new)

    @cached_property
    def columns_of_one(self) -> list[str]:
        """Columns of numbers and of settings that only one of the studies has."""
        sides = (
            (*self.base.rows[0].metrics, *self.base.varying),
            (*self.new.rows[0].metrics, *self.new.varying),
        )
        return [
            repr(name)
            for name in dict.fromkeys((*sides[0], *sides[1]))
            if not all(name in side for side in sides)
        ]

    def require(self, metrics: Iterable[str]) -> None:
        """Refuse a metric that is not in both studies.

        Raises:
            BadData: naming it, and where it is missing.
        """
        for name in metrics:
            here, there = (name in runs.rows[0].metrics for runs in (self.base, self.new))
            if not (here and there):
                from regbench.config.messages import did_you_mean  # brings pydantic

                where = "BASE" if there else "NEW" if here else "BASE or NEW"
                hint = "" if here or there else did_you_mean(name, self.metrics)
                raise BadData(f"no column {name!r} in {where}{hint}: nothing to compare it by")

    def values(self, metric: str) -> tuple[Floats, Floats]:
        """Two (K, S) arrays, NaN unless both runs of a pair are ok and both values are finite."""
        columns = np.stack(self.column(metric))
        ok = np.array([a.ok and b.ok for a, b in self.rows], dtype=bool)
        there = ok & np.isfinite(columns).all(axis=0)
        found = np.full((2, len(self.cells), len(self.seeds)), np.nan)
        found[:, self._k, self._s] = np.where(there, columns, np.nan)
        return found[0], found[1]

    def column(self, metric: str) -> tuple[Floats, Floats]:
        """Two (P,) arrays, whatever the status of the runs."""
        base, new = (
            np.array([pair[side].metrics[metric] for pair in self.rows]) for side in (0, 1)
        )
        return base, new

    @cached_property
    def identical(self) -> frozenset[str]:
        """The cells whose pairs are equal in status and in every number, some of them ok."""
        differing = {a.cell for a, b in self.rows if not self._equal(a, b)}
        return frozenset(a.cell for a, _ in self.rows if a.ok and a.cell not in differing)

    def _equal(self, a: RunRow, b: RunRow) -> bool:
        numbers = ((a.metrics[name], b.metrics[name]) for name in self.metrics)
        equal = (x == y or (isnan(x) and isnan(y)) for x, y in numbers)
        return a.status == b.status and all(equal)

    def without_number(self, metric: str, *, lost: bool = True) -> dict[str, list[str]]:
        """By cell, the pairs in which one study has a number of this metric and the other none.

        So is one in which either has an infinite one, and one of finished runs that is empty in
        both, though other pairs of the cell have numbers. Pairs that are lost in both studies are
        none: there is nothing that was there before.

        Args:
            lost: pairs of which one run diverged or failed are among them.
        """
        found: dict[str, list[str]] = {}
        own = {a.cell for a, b in self.rows if _finite(a, metric) and _finite(b, metric)}
        for a, b in self.rows:
            if not lost and not (a.ok and b.ok):
                continue
            if _finite(a, metric) and _finite(b, metric):
                continue
            x, y = (row.metrics[metric] if row.ok else nan for row in (a, b))
            if isnan(x) and isnan(y) and not (a.ok and b.ok and a.cell in own):
                continue
            what = f"seed {a.seed} ({no_number(a, metric)} in BASE, {no_number(b, metric)} in NEW)"
            found.setdefault(a.cell, []).append(what)
        return found

    def ratio(self, metric: str, over: Over) -> Floats:
        """(K,) what intervals over rows add to the variance of a mean, of both studies the more."""
        sides = [BySeed(runs, over) for runs in (self.base, self.new)]
        if over == "seeds":
            return np.zeros(len(self.cells))
        names = {a.cell: b.cell for a, b in self.rows}
        theirs = tuple(names[cell] for cell in self.cells)
        base, new = (
            side.ratio(metric)[[side.cells.index(name) for name in cells]]
            for side, cells in zip(sides, (self.cells, theirs), strict=True)
        )
        return np.maximum(base, new)

    @cached_property
    def statuses(self) -> dict[str, list[tuple[str, str]]]:
        """By cell, the statuses of each pair."""
        found: dict[str, list[tuple[str, str]]] = {cell: [] for cell in self.cells}
        for a, b in self.rows:
            found[a.cell].append((a.status, b.status))
        return found


def _task(row: RunRow) -> Task | None:
    """The task whose score a run has; None where it has none, as lost ones."""
    scores = (
        m for m in OF_EVERY_STUDY if any(_finite(row, c) for c in m.columns if c in row.metrics)
    )
    return next((m.task for m in scores if m.task), None)


def _finite(row: RunRow, metric: str) -> bool:
    return row.ok and isfinite(row.metrics[metric])


def _matched(base: Runs, new: Runs) -> tuple[dict[str, str], list[str], list[str]]:
    """For the cells of `base` their names in `new`; what to say of it; where settings differ."""
    notes = []
    ours, theirs = _settings(base, base.varying), _settings(new, base.varying)
    names: dict[str, str] = {}
    if set(base.varying) == set(new.varying):
        # A file from elsewhere may have two cells of one setting: then only names tell them apart.
        if base.varying and all(len(set(s.values())) == len(s) for s in (ours, theirs)):
            by_settings = {setting: cell for cell, setting in theirs.items()}
            names = {c: by_settings[s] for c, s in ours.items() if s in by_settings}
    else:
        parts = []
        for runs, other, where in ((base, new, "BASE"), (new, base, "NEW")):
            alone = [key for key in runs.varying if key not in other.varying]
            if alone:
                parts.append(f"{some(alone)} in {where} only")
        notes.append(f"other settings vary ({'; '.join(parts)}): cells are paired by name")
    renamed = [f"{cell!r} is {other!r}" for cell, other in names.items() if cell != other]
    if renamed:
        notes.append(f"paired by their settings, though NEW has other names: {some(renamed)}")
    taken = set(names.values())
    rest = [cell for cell in ours if cell not in names and cell in theirs and cell not in taken]
    names |= {cell: cell for cell in rest}
    shared = [key for key in base.varying if key in new.varying]
    ours, theirs = _settings(base, shared), _settings(new, shared)
    differing = [
        f"{cell!r} ({key} {a or 'empty'} in BASE, {b or 'empty'} in NEW)"
        for cell in rest
        for key, a, b in zip(shared, ours[cell], theirs[cell], strict=True)
        if a != b
    ]
    if differing:
        notes.append(f"paired by name, though their settings differ: {some(differing)}")
    return names, notes, differing


def _settings(runs: Runs, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By cell, the values of these keys, numbers in one form."""
    first: dict[str, Mapping[str, str]] = {}
    for row in runs.rows:
        first.setdefault(row.cell, row.settings)
    return {
        cell: tuple(_canonical(settings.get(key, "")) for key in keys)
        for cell, settings in first.items()
    }


def _canonical(text: str) -> str:
    """A setting's text, the same for the same number however another program wrote it.

    >>> _canonical("1e-3") == _canonical("0.0010"), _canonical("48x48")
    (True, '48x48')
    """
    try:
        return repr(float(text) + 0.0)  # -0.0 becomes 0.0
    except ValueError:
        return text


def _of_other_settings(rows: Sequence[tuple[RunRow, RunRow]]) -> list[str]:
    """A run id is a hash of all settings, the seed and the data: what the columns do not show."""
    other = sum(a.run_id != b.run_id for a, b in rows)
    if not other:
        return []
    return [
        f"{other} of {len(rows)} pairs have different run ids: the studies differ in settings or "
        "data (or versions of regbench in their numerics)"
    ]

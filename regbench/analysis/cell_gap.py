"""A row of the gap table, and its differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from regbench.analysis.decides import ALPHA
from regbench.analysis.statistics import Interval
from regbench.config.speaks import Over

__all__ = ["CellGap", "Delta", "Edge"]


@dataclass(frozen=True)
class Delta:
    """A metric less the baseline's, paired by seed.

    Attributes:
        interval: of the mean difference.
        p: two-sided, of this cell alone; None where there is no spread to judge by.
        p_adjusted: for the families of the table (see `families.adjusted`).
        p_improvement: share of the seeds at which it is lower than the baseline's.
        min_detectable: the smallest difference that so many seeds would show with 80% power.
        test: which test p is of, and how it is adjusted.
    """

    interval: Interval
    p: float | None = None
    p_adjusted: float | None = None
    p_improvement: float | None = None
    min_detectable: float | None = None
    test: str = ""

    @property
    def side(self) -> int:
        """-1 where it is shown to lie below 0, by its interval and by p_adjusted; 1 above; else 0.

        Differences that are all equal have no p, and show nothing.
        """
        if self.p_adjusted is None or self.p_adjusted > ALPHA:
            return 0
        return -1 if self.interval.below else 1 if self.interval.above else 0


@dataclass(frozen=True)
class Edge:
    """A value on the grid's edge, and the one that would come after it.

    >>> print(Edge("regularizer.l2", 0.1, "largest", 1.0))
    regularizer.l2 = 0.1 is the largest
    """

    key: str
    value: float
    side: Literal["least", "largest"]
    beyond: float

    def __str__(self) -> str:
        return f"{self.key} = {self.value:g} is the {self.side}"


@dataclass(frozen=True)
class CellGap:
    """One row of the gap table.

    Attributes:
        settings: the config keys that vary.
        n, n_failed: runs with numbers, and runs without (diverged or failed).
        metrics: each metric's mean and interval.
        baseline: the cell that differs from this one only in having no regularizer.
        deltas: by gap, and for `val_loss`, the difference from the baseline; empty without one.
        edges: where it is the best of a row of the grid, and the last.
        interval_method, test_method: how its intervals and p were made; each its own where they
            differ.
        over: what the intervals speak of.
        verdict, evidence: what the numbers say of the cell, and which (see `verdict.py`).
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
    interval_method: str = ""
    test_method: str = ""
    verdict: str = ""
    evidence: str = ""
    edges: tuple[Edge, ...] = ()
    over: Over = "seeds"

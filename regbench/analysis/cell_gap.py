"""A row of the gap table, and its differences from the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from regbench.analysis.statistics import Interval

__all__ = ["CellGap", "Delta", "Edge"]


@dataclass(frozen=True)
class Delta:
    """A metric less the baseline's, paired by seed.

    Attributes:
        interval: of the mean difference.
        p_adjusted: two-sided, by Holm's method over the table.
        p_improvement: share of the seeds at which it is lower than the baseline's.
        min_detectable: the smallest difference that so many seeds would show with 80% power.
    """

    interval: Interval
    p_adjusted: float | None = None
    p_improvement: float | None = None
    min_detectable: float | None = None

    @property
    def side(self) -> int:
        """-1 where it lies below 0 both by its interval and by Holm's p, 1 above, 0 undecided."""
        if self.p_adjusted is not None and self.p_adjusted > 0.05:
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

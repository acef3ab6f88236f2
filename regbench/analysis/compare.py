"""What changed from one study to another, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from regbench.analysis.decides import ALPHA
from regbench.analysis.pairs import Pairs
from regbench.analysis.statistics import Interval, differences, holm, intervals, paired_ps
from regbench.config.speaks import Over
from regbench.vocabulary.metrics import METRICS, worse_sign

Word = Literal[
    "better",
    "worse",
    "lower",
    "higher",
    "no change shown",
    "identical",
    "equal",
    "no spread",
    "one pair",
    "no pairs",
    "no number",
]


@dataclass(frozen=True)
class Change:
    """What became of one metric in one cell.

    Attributes:
        base, new: means over the pairs; None without a pair.
        interval: of the mean paired change, new less base.
        p_adjusted: two-sided, paired t, by Holm's method over the metric's cells.
        word: what the interval and p_adjusted show; `lower` and `higher` where neither is better.
            `identical` is a cell in which no metric changed, `equal` one in which this one did not;
            `no spread` is a change that is the same in all pairs, which is nothing to judge by. `no
            number` has a pair of finished runs in which one has none, or is equal but for a run
            that only one study has lost.
    """

    cell: str
    metric: str
    base: float | None
    new: float | None
    interval: Interval
    p_adjusted: float | None
    word: Word

    @property
    def n(self) -> int:
        """Pairs of runs that have the metric."""
        return self.interval.n


def default_metrics(pairs: Pairs) -> tuple[str, ...]:
    """What is shown unless something else is asked for: gaps and validation scores."""
    shown = [name for m in METRICS.values() for name in (m.gap_column, f"val_{m.name}")]
    return tuple(name for name in shown if name in pairs.metrics)


def changes(pairs: Pairs, metric: str, over: Over = "seeds") -> list[Change]:
    """The change of a metric in each cell.

    Only pairs of runs that are both ok and both have a finite value count, and the means are over
    these, so that new less base is the change.

    Args:
        over: what the intervals speak of.
    """
    base, new = pairs.values(metric)
    with np.errstate(over="ignore", invalid="ignore"):
        moved = differences(new, base)
        ratio = pairs.ratio(metric, over)
        found = intervals(moved, ratio=ratio)
        before, after = intervals(base), intervals(new)
        ps = holm(paired_ps(moved, ratio=ratio))
    odd, lost = pairs.without_number(metric, lost=False), pairs.without_number(metric)
    return [
        Change(
            *(cell, metric, b.mean, a.mean, change, p),
            "no number"
            if cell in odd or (cell in lost and change.mean == change.half == 0)
            else "identical"
            if cell in pairs.identical and change.mean is not None
            else _word(metric, change, p),
        )
        for cell, b, a, change, p in zip(pairs.cells, before, after, found, ps, strict=True)
    ]


def _word(metric: str, change: Interval, p: float | None) -> Word:
    if change.mean is None:
        return "no pairs"
    if change.low is None:
        return "one pair"
    if change.low == change.high:
        return "no spread" if change.mean else "equal"
    if not (change.above or change.below) or p is None or p > ALPHA:
        return "no change shown"
    sign = worse_sign(metric)
    if sign == 0:
        return "higher" if change.above else "lower"
    return "worse" if change.above == (sign > 0) else "better"

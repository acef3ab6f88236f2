"""A row of the gap table, and its differences from the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from regbench.analysis.decides import ALPHA
from regbench.analysis.statistics import METHODS, NO_INTERVAL, Interval
from regbench.config.speaks import Over
from regbench.vocabulary.metrics import LOSS

# Verdicts of cells that are not shown to have learned anything.
COLLAPSED = "collapsed"
NO_SIGNAL = ("no signal shown", COLLAPSED)


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
        n, n_failed, n_diverged: runs with numbers, runs without (diverged or failed), and how many
            of these diverged.
        metrics: each metric's mean and interval.
        baseline: the cell that differs from this one only in having no regularizer.
        deltas: by gap, and for `val_loss` and `val_acc` or `val_r2`, the difference from the
            baseline; empty without one.
        edges: where it is the best of a row of the grid, and the last.
        interval_method, test_method: how its intervals and p were made; each its own where they
            differ.
        over: what the intervals speak of.
        verdict, evidence: what the numbers say of the cell, and which (see `verdict.py`).
        narrows: whether its gap is shown to be smaller than the baseline's, and nearer to 0.
        signal_in: the metrics that are shown to be better than the constant prediction's.
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
    n_diverged: int = 0
    narrows: bool = False
    signal_in: tuple[str, ...] = ()

    @property
    def gap(self) -> Interval:
        """The gap in loss."""
        return self.metrics[LOSS.gap_column]

    @property
    def gap_delta(self) -> Delta:
        """The gap in loss less the baseline's; an empty one without a baseline."""
        return self.delta(LOSS.gap_column)

    def delta(self, metric: str) -> Delta:
        """A metric less the baseline's; an empty one where that is not compared."""
        return self.deltas.get(metric, Delta(NO_INTERVAL))

    def settings_but(self, *keys: str) -> tuple[tuple[str, str], ...]:
        """What varies besides these keys: cells that agree in it differ in them alone."""
        return tuple(item for item in self.settings.items() if item[0] not in keys)

    @property
    def data(self) -> tuple[tuple[str, str], ...]:
        """What varies of the data: of two data sets, tasks or noises, losses are not compared."""
        return self._settings("dataset")

    @property
    def ground(self) -> tuple[tuple[str, str], ...]:
        """What varies of the data and the model: the cells that verdicts may compare."""
        return self._settings("dataset", "model")

    def _settings(self, *blocks: str) -> tuple[tuple[str, str], ...]:
        items = self.settings.items()
        return tuple(item for item in items if item[0].partition(".")[0] in blocks)

    @property
    def one_test(self) -> bool:
        """Whether its intervals speak of other rows, but those of its one test part do not."""
        loss = self.metrics.get("test_loss")
        return self.over == "rows" and loss is not None and loss.method == METHODS["t"]

    @property
    def is_hollow(self) -> bool:
        """Whether a narrow gap of it is no gain: nothing is shown to be learned, or ranks alone.

        Ranks alone: not better than a constant in loss, and one class for all rows in every run.
        """
        share = self.metrics.get("collapsed")
        one_class = share is not None and share.mean == 1
        ranks = bool(self.signal_in) and LOSS.name not in self.signal_in
        return self.verdict in NO_SIGNAL or (ranks and one_class)

    @property
    def is_lost(self) -> bool:
        """Whether too few of its runs have numbers to speak of any."""
        return self.verdict == "diverged" or self.n == 0


def learned(rows: Iterable[CellGap]) -> list[CellGap]:
    """The cells that may be called the best: neither collapsed nor lost to divergence."""
    return [row for row in rows if row.verdict != COLLAPSED and not row.is_lost]


def least_val_loss(rows: Iterable[CellGap]) -> CellGap | None:
    """The first cell of least mean validation loss; None where none has one."""
    with_loss = [row for row in rows if row.metrics["val_loss"].mean is not None]
    return min(with_loss, key=lambda row: row.metrics["val_loss"].mean or 0.0, default=None)

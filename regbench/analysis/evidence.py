"""What the word for a cell rests on, gathered from the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap, learned, least_val_loss
from regbench.analysis.decides import ALPHA
from regbench.analysis.statistics import (
    NO_INTERVAL,
    Interval,
    differences,
    holm,
    intervals,
    paired_ps,
)
from regbench.vocabulary.metrics import LOSS, METRICS, Metric, score_among

# Scores that say whether anything was learned, besides the loss.
_SIGNAL_IN = tuple(m for m in METRICS.values() if m.constant is not None and m is not LOSS)

_MOST = 0.5


@dataclass(frozen=True)
class Behind:
    """How far a cell is behind the one of least validation loss on the same ground.

    Attributes:
        best: that cell, of the same data set, task, noise and model.
        higher: by how much training and validation loss are higher, paired by seed.
        p: that both are higher: the larger of the two, by Holm over all cells behind the best.
    """

    best: str
    higher: Mapping[str, Interval]
    p: float | None

    @property
    def shown(self) -> bool:
        """Whether both losses are shown to be higher."""
        above = all(found.above for found in self.higher.values())
        return above and self.p is not None and self.p <= ALPHA


@dataclass(frozen=True)
class Evidence:
    """What the word for a cell rests on; None, or empty, where the table does not hold it.

    Attributes:
        row: the cell, without its word.
        score: accuracy or R^2.
        loss_gain: by how much its validation loss is lower than the constant prediction's.
        score_gains: by name of a score, by how much it is better than the constant prediction's.
        collapsed: the share of its runs that collapsed to a constant.
        wrong_labels: how many training labels are wrong, over all its runs.
        both_gaps: its gap in loss plus the baseline's: above 0 where a narrower one is nearer to 0.
        behind: what is between it and the best cell; None where it is the best, or not yet known.
    """

    row: CellGap
    score: Metric
    loss_gain: Interval | None = None
    score_gains: Mapping[str, Interval] = field(default_factory=dict)
    collapsed: float | None = None
    wrong_labels: float | None = None
    both_gaps: Interval | None = None
    behind: Behind | None = None

    @property
    def score_gap(self) -> Interval:
        """The gap in accuracy or R^2."""
        return self.row.metrics.get(self.score.gap_column, NO_INTERVAL)

    @property
    def narrows(self) -> bool:
        """Whether the gap is shown to be smaller than the baseline's, and nearer to 0."""
        nearer = self.both_gaps is not None and self.both_gaps.above
        return self.row.gap_delta.side < 0 and nearer

    @property
    def mostly_collapsed(self) -> bool:
        """Whether all of its runs collapsed, or most are shown to."""
        share = self.row.metrics.get("collapsed")
        return self.collapsed == 1 or (share is not None and (share.low or 0.0) > _MOST)

    @property
    def signal_in(self) -> tuple[str, ...]:
        """The metrics that are shown to be better than the constant prediction's."""
        loss = {} if self.loss_gain is None else {LOSS.name: self.loss_gain}
        return tuple(name for name, gain in (loss | dict(self.score_gains)).items() if gain.above)

    @property
    def without_signal_in_loss(self) -> bool:
        """Whether the loss could have been shown to be better than a constant's, and is not."""
        return self.loss_gain is not None and not self.loss_gain.above

    def against_constant(self) -> Iterator[str]:
        """Each difference from the constant prediction."""
        if self.loss_gain is not None:
            yield _by("val_loss", "lower", "higher", self.loss_gain)
        for name, gain in self.score_gains.items():
            yield _by(f"val_{name}", "higher", "lower", gain)

    def changes(self) -> str:
        """What has changed against the baseline."""
        names = (LOSS.gap_column, "val_loss", f"val_{self.score.name}")
        deltas = [(name, self.row.deltas[name]) for name in names if name in self.row.deltas]
        found = [f"{name} {delta.interval.text('+.4g')}" for name, delta in deltas]
        return f"{', '.join(found)} against {self.row.baseline}"

    def gaps(self) -> str:
        """Both gaps, with their intervals."""
        pairs = ((LOSS.gap_column, self.row.gap), (self.score.gap_column, self.score_gap))
        found = [f"{name} {gap.text()}" for name, gap in pairs if gap.mean is not None]
        return ", ".join(found) or "no validation part"


def _by(name: str, better: str, worse: str, gain: Interval) -> str:
    """
    >>> _by("val_loss", "lower", "higher", Interval(-0.5, -0.75, 0.25, 5))
    'val_loss higher by 0.5 (-0.25 to 0.75)'
    """
    if (gain.mean or 0.0) >= 0:
        return f"{name} {better} by {gain.text()}"
    mean, low, high = (None if end is None else -end for end in (gain.mean, gain.high, gain.low))
    return f"{name} {worse} by {Interval(mean, low, high, gain.n).text()}"


def gathered(table: Sequence[CellGap], by_seed: BySeed) -> Iterator[Evidence]:
    """The evidence for each cell, in the table's order; all but how far it is behind the best."""
    at = {row.cell: k for k, row in enumerate(table)}
    of_constant = _Constant(by_seed)
    gap = by_seed[LOSS.gap_column]
    for k, row in enumerate(table):
        score = _score(row)
        loss_gain, score_gains = of_constant.gains(k)
        both = None
        if row.baseline in at:
            ratio = by_seed.ratio(LOSS.gap_column)[[k]]
            (both,) = intervals((gap[k] + gap[at[row.baseline]])[None], ratio=ratio)
        collapsed = row.metrics.get("collapsed")
        yield Evidence(
            *(row, score, loss_gain, score_gains),
            collapsed=None if collapsed is None else collapsed.mean,
            wrong_labels=_wrong_labels(by_seed, row.cell),
            both_gaps=both,
        )


def _score(row: CellGap) -> Metric:
    """Accuracy or R^2, whichever the cell has."""
    return score_among([name for name, found in row.metrics.items() if found.mean is not None])


def _wrong_labels(by_seed: BySeed, cell: str) -> float | None:
    if "wrong_labels" not in by_seed.columns:
        return None
    return float(np.nansum(by_seed.row("wrong_labels", cell)))


class _Constant:
    """Differences from the constant prediction, for tables that say what it scores."""

    def __init__(self, by_seed: BySeed) -> None:
        self._loss = self._gains(by_seed, LOSS)
        self._scores = {metric.name: self._gains(by_seed, metric) for metric in _SIGNAL_IN}

    @staticmethod
    def _gains(by_seed: BySeed, metric: Metric) -> list[Interval] | None:
        """By cell, by how much a metric of the validation part is better than a constant's."""
        own = f"val_{metric.name}"
        if own not in by_seed.columns:
            return None
        if metric.constant_column in by_seed.columns:
            less = by_seed[metric.constant_column]
        elif isinstance(metric.constant, float):
            less = np.full_like(by_seed[own], metric.constant)
        else:
            return None
        sides = (by_seed[own], less) if metric.better == "up" else (less, by_seed[own])
        return intervals(differences(*sides), ratio=by_seed.ratio(own))

    def gains(self, k: int) -> tuple[Interval | None, dict[str, Interval]]:
        loss = self._loss[k] if self._loss else None
        scores = {name: found[k] for name, found in self._scores.items() if found}
        if loss is not None and loss.mean is None:
            loss = None
        return loss, {name: gain for name, gain in scores.items() if gain.mean is not None}


def behind_best(table: Sequence[CellGap], by_seed: BySeed) -> dict[str, Behind]:
    """By cell, how far it is behind the best, of a table whose cells have words for the collapsed.

    A ground on which none has learned anything has no best.
    """
    found: dict[str, Behind] = {}
    groups: dict[object, list[CellGap]] = {}
    for row in table:
        if row.n > 1 and row.metrics["val_loss"].mean is not None:
            groups.setdefault(row.ground, []).append(row)
    at = {row.cell: k for k, row in enumerate(table)}
    for group in groups.values():
        best = least_val_loss(learned(group))
        if best is None:
            continue
        others = [row for row in group if row is not best]
        ks = [at[row.cell] for row in others]
        ps: dict[str, list[float | None]] = {}
        higher: dict[str, list[Interval]] = {}
        for name in ("train_loss", "val_loss"):
            values = differences(by_seed[name][ks], by_seed.row(name, best.cell))
            ratio = by_seed.ratio(name)[ks]
            higher[name] = intervals(values, ratio=ratio)
            ps[name] = paired_ps(values, ratio=ratio)
        both = [
            None if None in pair else max(p for p in pair if p is not None)
            for pair in zip(*ps.values(), strict=True)
        ]
        for i, (row, p) in enumerate(zip(others, holm(both), strict=True)):
            own = {name: each[i] for name, each in higher.items()}
            found[row.cell] = Behind(best.cell, own, p)
    return found

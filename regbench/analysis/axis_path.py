"""Along one axis: how a study's numbers move with a strength, and where to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap, learned, least_val_loss
from regbench.analysis.statistics import differences, standard_errors
from regbench.config.messages import did_you_mean
from regbench.config.speaks import Over
from regbench.errors import BadStudy
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import LOSS, METRICS, metrics_among
from regbench.vocabulary.regularizers import stronger
from regbench.vocabulary.words import number_in

# What a narrow terminal does without first.
_SCORES = [metric for metric in METRICS.values() if metric is not LOSS]
SPARE = (
    *("val_loss_low", "val_loss_high", *(score.gap_column for score in _SCORES)),
    *("zero_fraction", "weight_norm", *(f"val_{score.name}" for score in _SCORES), "train_loss"),
)
_SHOWN = ("train_loss", "val_loss", "gap_loss", "weight_norm", "zero_fraction")


@dataclass(frozen=True)
class Point:
    """One value of the axis, and the cell that has it."""

    value: float
    row: CellGap


@dataclass(frozen=True)
class AxisPath:
    """The points of one row of the grid, by ascending value.

    Attributes:
        rest: what tells the path from the others: settings that all its points share.
        minimum: index of the least mean validation loss, of cells that have learned something.
        one_standard_error: index of the strongest value whose validation loss is no more than one
            standard error worse than the least, paired by seed: the most regularized model that is
            not clearly worse (Breiman et al. 1984; Hastie, Tibshirani & Friedman 2009, sec. 7.10,
            whose errors are not paired, and here would be those of the splits).
    """

    key: str
    rest: Mapping[str, str]
    points: Sequence[Point]
    minimum: int | None
    one_standard_error: int | None

    @property
    def sentence(self) -> str:
        """What is best on the path."""
        where = ", ".join(f"{key}={value or 'none'}" for key, value in self.rest.items())
        start = f"With {where}: " if where else ""
        if self.minimum is None or self.one_standard_error is None:
            return f"{start}no validation loss along {self.key}."
        best, chosen = self.points[self.minimum], self.points[self.one_standard_error]
        least = best.row.metrics["val_loss"].mean
        edge = ""
        if self.minimum == len(self.points) - 1 or (self.minimum == 0 and best.value != 0):
            edge = ", on the grid's edge: add values beyond it"
        which = "smallest" if _way(self.key) < 0 else "largest"
        return (
            f"{start}val_loss is least, {least:.4g}, at {self.key} = {best.value:g}{edge}; "
            f"the {which} value within one standard error is {chosen.value:g} (paired by seed)."
        )


def _way(key: str) -> int:
    """The direction in which a key regularizes more; upwards where it has none."""
    return stronger(key.removeprefix("regularizer.")) or 1


def axis_paths(
    runs: Runs, table: Sequence[CellGap], key: str, over: Over = "seeds"
) -> list[AxisPath]:
    """The paths along a key that varies, one for each setting of all others.

    Args:
        table: the gap table of these runs.
    Raises:
        BadStudy: the key does not vary, or is not a number.
    """
    if key not in runs.varying:
        hint = did_you_mean(key, runs.varying) or f"; {', '.join(runs.varying) or 'nothing'} varies"
        raise BadStudy(f"--along: {key!r} does not vary here{hint}")
    by_seed = BySeed(runs, over)
    rows: dict[tuple[tuple[str, str], ...], list[Point]] = {}
    for row in table:
        value = number_in(row.settings[key] or "nan")
        if value is None:
            raise BadStudy(f"--along: {key} is no number in cell {row.cell!r}")
        if isnan(value):
            continue
        rows.setdefault(row.settings_but(key), []).append(Point(value, row))
    lines = {rest: line for rest, line in rows.items() if len(line) > 1} or rows
    return [
        _path(
            key,
            dict(item for item in rest if any(item not in other for other in lines)),
            sorted(line, key=lambda point: point.value),
            by_seed,
        )
        for rest, line in lines.items()
    ]


def _shown_in(row: CellGap) -> list[str]:
    scores = [metric for metric in metrics_among(row.metrics) if metric is not LOSS]
    both = (name for score in scores for name in (f"val_{score.name}", score.gap_column))
    return [name for name in (*_SHOWN[:3], *both, *_SHOWN[3:]) if name in row.metrics]


def _path(key: str, rest: Mapping[str, str], points: Sequence[Point], by_seed: BySeed) -> AxisPath:
    able = learned(point.row for point in points)
    best = least_val_loss(able)
    if best is None:
        return AxisPath(key, rest, points, None, None)
    losses = np.stack([by_seed.row("val_loss", row.cell) for row in able])
    worse = differences(losses, by_seed.row("val_loss", best.cell))
    ratio = by_seed.ratio("val_loss")[by_seed.cells.index(best.cell)]
    errors = zip(able, standard_errors(worse, ratio), strict=True)
    within = {row.cell for row, (mean, error) in errors if mean <= error}
    places = [i for i, point in enumerate(points) if point.row.cell in within]
    minimum = next(i for i, point in enumerate(points) if point.row is best)
    chosen = max(places, key=lambda i: _way(key) * points[i].value)
    return AxisPath(key, rest, points, minimum, chosen)


def axis_path_columns(found: Sequence[AxisPath], key: str) -> tuple[list[str], list[list[object]]]:
    """Header and rows: the settings that differ between paths, value, numbers, marks."""
    others = list(found[0].rest) if found else []
    names = _shown_in(found[0].points[0].row) if found else []
    header = [*others, key, *names, "val_loss_low", "val_loss_high", "choice"]
    rows: list[list[object]] = []
    for path in found:
        for i, point in enumerate(path.points):
            marks = [
                word
                for word, at in (("minimum", path.minimum), ("1-SE", path.one_standard_error))
                if at == i
            ]
            loss = point.row.metrics["val_loss"]
            rows.append(
                [
                    *(path.rest[name] for name in others),
                    point.value,
                    *(point.row.metrics[name].mean for name in names),
                    *(loss.low, loss.high, ", ".join(marks)),
                ]
            )
    return header, rows

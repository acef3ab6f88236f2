"""Trajectories as arrays: one row a seed, one column a scored epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regbench.analysis.statistics import Floats, intervals
from regbench.api import Results
from regbench.errors import BadData

if TYPE_CHECKING:
    from regbench.report.figures import Line


@dataclass(frozen=True)
class Curve:
    """A column of epochs.csv for one cell.

    Attributes:
        epochs: (E,) the scored epochs.
        seeds: S, ascending.
        values: (S, E); NaN after a run's own stop.
    """

    epochs: npt.NDArray[np.int64]
    seeds: tuple[int, ...]
    values: Floats


def curve(results: Results, cell: str, column: str) -> Curve:
    """A cell's curves, paired by seed.

    Raises:
        BadData: the cell has no curve of that name.
    """
    frame = results.epochs
    rows = frame[(frame["cell"] == cell) & frame[column].notna()]
    if rows.empty:
        raise BadData(f"{results.folder}/epochs.csv: cell {cell!r} has no {column}")
    table = rows.pivot(index="seed", columns="epoch", values=column).sort_index()
    return Curve(
        epochs=table.columns.to_numpy(dtype=np.int64),
        seeds=tuple(int(seed) for seed in table.index),
        values=table.to_numpy(dtype=np.float64),
    )


def reached(of: Curve, level: float) -> Floats:
    """(S,) the first scored epoch at which each seed is at `level` or above; inf where none is.

    >>> at = Curve(np.array([1, 5, 9]), (0, 1), np.array([[0.2, 0.9, 0.8], [0.1, 0.2, 0.3]]))
    >>> reached(at, 0.9)
    array([ 5., inf])
    """
    there = of.values >= level
    first = of.epochs[there.argmax(axis=1)].astype(np.float64)
    epochs: Floats = np.where(there.any(axis=1), first, np.inf)
    return epochs


def mean_line(label: str, of: Curve, colour: str | None = None) -> Line:
    """The mean over the seeds and its 95% interval, epoch by epoch, for a figure."""
    from regbench.report.figures import interval_line

    return interval_line(label, of.epochs.tolist(), intervals(of.values.T), colour)


def value_at(of: Curve, epochs: Floats) -> Floats:
    """(S,) each seed's value at its own scored epoch; NaN where that is inf.

    >>> of = Curve(np.array([1, 5]), (0, 1), np.array([[0.2, 0.9], [0.1, 0.2]]))
    >>> value_at(of, np.array([5, np.inf]))
    array([0.9, nan])
    """
    places = np.searchsorted(of.epochs, epochs).clip(0, len(of.epochs) - 1)
    there = of.values[np.arange(len(places)), places]
    values: Floats = np.where(np.isfinite(epochs), there, np.nan)
    return values

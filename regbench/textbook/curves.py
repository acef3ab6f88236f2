"""Trajectories as arrays: one row a seed, one column a scored epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regbench.api import Results
from regbench.errors import BadData

__all__ = ["Curve", "curve"]


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
    values: npt.NDArray[np.float64]


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

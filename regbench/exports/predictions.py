"""Predictions under the names of their classes; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.data import Fitted
from regbench.data.table import Floats
from regbench.errors import BadData
from regbench.results.sealed import Arrays

Columns = dict[str, npt.NDArray[Any]]


def named_predictions(values: Floats, classes: Sequence[str]) -> Columns:
    """(n, C) probabilities, or (n, 1) numbers, as columns of a table.

    >>> found = named_predictions(np.array([[0.2, 0.8], [0.5, 0.5]]), ["no", "yes"])
    >>> list(found), found["prediction"].tolist()
    (['prediction', 'probability_no', 'probability_yes'], ['yes', 'no'])
    """
    if not classes:
        return {"prediction": values[:, 0]}
    chosen = np.array(classes, dtype=object)[values.argmax(axis=1)]
    return {"prediction": chosen} | {
        f"probability_{name}": values[:, j] for j, name in enumerate(classes)
    }


def part_predictions(arrays: Arrays, known: Fitted) -> Columns:
    """A run's saved predictions as columns: row, part, target, prediction, probabilities.

    Args:
        arrays: as `training.predictions` names them.
        known: the data that the run was trained on.
    Raises:
        BadData: they are not of these data.
    """
    table, ids, transform = known
    mean, scale = transform.target
    found: list[Columns] = []
    for part, rows in ids._asdict().items():
        if len(rows) == 0:
            continue
        values = arrays.get(f"{part}_probability", arrays.get(f"{part}_prediction"))
        if values is None or len(values) != len(rows):
            raise BadData("the saved predictions are not of these data: are they damaged?")
        target: npt.NDArray[Any] = table.target[rows]
        if table.class_names:
            target = np.array(table.class_names, dtype=object)[target.astype(np.int64)]
            made = np.asarray(values, dtype=np.float64)
        else:
            made = np.asarray(values, dtype=np.float64)[:, None] * scale + mean
        numbers = rows if table.rows is None else table.rows[rows]
        columns: Columns = {"row": numbers, "part": np.full(len(rows), part, dtype=object)}
        found.append(columns | {"target": target} | named_predictions(made, table.class_names))
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}

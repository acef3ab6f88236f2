"""The data sets inside scikit-learn, as it ships them: nothing to fetch, the same everywhere.

They lie beside this module, where `docs/bundled.py` puts them, as scikit-learn itself takes a
second to import.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from regbench.data.table import DataShape, Table

# Known without reading them.
SHAPES = {
    "digits": DataShape(rows=1797, example=(1, 8, 8), outputs=10),
    "breast_cancer": DataShape(rows=569, example=(30,), outputs=2),
    "wine": DataShape(rows=178, example=(13,), outputs=3),
    "iris": DataShape(rows=150, example=(4,), outputs=3),
    "diabetes": DataShape(rows=442, example=(10,), outputs=1),
}


@cache
def load(name: str) -> Table:
    """One of the bundled data sets, read once a process.

    >>> load("iris").class_names
    ('setosa', 'versicolor', 'virginica')
    """
    with np.load(Path(__file__).with_name("bundled.npz"), allow_pickle=False) as file:
        parts = ("values", "target", "columns", "classes")
        values, target, columns, classes = (file[f"{name} {part}"] for part in parts)
    return Table(
        values=values,
        target=target.astype(np.int64 if len(classes) else np.float64),
        column_names=tuple(columns.tolist()),
        class_names=tuple(classes.tolist()),
        example=SHAPES[name].example,
    )

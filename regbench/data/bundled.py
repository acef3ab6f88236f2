"""The data sets inside scikit-learn, as it ships them: nothing to fetch, the same everywhere."""

from __future__ import annotations

from functools import cache

import numpy as np

from regbench.data.table import DataShape, Table

# Known without importing scikit-learn; a test compares them with the real arrays.
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
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    regression = name == "diabetes"
    target = np.asarray(bunch.target)
    return Table(
        values=np.asarray(bunch.data, dtype=np.float64),
        target=target.astype(np.float64) if regression else target.astype(np.int64),
        column_names=tuple(str(column) for column in bunch.feature_names),
        class_names=() if regression else tuple(str(label) for label in bunch.target_names),
        example=SHAPES[name].example,
    )

"""Scaling to mean 0 and variance 1, fitted on the training part only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from regbench.data.table import Floats


@dataclass(frozen=True)
class Scaler:
    """z = (x - mean) / scale, column by column; mean and scale are (I,)."""

    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, train: Floats) -> Scaler:
        """Mean and population standard deviation (n, not n - 1) of each column of `train`, (n, I).

        A column that is constant in the training part keeps scale 1 and becomes exactly 0 there,
        as in scikit-learn's StandardScaler.

        >>> Scaler.fit(np.array([[1.0, 7.0], [3.0, 7.0]])).scale.tolist()
        [1.0, 1.0]
        """
        return cls.of_blocks(lambda: iter([train]))

    @classmethod
    def of_blocks(cls, blocks: Callable[[], Iterator[Floats]]) -> Scaler:
        """As `fit`, of rows that come some at a time: the same bits, unless there is one column.

        Args:
            blocks: begins a pass over the rows; each block is a copy, if there are several.
        """
        lows, highs, total, rows = [], [], None, 0
        for x in blocks():
            lows.append(x.min(axis=0))
            highs.append(x.max(axis=0))
            total, rows = _added(total, x), rows + len(x)
        assert total is not None
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        # Compared, not computed: the deviation of a constant 0.1 comes out as 1e-17, not as 0.
        constant = high == low
        mean = np.where(constant, low, total / rows)
        # By the largest deviation first: the square of 1e-200 is 0.
        largest = np.where(constant, 1.0, np.maximum(np.abs(high - mean), np.abs(low - mean)))
        squares = None
        for x in blocks():
            squares = _added(squares, ((x - mean) / largest) ** 2)
        assert squares is not None
        spread = largest * np.sqrt(squares / rows)
        return cls(mean, np.where(constant, 1.0, spread))

    def __call__(self, x: Floats) -> Floats:
        """(n, I) scaled."""
        scaled = x - self.mean
        scaled /= self.scale
        return scaled


def _added(total: Floats | None, x: Floats) -> Floats:
    """The sum over the rows so far and these, row by row as NumPy adds them up."""
    if total is not None:
        x[0] += total
    result: Floats = x.sum(axis=0)
    return result

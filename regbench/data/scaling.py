"""Scaling to mean 0 and variance 1, fitted on the training part only."""

from __future__ import annotations

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
        # Compared, not computed: the deviation of a constant 0.1 comes out as 1e-17, not as 0.
        constant = train.max(axis=0) == train.min(axis=0)
        mean = np.where(constant, train[0], train.mean(axis=0))
        # By the largest deviation first: the square of 1e-200 is 0.
        deviation = train - mean
        largest = np.where(constant, 1.0, np.abs(deviation).max(axis=0))
        spread = largest * np.sqrt(np.mean((deviation / largest) ** 2, axis=0))
        return cls(mean, np.where(constant, 1.0, spread))

    def __call__(self, x: Floats) -> Floats:
        """(n, I) scaled."""
        scaled = x - self.mean
        scaled /= self.scale
        return scaled

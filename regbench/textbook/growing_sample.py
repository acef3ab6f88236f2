"""Least squares on a data set that grows: excess risks with and without a ridge penalty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.streams import Purpose, normal


def excess_risks(
    seed: int, sizes: Sequence[int], d: int, sigma: float, penalty: float
) -> tuple[Floats, Floats]:
    """Draw one data set, and fit its first n examples for each n.

    A fit minimises |X b - y|^2 + penalty |b|^2, or has the least norm of all that minimise
    |X b - y|^2. y = x_1 + noise: the features are alike in all directions, so any beta of norm 1
    would do.

    Args:
        sizes: N numbers of examples.
        d: features.
        sigma: standard deviation of the noise.
    Returns:
        (N,) and (N,): |b - beta|^2 without a penalty, and with it.
    """
    most = max(sizes)
    # Drawn by rows, so that a longer data set begins as a shorter one does.
    drawn = normal(seed, Purpose.SYNTHETIC, most * (d + 1)).reshape(most, d + 1)
    x = drawn[:, :d]
    y = x[:, 0] + sigma * drawn[:, d]
    fits = np.array([_fits(x[:n], y[:n], (0.0, penalty)) for n in sizes])
    fits[:, :, 0] -= 1.0
    risks = np.square(fits).sum(axis=2)
    return risks[:, 0], risks[:, 1]


def _fits(x: Floats, y: Floats, penalties: Sequence[float]) -> Floats:
    """(P, d) one fit a penalty, from the smaller Gram matrix.

    (X^T X + c)^-1 X^T = X^T (X X^T + c)^-1, also as c goes to 0: that is the fit of least norm.
    """
    n, d = x.shape
    gram, aim = (x @ x.T, y) if n < d else (x.T @ x, x.T @ y)
    penalised = np.stack([gram + c * np.eye(len(gram)) for c in penalties])
    solved = np.linalg.solve(penalised, aim[:, None])[..., 0].astype(np.float64)
    return solved @ x if n < d else solved

"""A lasso's path: weights along falling strengths, ours and by two other algorithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats


@dataclass(frozen=True)
class LassoPath:
    """Weights along falling strengths, in scikit-learn's scaling.

    Features have mean 0 and norm 1, the target has mean 0, the loss is the squared error over 2 n.

    Attributes:
        n_alphas: (A,) falling.
        coefficients: (A, I), in units of the target.
        names: I.
    """

    n_alphas: Floats
    coefficients: Floats
    names: tuple[str, ...]


def entries_and_exits(path: LassoPath) -> list[str]:
    """Names as their weights leave 0 and, with a minus, come back to it.

    Where two move between one strength and the next, both stand in one text: `a = b`.

    >>> weights = np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]])
    >>> entries_and_exits(LassoPath(np.array([4.0, 3, 2, 1]), weights, ("a", "b")))
    ['b', 'a', '-b']
    """
    before = np.zeros(len(path.names), dtype=bool)
    found = []
    for active in path.coefficients != 0:
        signs = np.where(active, "", "-")
        moved = [signs[j] + path.names[j] for j in np.flatnonzero(active != before)]
        found += [" = ".join(moved)] if moved else []
        before = active
    return found


def between(path: LassoPath, n_alphas: Floats) -> LassoPath:
    """A path that is straight between its points, at other strengths."""
    rising = path.n_alphas[::-1]
    columns = [np.interp(n_alphas, rising, weights[::-1]) for weights in path.coefficients.T]
    return LassoPath(n_alphas, np.array(columns).T, path.names)


def knots() -> LassoPath:
    """The path by homotopy, from knot to knot; between them it is straight."""
    from sklearn.linear_model import lars_path

    x, y, names = _diabetes()
    alphas, _, weights = lars_path(x, y, method="lasso")
    return LassoPath(alphas * len(y), weights.T, names)


def descended(n_alphas: Floats) -> LassoPath:
    """The path at given strengths by coordinate descent."""
    from sklearn.linear_model import lasso_path

    x, y, names = _diabetes()
    _, weights, _ = lasso_path(x, y, alphas=n_alphas / len(y), tol=1e-12, max_iter=100_000)
    return LassoPath(n_alphas, weights.T, names)


def _diabetes() -> tuple[Floats, Floats, tuple[str, ...]]:
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    x = bunch.data - bunch.data.mean(axis=0)
    x = x / np.linalg.norm(x, axis=0)
    return x, bunch.target - bunch.target.mean(), tuple(bunch.feature_names)

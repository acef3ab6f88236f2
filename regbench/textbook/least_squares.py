"""Ridge and gradient flow in closed form, and their exact risks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats


@dataclass(frozen=True)
class Linear:
    """A least squares problem y = x truth + noise, without an intercept.

    Attributes:
        x: (n, I); y: (n,).
        truth: (I,)
        noise: standard deviation of the noise on y.
    """

    x: Floats
    y: Floats
    truth: Floats
    noise: float


def ridge(problem: Linear, strength: float) -> Floats:
    """(I,) the minimum of ||y - x w||^2 / n + strength * ||w||^2, by the normal equations."""
    n, inputs = problem.x.shape
    gram = problem.x.T @ problem.x / n + strength * np.eye(inputs)
    weights: Floats = np.linalg.solve(gram, problem.x.T @ problem.y / n)
    return weights


def flow(problem: Linear, t: float) -> Floats:
    """(I,) gradient flow on ||y - x w||^2 / (2 n), from zero, at time t.

    Along an eigenvector of x'x / n with eigenvalue s it has come 1 - exp(-s t) of the way.
    """
    n = len(problem.y)
    s, vectors = np.linalg.eigh(problem.x.T @ problem.x / n)
    moment = vectors.T @ (problem.x.T @ problem.y / n)
    weights: Floats = vectors @ (-np.expm1(-s * t) / s * moment)
    return weights


def exact_risks(problem: Linear, t: float) -> tuple[float, float]:
    """The mean over the noise of ||w - truth||^2, given x: flow at t, and ridge at 1 / t.

    bias^2 + variance = sum (1 - k)^2 (v' truth)^2 + noise^2 / n * sum k^2 / s, with k the share of
    the way that the estimator goes along the eigenvector v of x'x / n.

    Source: Ali, Kolter & Tibshirani 2019 (bias and variance of both).
    """
    n = len(problem.y)
    s, vectors = np.linalg.eigh(problem.x.T @ problem.x / n)
    truth = (vectors.T @ problem.truth) ** 2
    flowed, ridged = (
        float(((1 - k) ** 2 * truth + problem.noise**2 / n * k**2 / s).sum())
        for k in (-np.expm1(-s * t), s * t / (s * t + 1))
    )
    return flowed, ridged

"""Linear models that a study has trained: their weights, and the optimum that they should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results


@dataclass(frozen=True)
class LinearModel:
    """A trained linear model with one output, and what it was trained on.

    Attributes:
        weight: (I,); bias: a number.
        x: (n, I) and y: (n,), the training part as the model saw it.
    """

    seed: int
    weight: Floats
    bias: float
    x: Floats
    y: Floats


def linear_models(results: Results, cell: str) -> list[LinearModel]:
    """A cell's runs, by seed; needs `training.save_weights`.

    Raises:
        BadData: the study did not save its weights.
    """
    rows = results.runs[results.runs["cell"] == cell].sort_values("seed")
    found = []
    for run_id, seed in zip(rows["run_id"], rows["seed"], strict=True):
        saved, train = results.weights(run_id), results.data(cell, int(seed)).train
        weight = saved["layers.0.weight"][0].astype(np.float64)
        bias = float(saved["layers.0.bias"][0])
        found.append(LinearModel(int(seed), weight, bias, train.x, train.y.astype(np.float64)))
    return found


def kkt_violation(fit: LinearModel, l1: float, l2: float = 0.0) -> float:
    """By how much a fit misses the optimum's conditions; 0 at the optimum and nowhere else.

    The objective is mean((x w + b - y)^2) + l1 sum|w| + l2 sum(w^2), which is convex. With g the
    gradient of its smooth part, w is a minimum if and only if
    g_j = -l1 sign(w_j) where w_j != 0, |g_j| <= l1 where w_j = 0, and the mean residual is 0.

    >>> x = np.array([[1.0], [-1.0]])
    >>> kkt_violation(LinearModel(0, np.array([0.5]), 0.0, x, x[:, 0]), l1=1.0)
    0.0
    """
    residual = fit.x @ fit.weight + fit.bias - fit.y
    gradient = 2 * fit.x.T @ residual / len(fit.y) + 2 * l2 * fit.weight
    at_zero = np.maximum(np.abs(gradient) - l1, 0)
    elsewhere = np.abs(gradient + l1 * np.sign(fit.weight))
    worst = np.where(fit.weight == 0, at_zero, elsewhere).max()
    return float(max(worst, abs(2 * residual.mean())))


def ridge(x: Floats, y: Floats, strengths: Floats) -> Floats:
    """(I,) minimum of mean((x w + b - y)^2) + sum_j strengths[j] w_j^2, b unpenalised.

    >>> x = np.array([[1.0], [-1.0]])
    >>> ridge(x, x[:, 0], np.array([1.0])).tolist()
    [0.5]
    """
    centred, target = x - x.mean(axis=0), y - y.mean()
    moments = centred.T @ centred / len(y) + np.diag(strengths)
    weight: Floats = np.linalg.solve(moments, centred.T @ target / len(y))
    return weight

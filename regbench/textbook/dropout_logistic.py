"""With logistic loss, dropout on the inputs is a ridge to second order only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results
from regbench.textbook.finding import Finding, decided
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Wager, Wang & Liang 2013, section 2"
_DERIVED = "derived: the mean of the loss over all masks, minimised by scipy"
_NEAR, _FAR = 4.0, 10.0

# Mean loss of (I + 1,) weights and bias at a dropout rate, on x (n, I) and y (n,) of 0 and 1.
Objective = Callable[[Floats, float, Floats, Floats], float]


def logistic(score: Floats, y: Floats) -> float:
    """Mean logistic loss of scores (n,)."""
    return float(np.logaddexp(0, np.where(y == 1, -score, score)).mean())


def all_masks(w: Floats, rate: float, x: Floats, y: Floats) -> float:
    """The mean over all 2^I masks, each with its probability: what dropout minimises."""
    total = 0.0
    for mask in product((0.0, 1.0), repeat=x.shape[1]):
        chance = float(np.prod([1 - rate if kept else rate for kept in mask]))
        total += chance * logistic((x * mask / (1 - rate)) @ w[:-1] + w[-1], y)
    return total


def second_order(w: Floats, rate: float, x: Floats, y: Floats) -> float:
    """The loss, and half its second derivative q (1 - q) times the score's variance."""
    score = x @ w[:-1] + w[-1]
    q = 1 / (1 + np.exp(-score))
    variance = rate / (1 - rate) * x**2 @ w[:-1] ** 2
    return logistic(score, y) + float((q * (1 - q) * variance).mean() / 2)


def minimum(objective: Objective, rate: float, x: Floats, y: Floats) -> Floats:
    """(I + 1,) weights and bias."""
    from scipy.optimize import minimize

    start = np.zeros(x.shape[1] + 1)
    found = minimize(objective, start, (rate, x, y), method="BFGS", options={"gtol": 1e-8})
    weights: Floats = found.x
    return weights


def _look(train: Train) -> Evidence:
    results = train("dropout-logistic")
    found = {float(cell.name): _trained(results, cell.name) for cell in results.study.cells}
    part = results.data(results.study.cells[0].name, 0).train
    x, y = part.x, part.y.astype(np.float64)
    return Evidence(_findings(found, x, y), lambda: _figure(found, x, y))


def _trained(results: Results, cell: str) -> Floats:
    """(S, I + 1) the second class's weights and bias less the first's: only that matters."""
    runs = results.runs[results.runs["cell"] == cell]
    saved = [results.weights(run_id) for run_id in runs["run_id"]]
    layers = [np.column_stack([w["layers.0.weight"], w["layers.0.bias"]]) for w in saved]
    return np.array([layer[1] - layer[0] for layer in layers], dtype=np.float64)


def distance(weights: Floats, exact: Floats) -> float:
    """Of the mean of weights (S, K) from (K,): the largest, in standard errors."""
    error = weights.std(axis=0, ddof=1) / np.sqrt(len(weights))
    return float((np.abs(weights.mean(axis=0) - exact) / error).max())


def _findings(found: dict[float, Floats], x: Floats, y: Floats) -> list[Finding]:
    findings = []
    for rate, weights in found.items():
        near = distance(weights, minimum(all_masks, rate, x, y))
        far = distance(weights, minimum(second_order, rate, x, y))
        what = f"rate {rate:g}: mean weights from the minimum of {{}}, in standard errors"
        findings += [
            decided(
                what.format("the mean loss over all masks"),
                f"{near:.2g}",
                f"at most {_NEAR:g}",
                _DERIVED,
                near <= _NEAR,
            ),
            decided(
                what.format("its second order"),
                f"{far:.3g}",
                f"at least {_FAR:g}",
                _PAPER,
                far >= _FAR,
            ),
        ]
    return findings


def _figure(found: dict[float, Floats], x: Floats, y: Floats) -> bytes:
    from regbench.report.figures import Line, Panel, panels_figure
    from regbench.report.figures.style import CYCLE

    rates = np.linspace(0, 0.6, 31)
    exact, ridge = (
        np.array([minimum(objective, rate, x, y) for rate in rates])
        for objective in (all_masks, second_order)
    )
    lines = []
    for j, colour in zip(range(x.shape[1]), CYCLE, strict=False):
        dots = [weights[:, j].mean() for weights in found.values()]
        lines += [
            Line(f"x{j}: mean loss over all masks", rates, exact[:, j], colour=colour),
            Line(f"x{j}: its second order", rates, ridge[:, j], colour=colour, style="--"),
            Line("", list(found), dots, colour=colour, dots=True, style=""),
        ]
    panel = Panel(
        "",
        "dropout rate on the inputs",
        "weight",
        lines,
    )
    return panels_figure(
        "With logistic loss dropout is no ridge (dots: trained, mean over the seeds)",
        [panel],
    )


LESSON = Lesson(
    title="With logistic loss, dropout on the inputs is a ridge to second order only",
    source=_PAPER,
    look=_look,
    minutes=0.2,
)

"""Gradient descent stopped after time t is nearly ridge regression of strength 1 / t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results
from regbench.config.blocks.synthetic import SparseLinear
from regbench.data.synthetic import sparse_linear
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.style import BLUE, ORANGE, canvas, rendered
from regbench.textbook.finding import Finding, decided, less, near
from regbench.textbook.least_squares import Linear, exact_risks, flow, ridge
from regbench.textbook.lesson import Evidence, Lesson, Train

# (1 - exp(-x))^2 (1 + x)^2 / x^2 is at most this: the ratio of the variances, x = s t.
BOUND = 1.6862
# The same for the best t and the best strength, where the truth has no preferred direction.
BEST_BOUND = 1.2147
_PAPER = "Ali, Kolter & Tibshirani 2019, theorem 1"
_BEST = "Ali, Kolter & Tibshirani 2019, optimal tuning; features of equal law in all directions"


@dataclass(frozen=True)
class Risks:
    """||w - truth||^2 of what was trained, and what it should be on average.

    Attributes:
        t: (T,) times, ascending.
        descent: (S, T) gradient descent stopped at t; ridge: (S, T) the penalty 1 / t.
        exact_descent, exact_ridge: (S, T) the mean over the noise, from the closed form.
        off_ridge: largest difference of a trained weight from the closed form, penalty 1 / t.
        off_flow: largest ||w - flow|| / ||flow|| of what was stopped.
    """

    t: Floats
    descent: Floats
    ridge: Floats
    exact_descent: Floats
    exact_ridge: Floats
    off_ridge: float
    off_flow: float


def _look(train: Train) -> Evidence:
    risks = _risks(train("early-stopping-ridge"))
    return Evidence(findings(risks), lambda: _figure(risks))


def _problem(results: Results, cell: str, seed: int) -> tuple[Linear, float]:
    """The training part in the coordinates of the trained weights, and the target's scale.

    Features are scaled, and so is the truth; all is centred, so the bias stays 0.
    """
    config = next(each.setting.dataset for each in results.study.cells if each.name == cell)
    assert isinstance(config, SparseLinear)
    split = results.data(cell, seed)
    scale = sparse_linear(config, seed).values[split.train.ids].std(axis=0)
    truth: Floats = np.where(np.arange(len(scale)) % 2 == 0, 1.0, -1.0) * scale
    y = np.asarray(split.train.y * split.target_scale, dtype=np.float64)
    return Linear(split.train.x, y, truth, config.noise), split.target_scale


def _risks(results: Results) -> Risks:
    runs, lr = results.runs, results.study.base.optimizer.lr
    stopped = runs["regularizer.early_stopping.patience"].notna()
    runs = runs.assign(
        stopped=stopped,
        t=np.where(stopped, 2 * lr * runs["epochs_run"], 1 / runs["regularizer.l2"]),
    ).round({"t": 9})
    seeds, times = sorted(runs["seed"].unique()), sorted(runs["t"].unique())
    shape = (len(seeds), len(times))
    found = {name: np.full(shape, np.nan) for name in ("descent", "ridge")}
    exact = np.empty((2, *shape))
    off = {"descent": 0.0, "ridge": 0.0}
    for row, seed in enumerate(seeds):
        problem, scale = _problem(results, str(runs["cell"].iloc[0]), int(seed))
        for column, t in enumerate(times):
            exact[:, row, column] = exact_risks(problem, t)
        for run in runs[runs["seed"] == seed].itertuples():
            weights = results.weights(run.run_id)["layers.0.weight"][0] * scale
            name, place = "descent" if run.stopped else "ridge", (row, times.index(run.t))
            found[name][place] = np.sum((weights - problem.truth) ** 2)
            right = flow(problem, run.t) if run.stopped else ridge(problem, 1 / run.t)
            apart = np.linalg.norm(weights - right) / np.linalg.norm(right)
            off[name] = max(off[name], float(apart))
    return Risks(
        t=np.array(times),
        descent=found["descent"],
        ridge=found["ridge"],
        exact_descent=exact[0],
        exact_ridge=exact[1],
        off_ridge=off["ridge"],
        off_flow=off["descent"],
    )


def findings(risks: Risks) -> list[Finding]:
    """What the paper says of these risks."""
    ratios = risks.descent.mean(axis=0) / risks.ridge.mean(axis=0)
    worst = int(ratios.argmax())
    exact = risks.exact_descent / risks.exact_ridge
    best, best_ridge = (each.mean(axis=0).argmin() for each in (risks.descent, risks.ridge))
    standard = [
        np.abs((got - mean).mean(axis=0)) / ((got - mean).std(axis=0, ddof=1) / len(got) ** 0.5)
        for got, mean in ((risks.descent, risks.exact_descent), (risks.ridge, risks.exact_ridge))
    ]
    return [
        near(
            "trained ridge less the normal equations' (relative, largest)",
            risks.off_ridge, 0, 1e-9, "closed form, by NumPy",
        ),
        near(
            "stopped descent less gradient flow (relative, largest)",
            risks.off_flow, 0, 0.05, "closed form, by NumPy; descent has finite steps",
        ),
        near(
            "mean risks less the exact ones, in standard errors (largest of "
            f"{2 * len(risks.t)})",
            float(np.max(standard)), 0, 4, "Ali, Kolter & Tibshirani 2019, bias and variance",
        ),
        decided(
            "risk of descent / risk of ridge, the largest",
            f"{ratios[worst]:.4g} at t = {risks.t[worst]:g}", f"at most {BOUND}", _PAPER,
            bool(ratios[worst] <= BOUND),
        ),
        less(
            f"risk of descent - {BOUND} risk of ridge, at that t",
            risks.descent[:, worst] - BOUND * risks.ridge[:, worst], _PAPER,
        ),
        decided(
            "exact risk of flow / exact risk of ridge, largest of all designs and t",
            f"{exact.max():.4g}", f"at most {BOUND}", _PAPER, bool(exact.max() <= BOUND),
        ),
        less(
            f"best risk of descent - {BEST_BOUND} best risk of ridge",
            risks.descent[:, best] - BEST_BOUND * risks.ridge[:, best_ridge], _BEST,
        ),
    ]  # fmt: skip


def _figure(risks: Risks) -> bytes:
    from regbench.analysis.statistics import interval

    with canvas(7.5, 3.6) as figure:
        axes = figure.subplots()
        for name, colour, got, exact in (
            ("gradient descent, stopped at t", BLUE, risks.descent, risks.exact_descent),
            ("ridge, l2 = 1 / t", ORANGE, risks.ridge, risks.exact_ridge),
        ):
            found = [interval(column.tolist()) for column in got.T]
            mean = np.array([each.mean for each in found])
            half = [each.high - each.mean for each in found if each.high and each.mean]
            axes.errorbar(risks.t, mean, half, fmt="o", ms=4, color=colour, label=name)
            axes.plot(risks.t, exact.mean(axis=0), color=colour, lw=1, label="exact")
        limit = BOUND * risks.exact_ridge.mean(axis=0)
        axes.plot(risks.t, limit, color=ORANGE, ls=":", lw=1, label=f"{BOUND} times ridge's")
        axes.set(xscale="log", ylim=(0, None), xlabel="t = 2 · lr · steps = 1 / l2")
        log_ticks(axes, "x")
        axes.set_ylabel("risk: mean of ||w - truth||²")
        axes.legend(ncols=2)
        return rendered(figure, "svg")


LESSON = Lesson(
    title="Stopping early is nearly ridge: after time t, a penalty of 1 / t",
    source=_PAPER,
    look=_look,
    minutes=0.3,
)

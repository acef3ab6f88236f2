"""The order in which features enter the lasso's path on the diabetes data."""

from __future__ import annotations

import numpy as np

from regbench.api import Results
from regbench.textbook.finding import Finding, decided
from regbench.textbook.lasso_solvers import LassoPath, between, descended, entries_and_exits, knots
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.linear import linear_models

# The order of entry, and alpha n at which the first feature enters, in scikit-learn's scaling.
ENTERED = ("bmi", "s5", "bp", "s3", "sex", "s6", "s1", "s4", "s2", "age")
FIRST_KNOT = 949.4352603840

_PAPER = "Efron, Hastie, Johnstone & Tibshirani 2004, figures 1 and 3"
_LARS = "scikit-learn, lars_path(method='lasso')"
_DESCENT = "scikit-learn, lasso_path"
# Of the largest coefficient, about 700. Coordinate descent is the less exact: it stops by its gap.
_HOMOTOPY_TOLERANCE, _DESCENT_TOLERANCE = 1e-10, 1e-8


def trained(results: Results) -> LassoPath:
    """The study's runs as a path.

    Ours: mean((x w - y)^2) + l1 |w|, with features and target of variance 1. With x = sqrt(n) x',
    y = y' / s and w' = sqrt(n) s w this is 2 / s^2 times scikit-learn's |x' w' - y'|^2 / (2 n) +
    alpha |w'|, where alpha n = l1 s sqrt(n) / 2.
    """
    cells = [(each.name, each.setting.regularizer.l1) for each in results.study.cells]
    cells.sort(key=lambda each: each[1], reverse=True)
    split = results.data(cells[0][0], 0)
    scale = np.sqrt(len(split.train)) * split.target_scale
    weights = [linear_models(results, name)[0].weight for name, _ in cells]
    l1 = np.array([strength for _, strength in cells], dtype=np.float64)
    return LassoPath(l1 * scale / 2, scale * np.array(weights), split.feature_names)


def _look(train: Train) -> Evidence:
    ours = trained(train("lasso-path"))
    findings = _findings(ours, knots(), descended(ours.n_alphas))
    return Evidence(findings, lambda: _figure(ours))


def _findings(ours: LassoPath, homotopy: LassoPath, descent: LassoPath) -> list[Finding]:
    # Inside of each stretch: at a knot itself a weight is on the point of moving.
    inside = between(homotopy, (homotopy.n_alphas[1:] + homotopy.n_alphas[:-1]) / 2)
    moved, expected = entries_and_exits(ours), entries_and_exits(inside)
    order = [name for name in moved if not name.startswith("-")][: len(ENTERED)]
    active = (ours.coefficients != 0).any(axis=1)
    above, below = ours.n_alphas[~active].min(initial=np.inf), ours.n_alphas[active].max(initial=0)
    same = ((ours.coefficients != 0) == (descent.coefficients != 0)).all(axis=1)
    return [
        decided(
            "features in the order in which they enter",
            ", ".join(order),
            ", ".join(ENTERED),
            _PAPER,
            tuple(order) == ENTERED,
        ),
        decided(
            "alpha n between which the first one enters",
            f"{below:.2f} to {above:.2f}",
            f"{FIRST_KNOT:.10f}, within 0.1% on both sides",
            _PAPER,
            0.999 * FIRST_KNOT < below < FIRST_KNOT < above < 1.001 * FIRST_KNOT,
        ),
        decided(
            "all that enters and leaves",
            ", ".join(moved),
            ", ".join(expected),
            _LARS,
            moved == expected,
        ),
        decided(
            f"strengths, of {len(same)}, at which the same weights are exactly 0",
            f"{same.sum()}",
            f"{len(same)}",
            _DESCENT,
            bool(same.all()),
        ),
        _close(ours, between(homotopy, ours.n_alphas), _HOMOTOPY_TOLERANCE, "lars_path"),
        _close(ours, descent, _DESCENT_TOLERANCE, "lasso_path"),
    ]


def _close(ours: LassoPath, other: LassoPath, tolerance: float, name: str) -> Finding:
    largest = np.abs(other.coefficients).max()
    apart = float(np.abs(ours.coefficients - other.coefficients).max() / largest)
    return decided(
        f"largest difference of a coefficient, of the largest one, from {name}",
        f"{apart:.2g}",
        f"at most {tolerance:g}",
        f"scikit-learn, {name}",
        apart <= tolerance,
    )


def _figure(ours: LassoPath) -> bytes:
    from regbench.report.figures import Line, Mark, Panel, panels_figure

    # At 0 a line is drawn as far as the next strength only, so that none hides another.
    away = np.pad(ours.coefficients != 0, ((1, 1), (0, 0)))
    away = away[:-2] | away[1:-1] | away[2:]
    shown = np.where(away, ours.coefficients, np.nan)
    lines = [
        Line(f"{place}. {name}", ours.n_alphas, shown[:, ours.names.index(name)])
        for place, name in enumerate(ENTERED, 1)
    ]
    panel = Panel(
        "",
        "strength alpha n (scikit-learn's scaling)",
        "coefficient (units of the target; features of norm 1)",
        lines,
        log_x=True,
        marks=[Mark(FIRST_KNOT, f"{FIRST_KNOT:.2f}")],
    )
    return panels_figure(
        "The lasso's path on the diabetes data: features enter one by one, from the right",
        [panel],
    )


LESSON = Lesson(
    title="Features enter the lasso's path one by one, in the published order",
    source=_PAPER,
    look=_look,
    minutes=0.2,
)

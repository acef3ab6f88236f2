"""Early stopping and ridge: closed forms against scikit-learn and SciPy, bounds against theirs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Ridge

from regbench.textbook.early_stopping_ridge import BEST_BOUND, BOUND, Risks, findings
from regbench.textbook.least_squares import Linear, exact_risks, flow, ridge


@pytest.fixture
def problem():
    draw = np.random.default_rng(0)
    x, truth = draw.normal(size=(30, 6)), draw.normal(size=6)
    return Linear(x, x @ truth + 0.7 * draw.normal(size=30), truth, noise=0.7)


@pytest.mark.parametrize("strength", [0.01, 0.3, 5.0])
def test_ridge_is_scikit_learns(problem, strength):
    model = Ridge(alpha=strength * 30, fit_intercept=False, solver="svd")
    np.testing.assert_allclose(ridge(problem, strength), model.fit(problem.x, problem.y).coef_)


@pytest.mark.parametrize("t", [0.1, 1.0, 20.0])
def test_flow_solves_its_differential_equation(problem, t):
    def downhill(_, w):
        return problem.x.T @ (problem.y - problem.x @ w) / 30

    path = solve_ivp(downhill, (0, t), np.zeros(6), rtol=1e-10, atol=1e-12, method="DOP853")
    np.testing.assert_allclose(flow(problem, t), path.y[:, -1], rtol=1e-7)


@pytest.mark.parametrize("t", [0.3, 4.0])
def test_the_exact_risk_is_the_mean_over_the_noise(problem, t):
    draw, errors = np.random.default_rng(1), []
    for _ in range(2000):
        y = problem.x @ problem.truth + problem.noise * draw.normal(size=30)
        drawn = replace(problem, y=y)
        found = flow(drawn, t), ridge(drawn, 1 / t)
        errors.append([np.sum((w - problem.truth) ** 2) for w in found])
    error = np.std(errors, axis=0) / 2000**0.5
    assert (np.abs(np.mean(errors, axis=0) - exact_risks(problem, t)) < 4 * error).all()


def test_the_bounds_are_the_papers():
    worst = minimize_scalar(
        lambda x: -(((1 - np.exp(-x)) * (1 + x) / x) ** 2), bounds=(0.1, 10), method="bounded"
    )
    assert -worst.fun == pytest.approx(BOUND, abs=5e-4)  # the paper rounds up
    # A truth of N(0, tau^2 I): ridge is best at noise^2 / (n tau^2), where it cannot be beaten.
    best = minimize_scalar(
        lambda u: -((np.exp(-2 * u) + (1 - np.exp(-u)) ** 2 / u) * (1 + u)),
        bounds=(0.1, 10),
        method="bounded",
    )
    assert -best.fun == pytest.approx(BEST_BOUND, abs=5e-5)


def risks(ratio, **wrong):
    draw = np.random.default_rng(2)
    mean = np.array([3.0, 2.0, 4.0])
    noise = draw.normal(size=(12, 3)) * 0.05
    exact = np.broadcast_to(mean, (12, 3))
    good = Risks(
        np.array([1.0, 2, 4]), ratio * mean + noise, mean + noise, ratio * exact, exact, 0, 0
    )
    return replace(good, **wrong)


def decisions(found):
    return [each.decision for each in findings(found)]


def test_each_finding_can_fail():
    assert decisions(risks(1.1)) == ["PASS"] * 7
    assert decisions(risks(1.8)) == [*["PASS"] * 3, *["FAIL"] * 4]
    assert decisions(risks(1.1, off_ridge=1e-6))[0] == "FAIL"
    assert decisions(risks(1.1, off_flow=0.1))[1] == "FAIL"
    good = risks(1.1)
    assert decisions(replace(good, descent=good.descent + 0.3))[2] == "FAIL"

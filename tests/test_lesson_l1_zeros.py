"""The certificate of an L1 optimum against scikit-learn's solvers, and that it can be refused."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge

import regbench
from regbench.textbook.l1_zeros import LESSON, precision, recall
from regbench.textbook.linear import LinearModel, kkt_violation, ridge
from regbench.textbook.reproduce import study_file


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(7)
    x = random.normal(size=(80, 12))
    return x, x[:, 0] - 2 * x[:, 1] + 0.5 + random.normal(size=80)


def solved(model, x, y):
    model.fit(x, y)
    return LinearModel(0, model.coef_, float(model.intercept_), x, y)


# scikit-learn halves the squared error, and its elastic net halves the square of the weights too.
SOLVERS = {
    "l1": (Lasso(alpha=0.15, tol=1e-14), 0.3, 0.0),
    "elastic": (ElasticNet(alpha=0.25, l1_ratio=0.6, tol=1e-14), 0.3, 0.1),
    "l2": (Ridge(alpha=80 * 0.1), 0.0, 0.1),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_the_optimum_of_another_solver_is_certified(data, name):
    model, l1, l2 = SOLVERS[name]
    fit = solved(model, *data)
    assert (fit.weight == 0).any() == (l1 > 0)
    assert kkt_violation(fit, l1, l2) < 1e-7


def test_what_is_no_optimum_is_not_certified(data):
    x, y = data
    fit = solved(Lasso(alpha=0.15, tol=1e-14), x, y)
    at_zero = int(np.flatnonzero(fit.weight == 0)[0])
    for j, step in ((0, 1e-4), (at_zero, 1e-4), (at_zero, -1e-4)):
        moved = fit.weight.copy()
        moved[j] += step
        assert kkt_violation(LinearModel(0, moved, fit.bias, x, y), 0.3) > 1e-4, j
    absent = np.where(np.arange(12) == 1, 0, fit.weight)
    assert kkt_violation(LinearModel(0, absent, fit.bias, x, y), 0.3) > 1
    assert kkt_violation(LinearModel(0, fit.weight, fit.bias + 1e-3, x, y), 0.3) > 1e-3
    assert kkt_violation(fit, 0.31) > 0.009
    nothing = LinearModel(0, np.zeros(12), float(y.mean()), x, y)
    pull = 2 * np.abs(x.T @ (y - y.mean())).max() / len(y)
    assert kkt_violation(nothing, 0.3) == pytest.approx(pull - 0.3)
    assert kkt_violation(nothing, pull) == pytest.approx(0, abs=1e-12)


def test_the_violation_is_the_least_slope_of_the_objective(data):
    # At a minimum no direction leads down: every one-sided derivative is at least 0.
    x, y = data
    l1, l2, step = 0.3, 0.1, 1e-6

    def objective(w):
        return np.mean((x @ w + 0.5 - y) ** 2) + l1 * abs(w).sum() + l2 * (w**2).sum()

    weight = np.where(np.arange(12) % 3 == 0, 0.0, np.linspace(-1, 1, 12))
    down = min(
        (objective(weight + sign * step * np.eye(12)[j]) - objective(weight)) / step
        for j in range(12)
        for sign in (1, -1)
    )
    residual = abs(2 * np.mean(x @ weight + 0.5 - y))
    assert kkt_violation(LinearModel(0, weight, 0.5, x, y), l1, l2) == pytest.approx(
        max(-down, residual), abs=1e-4
    )


def test_a_ridge_with_a_strength_for_each_feature(data):
    x, y = data
    strengths = np.linspace(0.1, 2, 12)
    # Dividing a feature by the root of its strength makes the strengths equal.
    scaled = Ridge(alpha=len(y)).fit(x / np.sqrt(strengths), y)
    np.testing.assert_allclose(
        ridge(x, y, strengths), scaled.coef_ / np.sqrt(strengths), rtol=1e-10
    )


def test_precision_and_recall_of_a_support():
    weight = np.array([0.3, 0.0, -0.2, 0.1, 0.0, 0.0])
    assert precision(weight, 3) == pytest.approx(2 / 3)
    assert recall(weight, 3) == pytest.approx(2 / 3)
    assert precision(np.zeros(4), 2) == 0


def test_training_that_has_not_come_to_rest_fails(tmp_path):
    def train(name):
        overrides = ["training.epochs=20", "training.eval_every=20"]
        return regbench.run(study_file(name), overrides=overrides, seeds="3", out=tmp_path)

    findings = LESSON.look(train).findings
    refused = [each.what for each in findings if each.decision == "FAIL"]
    assert len([what for what in refused if what.startswith("largest violation")]) == 3

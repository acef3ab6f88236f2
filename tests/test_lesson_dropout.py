"""What dropout and noise cost a linear model, by going through every mask; and the verdicts."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import regbench
from regbench.textbook import dropout_logistic, dropout_rate, dropout_size
from regbench.textbook.dropout_ridge import Averaged, distance, nearest, penalty
from regbench.textbook.linear import ridge

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(30, 3)) * [1.0, 0.5, 2.0] + [0.0, 1.0, -0.3]
Y = X @ [1.0, -2.0, 0.5] + RANDOM.normal(size=30)
LABELS = (RANDOM.normal(size=30) * 4 > -Y).astype(float)  # not separable: weights stay finite
WEIGHT, BIAS = np.array([0.7, -0.4, 1.1]), 0.2


def loss(x):
    return np.mean((x @ WEIGHT + BIAS - Y) ** 2)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_mean_loss_over_all_masks_is_the_loss_and_the_adaptive_ridge(rate):
    mean = 0.0
    for mask in product((0, 1), repeat=3):
        chance = np.prod([1 - rate if kept else rate for kept in mask])
        mean += chance * loss(X * mask / (1 - rate))
    cost = penalty("adaptive", rate / (1 - rate), X) @ WEIGHT**2
    assert mean == pytest.approx(loss(X) + cost, rel=1e-12)


def test_the_mean_loss_over_noise_is_the_loss_and_the_plain_ridge():
    # Two points at ± sigma have the mean and the variance that matter to a squared loss.
    mean = np.mean([loss(X + 0.3 * np.array(signs)) for signs in product((-1, 1), repeat=3)])
    assert mean == pytest.approx(loss(X) + penalty("plain", 0.09, X) @ WEIGHT**2, rel=1e-12)


def test_each_ridge_is_told_from_the_other():
    exact = ridge(X, Y, penalty("adaptive", 0.5, X))
    found = Averaged("dropout", "adaptive", 0.5, exact, np.full(3, 1e-3), X, Y)
    assert distance(found, "adaptive", 0.5) == 0
    assert nearest(found, "adaptive") < 1
    assert distance(found, "adaptive", 0.6) > 4
    assert nearest(found, "plain") > 20
    plain = replace(found, mean=ridge(X, Y, penalty("plain", 0.5, X)))
    assert nearest(plain, "plain") < 1
    assert nearest(plain, "adaptive") > 20


def test_logistic_regression_without_dropout_is_scikit_learns():
    penalty_free = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, LABELS)
    for objective in (dropout_logistic.all_masks, dropout_logistic.second_order):
        found = dropout_logistic.minimum(objective, 0.0, X, LABELS)
        np.testing.assert_allclose(found[:-1], penalty_free.coef_[0], rtol=1e-4)
        np.testing.assert_allclose(found[-1], penalty_free.intercept_[0], rtol=1e-4)


def test_logistic_dropout_by_drawing_masks_and_by_taylor():
    w, rate = np.array([0.7, -0.4, 1.1, 0.2]), 0.4
    masks = RANDOM.random((20_000, *X.shape)) >= rate
    score = (X * masks / (1 - rate)) @ w[:-1] + w[-1]
    drawn = np.mean(np.log1p(np.exp(np.where(LABELS == 1, -score, score))), axis=1)
    exact = dropout_logistic.all_masks(w, rate, X, LABELS)
    assert abs(drawn.mean() - exact) < 4 * drawn.std() / np.sqrt(len(drawn))
    # Where weights are small the higher orders vanish faster than the penalty.
    costs = [
        objective(1e-3 * w, rate, X, LABELS) - objective(1e-3 * w, 0.0, X, LABELS)
        for objective in (dropout_logistic.all_masks, dropout_logistic.second_order)
    ]
    assert costs[1] == pytest.approx(costs[0], rel=0.01)
    assert costs[1] > 0


def test_a_distance_is_in_standard_errors():
    weights = np.array([[1.0, 5.0], [3.0, 5.5]])
    assert dropout_logistic.distance(weights, np.array([2.0, 5.0])) == pytest.approx(1.0)


def test_a_best_rate_at_the_end_fails(tmp_path):
    # Far too short for anything to overfit.
    study = {
        "name": "short",
        "dataset": {"name": "digits", "train_size": 100, "val_size": 200, "test_size": 200},
        "model": {"name": "mlp", "hidden": [16]},
        "training": {"epochs": 3},
        "seeds": 3,
        "sweep": {"regularizer.dropout": [0, 0.4, 0.8]},
    }
    results = regbench.run(study, out=tmp_path)
    first, *others = dropout_rate.LESSON.look(lambda _: results).findings
    assert (first.found, first.decision) == ("0", "FAIL")
    assert len(others) == 4
    assert all(each.decision != "PASS" for each in others if each.what.endswith("that at 0"))


@pytest.mark.parametrize(
    ("gains", "decisions"),
    [
        ((0.01, 0.06, 0.02), ["PASS", "PASS"]),
        ((0.05, 0.02, 0.01), ["FAIL", "PASS"]),
        ((0.00, 0.05, 0.09), ["PASS", "FAIL"]),
        ((0.03, 0.03, 0.03), ["UNDECIDED", "UNDECIDED"]),
    ],
)
def test_a_gain_must_grow_and_shrink(monkeypatch, gains, decisions):
    spread = np.array([-0.001, 0.0, 0.001])
    by_size = dict(zip((20, 160, 1280), gains, strict=True))
    places = {20: spread, 160: spread[::-1], 1280: spread[[1, 0, 2]]}
    monkeypatch.setattr(dropout_size, "gain", lambda _, __, size: by_size[size] + places[size])
    monkeypatch.setattr(dropout_size, "BySeed", lambda _: None)
    results = type("Nothing", (), {"rows": None})()
    findings = dropout_size.LESSON.look(lambda _: results).findings
    assert [each.decision for each in findings] == decisions * 2


def test_a_gain_is_paired_by_seed(tmp_path):
    study = {
        "name": "small",
        "dataset": {"name": "digits", "val_size": 0, "test_size": 300},
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 2},
        "seeds": 3,
        "sweep": {
            "dataset.label_noise": [0.2],
            "dataset.train_size": [40],
            "regularizer": {"none": "none", "dropout": {"dropout": 0.5}},
        },
    }
    results = regbench.run(study, out=tmp_path)
    runs = results.runs.assign(with_it=results.runs["regularizer"] != "none")
    table = runs.pivot(index="seed", columns="with_it", values="test_acc")
    found = dropout_size.gain(dropout_size.BySeed(results.rows), 0.2, 40)
    np.testing.assert_array_equal(found, (table[True] - table[False]).to_numpy())
    assert found.any()

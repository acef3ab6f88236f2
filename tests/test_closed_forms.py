"""Full-batch linear models against scikit-learn's exact solutions."""

import numpy as np
import pytest
from engine import member, setting, train
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from regbench.data import load

DIABETES = {"name": "diabetes", "val_size": 0, "test_size": 0}


def fit(regularizer, optimizer, epochs, dataset=DIABETES, init="zeros", **training):
    chosen = setting(
        dataset=dataset,
        model={"name": "linear", "init": init},
        regularizer=regularizer,
        optimizer=optimizer,
        training={"epochs": epochs, "batch_size": "full", "eval_every": epochs} | training,
    )
    (trajectory,) = train(member(chosen))
    reading = trajectory.readings[0]
    return load(chosen.dataset, 0, None), reading.state, trajectory


SGD = {"name": "sgd", "lr": 0.15}
MOMENTUM = {"name": "sgd", "lr": 0.02, "momentum": 0.9}
NESTEROV = {"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True}


@pytest.mark.parametrize(
    "optimizer", [SGD, MOMENTUM, NESTEROV], ids=["sgd", "momentum", "nesterov"]
)
@pytest.mark.parametrize("l2", [0.01, 0.1, 1.0])
def test_l2_is_ridge_at_alpha_l2_times_n(optimizer, l2):
    split, state, _ = fit({"l2": l2}, optimizer, 6000)
    x, y = split.train.x, split.train.y
    ridge = Ridge(alpha=l2 * len(x), tol=1e-12).fit(x, y)
    # The smallest direction of these data contracts slowest.
    np.testing.assert_allclose(state["layers.0.weight"][:, 0], ridge.coef_, atol=1e-7)
    np.testing.assert_allclose(state["layers.0.bias"][0], ridge.intercept_, atol=1e-7)


def test_weight_decay_has_the_fixed_point_that_the_formulas_say():
    # Plain SGD: wd = 2 l2. With momentum: wd = 2 l2 / (1 - momentum), and wd = 2 l2 is another.
    split, l2_state, _ = fit({"l2": 0.1}, SGD, 3000)
    for optimizer, decay, same in (
        (SGD, 0.2, True),
        (MOMENTUM, 0.2 / (1 - 0.9), True),
        (MOMENTUM, 0.2, False),
    ):
        _, state, _ = fit({"weight_decay": decay}, optimizer, 3000)
        gap = abs(state["layers.0.weight"] - l2_state["layers.0.weight"]).max()
        assert (gap < 1e-7) == same, (optimizer, decay, gap)
    assert len(split.train.x) == 442


@pytest.mark.parametrize(
    "optimizer", [SGD, MOMENTUM, NESTEROV], ids=["sgd", "momentum", "nesterov"]
)
@pytest.mark.parametrize("l1", [0.02, 0.1, 0.4])
def test_proximal_l1_is_the_lasso_with_its_support(optimizer, l1):
    split, state, trajectory = fit({"l1": l1}, optimizer, 4000)
    lasso = Lasso(alpha=l1 / 2, tol=1e-14, max_iter=100_000).fit(split.train.x, split.train.y)
    weight = state["layers.0.weight"][:, 0]
    assert ((weight != 0) == (lasso.coef_ != 0)).all()
    assert 0 < (weight == 0).sum() < 10
    np.testing.assert_allclose(weight, lasso.coef_, atol=1e-6)
    assert trajectory.curves["zero_fraction"][-1] == (lasso.coef_ == 0).mean()


def test_elastic_is_the_elastic_net():
    l1, l2 = 0.1, 0.05
    split, state, _ = fit({"l1": l1, "l2": l2}, SGD, 4000)
    # scikit-learn: 1/2 the squared loss + alpha * ratio * |w| + alpha * (1 - ratio) / 2 * w^2
    alpha = l1 / 2 + l2
    net = ElasticNet(alpha=alpha, l1_ratio=l1 / 2 / alpha, tol=1e-14, max_iter=100_000)
    net.fit(split.train.x, split.train.y)
    weight = state["layers.0.weight"][:, 0]
    assert ((weight != 0) == (net.coef_ != 0)).all()
    np.testing.assert_allclose(weight, net.coef_, atol=1e-7)


def test_the_subgradient_never_reaches_zero():
    _, state, trajectory = fit(
        {"l1": 0.4, "l1_method": "subgradient"}, SGD, 500, init="glorot_normal"
    )
    assert (state["layers.0.weight"] != 0).all()
    assert trajectory.curves["zero_fraction"][-1] == 0


@pytest.mark.parametrize(
    ("standardize", "known"), [(False, 4.2960871511), (True, None)], ids=["as shipped", "scaled"]
)
def test_above_lambda_max_every_weight_is_zero(standardize, known):
    dataset = DIABETES | {"standardize": standardize}
    split = load(setting(dataset=dataset, model="linear").dataset, 0, None)
    x, y = split.train.x, split.train.y
    # The gradient of the mean squared error at w = 0: 2 |x^T (y - mean y)| / n.
    lambda_max = (2 * abs(x.T @ (y - y.mean())) / len(y)).max()
    if known is not None:
        assert lambda_max == pytest.approx(known, abs=1e-9)
    else:
        # 90.32 where the features are standardised and the target is not, as its sd is 77.0.
        from sklearn.datasets import load_diabetes

        assert lambda_max * load_diabetes().target.std() == pytest.approx(90.32, abs=0.005)
    lr = 0.1 if standardize else 0.4
    for factor, zeros in ((1.0001, 1.0), (0.99, 0.9)):
        optimizer = {"name": "sgd", "lr": lr}
        _, state, trajectory = fit(
            {"l1": lambda_max * factor}, optimizer, 2000, dataset, init="glorot_uniform"
        )
        assert trajectory.curves["zero_fraction"][-1] == pytest.approx(zeros)
        assert (state["layers.0.weight"] == 0).mean() == pytest.approx(zeros)


def test_l2_softmax_is_logistic_regression():
    # Three classes or more; for two, whose logit scikit-learn halves, see docs/formulas.md.
    dataset = {"name": "wine", "val_size": 0, "test_size": 0}
    l2 = 0.05
    split, state, _ = fit({"l2": l2}, {"name": "sgd", "lr": 0.5}, 5000, dataset)
    x, y = split.train.x, split.train.y
    theirs = LogisticRegression(C=1 / (2 * l2 * len(x)), tol=1e-12, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(state["layers.0.weight"].T, theirs.coef_, atol=1e-6)
    ours = state["layers.0.bias"] - state["layers.0.bias"].mean()
    np.testing.assert_allclose(ours, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5)


def test_plain_sgd_makes_l2_and_weight_decay_one_trajectory_and_adam_does_not():
    def losses(optimizer, **regularizer):
        _, _, trajectory = fit(regularizer, optimizer, 50, init="glorot_uniform", eval_every=1)
        return trajectory.curves["train_loss"]

    a, b = losses(SGD, l2=0.1), losses(SGD, weight_decay=0.2)
    np.testing.assert_allclose(a, b, rtol=1e-12)
    for optimizer in (MOMENTUM, {"name": "adam", "lr": 0.01}):
        a, b = losses(optimizer, l2=0.1), losses(optimizer, weight_decay=0.2)
        assert abs(a - b).max() > 1e-4

"""Full-batch linear models against scikit-learn's exact solutions."""

import numpy as np
import pytest
from engine import member, setting, train
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from regbench.data import load

DIABETES = {"name": "diabetes", "val_size": 0, "test_size": 0}


def fits(pairs, epochs, dataset=DIABETES, init="zeros", **training):
    """The data, and state and trajectory of each (regularizer, optimizer), trained in one stack."""
    settings = [
        setting(
            dataset=dataset,
            model={"name": "linear", "init": init},
            regularizer=regularizer,
            optimizer=optimizer,
            training={"epochs": epochs, "batch_size": "full", "eval_every": epochs} | training,
        )
        for regularizer, optimizer in pairs
    ]
    trained = train(*map(member, settings))
    split = load(settings[0].dataset, 0, None)
    return split, [(trajectory.readings[0].state, trajectory) for trajectory in trained]


def fit(regularizer, optimizer, epochs, *rest, **more):
    split, [(state, trajectory)] = fits([(regularizer, optimizer)], epochs, *rest, **more)
    return split, state, trajectory


SGD = {"name": "sgd", "lr": 0.15}
MOMENTUM = {"name": "sgd", "lr": 0.02, "momentum": 0.9}
NESTEROV = {"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True}


together = pytest.mark.parametrize(
    "optimizers",
    [(SGD,), *(pytest.param((each,), marks=pytest.mark.torture) for each in (MOMENTUM, NESTEROV))],
    ids=["sgd", "momentum", "nesterov"],
)


@together
def test_l2_is_ridge_at_alpha_l2_times_n(optimizers):
    pairs = [(l2, optimizer) for l2 in (0.01, 0.1, 1.0) for optimizer in optimizers]
    split, trained = fits([({"l2": l2}, optimizer) for l2, optimizer in pairs], 6000)
    x, y = split.train.x, split.train.y
    for (l2, optimizer), (state, _) in zip(pairs, trained, strict=True):
        ridge = Ridge(alpha=l2 * len(x), tol=1e-12).fit(x, y)
        which = f"{l2} {optimizer}"
        # The smallest direction of these data contracts slowest.
        weight, bias = state["layers.0.weight"][0], state["layers.0.bias"][0]
        np.testing.assert_allclose(weight, ridge.coef_, atol=1e-7, err_msg=which)
        np.testing.assert_allclose(bias, ridge.intercept_, atol=1e-7, err_msg=which)


def test_weight_decay_has_the_fixed_point_that_the_formulas_say():
    # Plain SGD: wd = 2 l2. With momentum: wd = 2 l2 / (1 - momentum), and wd = 2 l2 is another.
    cases = [(SGD, 0.2, True), (MOMENTUM, 0.2 / (1 - 0.9), True), (MOMENTUM, 0.2, False)]
    decayed = [({"weight_decay": decay}, optimizer) for optimizer, decay, _ in cases]
    split, [(l2_state, _), *trained] = fits([({"l2": 0.1}, SGD), *decayed], 3000)
    for (optimizer, decay, same), (state, _) in zip(cases, trained, strict=True):
        gap = abs(state["layers.0.weight"] - l2_state["layers.0.weight"]).max()
        assert (gap < 1e-7) == same, (optimizer, decay, gap)
    assert len(split.train.x) == 442


@together
def test_proximal_l1_is_the_lasso_with_its_support(optimizers):
    pairs = [(l1, optimizer) for l1 in (0.02, 0.1, 0.4) for optimizer in optimizers]
    split, trained = fits([({"l1": l1}, optimizer) for l1, optimizer in pairs], 4000)
    for (l1, optimizer), (state, trajectory) in zip(pairs, trained, strict=True):
        lasso = Lasso(alpha=l1 / 2, tol=1e-14, max_iter=100_000).fit(split.train.x, split.train.y)
        weight, which = state["layers.0.weight"][0], f"{l1} {optimizer}"
        assert ((weight != 0) == (lasso.coef_ != 0)).all(), which
        assert 0 < (weight == 0).sum() < 10, which
        np.testing.assert_allclose(weight, lasso.coef_, atol=1e-6, err_msg=which)
        assert trajectory.curves["zero_fraction"][-1] == (lasso.coef_ == 0).mean(), which


def test_elastic_is_the_elastic_net():
    l1, l2 = 0.1, 0.05
    split, state, _ = fit({"l1": l1, "l2": l2}, SGD, 4000)
    # scikit-learn: 1/2 the squared loss + alpha * ratio * |w| + alpha * (1 - ratio) / 2 * w^2
    alpha = l1 / 2 + l2
    net = ElasticNet(alpha=alpha, l1_ratio=l1 / 2 / alpha, tol=1e-14, max_iter=100_000)
    net.fit(split.train.x, split.train.y)
    weight = state["layers.0.weight"][0]
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
    above, below = (({"l1": lambda_max * f}, {"name": "sgd", "lr": lr}) for f in (1.0001, 0.99))
    _, trained = fits([above, below], 2000, dataset, init="glorot_uniform")
    for (state, trajectory), zeros in zip(trained, (1.0, 0.9), strict=True):
        assert trajectory.curves["zero_fraction"][-1] == pytest.approx(zeros)
        assert (state["layers.0.weight"] == 0).mean() == pytest.approx(zeros)


def test_l2_softmax_is_logistic_regression():
    # Three classes or more; for two, whose logit scikit-learn halves, see docs/formulas.md.
    dataset = {"name": "wine", "val_size": 0, "test_size": 0}
    l2 = 0.05
    split, state, _ = fit({"l2": l2}, {"name": "sgd", "lr": 0.5}, 5000, dataset)
    x, y = split.train.x, split.train.y
    theirs = LogisticRegression(C=1 / (2 * l2 * len(x)), tol=1e-12, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(state["layers.0.weight"], theirs.coef_, atol=1e-6)
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

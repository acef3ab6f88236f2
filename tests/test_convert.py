"""Strengths of other libraries: each formula trains both sides, for real, to the same weights."""

import io
import json
import os
import re
import warnings

os.environ["KERAS_BACKEND"] = "torch"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras

import numpy as np
import pytest
import torch
from command import regbench
from engine import FRIEDMAN, WINE, member, setting, train
from oracle_torch import Solo
from rich.console import Console
from safetensors.numpy import load_file
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

import regbench as package
from regbench.advice.strengths.ask import find_place, read_settings
from regbench.advice.strengths.hub import Exact, Facts
from regbench.advice.strengths.translate import PLACES, translate, translations
from regbench.data import load
from regbench.report.translations import print_translations

DIABETES = {"name": "diabetes", "val_size": 0, "test_size": 0}
ALL_WINE = {"name": "wine", "val_size": 0, "test_size": 0}
MOONS = {"name": "moons", "n_samples": 400, "val_size": 0, "test_size": 0}
CANCER = {"name": "breast_cancer", "val_size": 0, "test_size": 0}


def ask(source, target, facts=None, **values):
    """A translation, from the source's values."""
    place = PLACES[source]
    return translate(place, values, PLACES[target], facts or Facts())


# --- PyTorch, step by step ----------------------------------------------------------------------


class Decaying(Solo):
    """One run whose kernels, and no biases, torch.optim decays as it calls it."""

    def __init__(self, chosen, make, weight_decay, biases=False):
        self.make, self.weight_decay, self.biases = make, weight_decay, biases
        super().__init__(chosen, 0)

    def _optimizer(self):
        kernels = [layer.weight for layer in self.linears]
        others = [layer.bias for layer in self.linears]
        decay = self.weight_decay
        return self.make(
            [
                {"params": kernels, "weight_decay": decay},
                {"params": others, "weight_decay": decay if self.biases else 0},
            ]
        )


LR = 0.02
TORCH = {
    "torch.SGD": ({"name": "sgd", "lr": LR}, lambda p: torch.optim.SGD(p, LR), {}),
    "torch.SGD momentum": (
        {"name": "sgd", "lr": LR, "momentum": 0.9},
        lambda p: torch.optim.SGD(p, LR, momentum=0.9),
        {"momentum": 0.9},
    ),
    "torch.SGD nesterov": (
        {"name": "sgd", "lr": LR, "momentum": 0.9, "nesterov": True},
        lambda p: torch.optim.SGD(p, LR, momentum=0.9, nesterov=True),
        {"momentum": 0.9},
    ),
    "torch.Adam": ({"name": "adam", "lr": LR}, lambda p: torch.optim.Adam(p, LR), {}),
    "torch.RMSprop": ({"name": "rmsprop", "lr": LR}, lambda p: torch.optim.RMSprop(p, LR), {}),
    "torch.AdamW": ({"name": "adamw", "lr": LR}, lambda p: torch.optim.AdamW(p, LR), {}),
}
CASES = [
    *((name, "regbench", name != "torch.AdamW") for name in TORCH),
    ("torch.AdamW", "regbench.adamw", True),
    ("torch.SGD", "regbench.sgd", True),
    ("torch.SGD momentum", "regbench.sgd", False),
    ("torch.Adam", "regbench.adamw", False),
]


@pytest.mark.parametrize(("name", "target", "same"), CASES)
def test_pytorch_takes_the_same_steps_exactly_where_it_is_said(name, target, same):
    optimizer, make, facts = TORCH[name]
    found = ask(name.split()[0], target, Facts(**facts), weight_decay=0.3)
    assert (found.exact is Exact.EVERY_STEP) == same
    # Where there is no value, the best guess is as far off as any.
    regularizer = dict(found.values) or {"l2": 0.15}
    if not same and target == "regbench.adamw":
        regularizer = {"weight_decay": 0.3}
    chosen = setting(optimizer=optimizer, regularizer=regularizer)
    ours = train(member(chosen))[0].readings[0].state
    plain = setting(optimizer=optimizer)
    theirs = Decaying(plain, make, 0.3).train().state()
    off = max(abs(ours[key] - theirs[key]).max() for key in theirs)
    assert (off < 1e-9) == same, off
    with_biases = Decaying(plain, make, 0.3, biases=True).train().state()
    assert abs(ours["layers.0.bias"] - with_biases["layers.0.bias"]).max() > 1e-4


def linear(dataset, optimizer, regularizer, epochs):
    """Weights of a linear model trained on all of its data at once, and the data."""
    chosen = setting(
        dataset=dataset,
        model={"name": "linear", "init": "zeros"},
        optimizer=optimizer,
        regularizer=dict(regularizer),
        training={"epochs": epochs, "batch_size": "full", "eval_every": epochs},
    )
    state = train(member(chosen))[0].readings[0].state
    split = load(chosen.dataset, 0, None)
    return state["layers.0.weight"].T, state["layers.0.bias"], split.train.x, split.train.y


@pytest.mark.parametrize("dampening", [0.0, 0.5])
def test_a_dampened_sgd_has_the_same_optimum(dampening):
    facts = Facts(momentum=0.9, dampening=dampening)
    found = ask("torch.SGD", "regbench", facts, weight_decay=0.2)
    assert found.exact is (Exact.OPTIMUM if dampening else Exact.EVERY_STEP)
    ours, _, x, y = linear(DIABETES, {"name": "sgd", "lr": 0.15}, found.values, 1000)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], 0.04, 0.9, dampening, weight_decay=0.2)
    for _ in range(1000):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(x @ w, y).backward()
        optimizer.step()
    np.testing.assert_allclose(ours[:, 0], w.detach().numpy(), atol=1e-8)


@pytest.mark.parametrize("name", ["paper.SGDW", "paper.AdamW"])
def test_the_papers_decay_by_hand(name):
    """Algorithms 1 and 2 of Loshchilov & Hutter 2019, with eta = 1, in NumPy."""
    lr, decay, beta1, beta2, eps = 0.03, 0.004, 0.9, 0.999, 1e-8
    adam = name == "paper.AdamW"
    target = "regbench.adamw" if adam else "regbench.sgd"
    found = ask(name, target, Facts(lr=lr, momentum=beta1), weight_decay=decay)
    optimizer = {"name": "adamw", "lr": lr} if adam else {"name": "sgd", "lr": lr, "momentum": 0.9}
    ours, _, x, y = linear(DIABETES, optimizer, found.values, 50)
    w, m, v, b, mb, vb = (np.zeros(10), np.zeros(10), np.zeros(10), 0.0, 0.0, 0.0)
    for t in range(1, 51):
        error = x @ w + b - y
        g, gb = 2 * x.T @ error / len(y), 2 * error.mean()
        if adam:
            m, mb = beta1 * m + (1 - beta1) * g, beta1 * mb + (1 - beta1) * gb
            v, vb = beta2 * v + (1 - beta2) * g**2, beta2 * vb + (1 - beta2) * gb**2
            c1, c2 = 1 - beta1**t, 1 - beta2**t
            w = w - lr * (m / c1) / (np.sqrt(v / c2) + eps) - decay * w
            b = b - lr * (mb / c1) / (np.sqrt(vb / c2) + eps)
        else:
            m, mb = beta1 * m + lr * g, beta1 * mb + lr * gb
            w, b = w - m - decay * w, b - mb
    np.testing.assert_allclose(ours[:, 0], w, rtol=1e-9)
    back = ask(target, name, Facts(lr=lr), **found.values)
    assert back.values["weight_decay"] == pytest.approx(decay)


# --- scikit-learn's solvers, at the optimum -----------------------------------------------------

SGD, MOMENTUM = {"name": "sgd", "lr": 0.15}, {"name": "sgd", "lr": 0.02, "momentum": 0.9}
EXACTLY = {"tol": 1e-14, "max_iter": 100_000}
SQUARES = {
    "sklearn.Ridge": ({"alpha": 30.0}, lambda v: Ridge(**v, tol=1e-12)),
    "sklearn.Lasso": ({"alpha": 0.06}, lambda v: Lasso(**v, **EXACTLY)),
    "sklearn.ElasticNet": (
        {"alpha": 0.2, "l1_ratio": 0.3},
        lambda v: ElasticNet(**v, **EXACTLY),
    ),
}


@pytest.mark.parametrize(
    ("target", "optimizer", "exact"),
    [
        ("regbench", SGD, Exact.OPTIMUM),
        ("regbench.sgd", SGD, Exact.OPTIMUM),
        ("regbench.sgd", MOMENTUM, Exact.FIXED_POINT),
    ],
)
@pytest.mark.parametrize("name", SQUARES)
def test_least_squares_have_the_same_optimum(name, target, optimizer, exact):
    values, make = SQUARES[name]
    facts = Facts(n=442, momentum=optimizer.get("momentum", 0.0))
    found = ask(name, target, facts, **values)
    has_l2 = name != "sklearn.Lasso"
    assert found.exact is (exact if has_l2 else Exact.OPTIMUM)
    weight, bias, x, y = linear(DIABETES, optimizer, found.values, 1500 if has_l2 else 4000)
    theirs = make(values).fit(x, y)
    np.testing.assert_allclose(weight[:, 0], theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(bias[0], theirs.intercept_, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("dataset", "classes"), [(ALL_WINE, 3), (MOONS, 2)], ids=["3", "2"])
def test_logistic_regression_has_the_same_optimum(dataset, classes, ratio):
    facts = Facts(n=178 if classes == 3 else 400, classes=classes)
    values = {"C": 0.05, "l1_ratio": ratio}
    found = ask("sklearn.LogisticRegression", "regbench", facts, **values)
    assert found.exact is Exact.OPTIMUM
    weight, bias, x, y = linear(dataset, {"name": "sgd", "lr": 0.3}, found.values, 1500)
    theirs = LogisticRegression(
        **values, solver="saga" if ratio else "lbfgs", tol=1e-10, max_iter=100_000
    ).fit(x, y)
    if classes == 2:
        weight, bias = weight[:, [1]] - weight[:, [0]], bias[[1]] - bias[[0]]
    else:
        bias = bias - bias.mean()
        theirs.intercept_ = theirs.intercept_ - theirs.intercept_.mean()
    assert ((weight.T != 0) == (theirs.coef_ != 0)).all() or ratio < 1
    # Without L2 the last directions contract slowly.
    np.testing.assert_allclose(weight.T, theirs.coef_, atol=5e-4 if ratio == 1 else 2e-5)
    np.testing.assert_allclose(bias, theirs.intercept_, atol=2e-4)


def test_a_whole_study_trains_to_ridges_weights(tmp_path):
    """From the command's JSON to the weights that `run` saves."""
    asked = ("sklearn.Ridge", "alpha=30", "--to", "regbench", "-n", 442, "--format", "json")
    found = json.loads(regbench("convert", *asked).out)
    study = {
        "name": "ridge",
        "dataset": DIABETES,
        "model": "linear",
        "optimizer": SGD,
        "training": {
            **{"epochs": 1000, "batch_size": "full", "eval_every": 1000},
            **{"dtype": "float64", "save_weights": True},
        },
        "seeds": 1,
        "sweep": {"regularizer": {one["where"]: one["setting"] for one in found[:2]}},
    }
    package.run(study, out=tmp_path)
    split = load(setting(dataset=DIABETES).dataset, 0, None)
    ridge = Ridge(30.0, tol=1e-12).fit(split.train.x, split.train.y)
    saved = sorted((tmp_path / "weights").glob("*.safetensors"))
    assert len(saved) == 2
    for path in saved:
        np.testing.assert_allclose(load_file(path)["layers.0.weight"][0], ridge.coef_, atol=1e-6)


def test_with_l1_keras_and_regbench_differ_in_the_method():
    found = ask("keras", "regbench", l1=0.1)
    assert found.exact is Exact.OPTIMUM
    assert "l1_method: subgradient" in found.remarks[0]
    assert ask("keras", "regbench", l2=0.1).exact is Exact.EVERY_STEP
    assert ask("keras", "sklearn.Lasso", l1=0.1).values == {"alpha": 0.05}


# --- scikit-learn's networks, step by step ------------------------------------------------------


def network(estimator, chosen):
    """scikit-learn's network trained from our first weights on our batches: kernels, biases."""
    first = setting(**_blocks(chosen), training={"epochs": 0, "shuffle": False})
    state = train(member(first))[0].readings[0].state
    split = load(chosen.dataset, 0, None)
    x, y = split.train.x, split.train.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        estimator.set_params(max_iter=1, warm_start=True, shuffle=False, tol=0.0).fit(x, y)
        layers = range(len(estimator.coefs_))
        estimator.coefs_ = [state[f"layers.{i}.weight"].T.copy() for i in layers]
        estimator.intercepts_ = [state[f"layers.{i}.bias"].copy() for i in layers]
        estimator.set_params(max_iter=chosen.training.epochs).fit(x, y)
    return estimator


def _blocks(chosen):
    plain = chosen.model_dump()
    return {key: plain[key] for key in ("dataset", "model", "optimizer")}


NETWORKS = {
    "sgd": ({"name": "sgd", "lr": 0.02, "momentum": 0.9}, {"nesterovs_momentum": False}),
    "nesterov": ({"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True}, {}),
    # scikit-learn's eps stands before bias correction: so small that its place does not matter.
    "adam": ({"name": "adam", "lr": 0.02, "eps": 1e-14}, {"epsilon": 1e-14}),
}


@pytest.mark.parametrize("solver", NETWORKS)
@pytest.mark.parametrize(
    ("name", "dataset", "kind"),
    [
        ("sklearn.MLPClassifier", WINE, MLPClassifier),
        ("sklearn.MLPRegressor", FRIEDMAN, MLPRegressor),
    ],
)
def test_scikit_learns_networks_take_the_same_steps(name, dataset, kind, solver):
    optimizer, options = NETWORKS[solver]
    facts = Facts(n=70, batch_size=14, classes=3, lr=0.04)
    found = ask(name, "regbench", facts, alpha=2.0)
    assert found.exact is Exact.EVERY_STEP
    twice = kind is MLPRegressor and solver != "adam"
    if kind is MLPRegressor:
        assert "(0.04 for 0.02)" in found.remarks[0]
    chosen = setting(
        dataset=dataset,
        model={"name": "mlp", "hidden": [12, 7], "activation": "tanh"},
        optimizer=optimizer,
        regularizer=dict(found.values),
        training={"batch_size": 14, "shuffle": False},
    )
    estimator = kind(
        hidden_layer_sizes=(12, 7),
        activation="tanh",
        solver="adam" if solver == "adam" else "sgd",
        alpha=2.0,
        batch_size=14,
        learning_rate_init=0.04 if twice else 0.02,
        **options,
    )
    theirs = network(estimator, chosen)
    state = train(member(chosen))[0].readings[0].state
    for i, (kernel, bias) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True)):
        np.testing.assert_allclose(state[f"layers.{i}.weight"].T, kernel, atol=1e-9)
        np.testing.assert_allclose(state[f"layers.{i}.bias"], bias, atol=1e-9)


def test_a_last_batch_that_is_smaller_makes_it_inexact():
    exact = {
        n: ask("sklearn.MLPClassifier", "keras", Facts(n, 16, classes=3), alpha=1.0).exact
        for n in (64, 70, 10, None)
    }
    assert exact == {
        64: Exact.EVERY_STEP,
        70: Exact.NO,
        10: Exact.EVERY_STEP,  # one batch, of 10
        None: Exact.EVERY_STEP,  # with a remark
    }
    small = ask("sklearn.MLPClassifier", "keras", Facts(10, 16, classes=3), alpha=1.0)
    assert small.values["l2"] == 1 / 20


@pytest.mark.parametrize("twice", [True, False])
def test_for_two_classes_the_output_kernel_has_twice_the_strength(twice):
    """Its optimum, as two logits, is one of ours: no gradient is left there."""
    split = load(setting(dataset=CANCER).dataset, 0, None)
    x, y = split.train.x[:200], split.train.y[:200]
    alpha = 4.0
    found = ask("sklearn.MLPClassifier", "regbench", Facts(200, 200, classes=2), alpha=alpha)
    assert found.exact is Exact.OPTIMUM
    theirs = MLPClassifier(
        (4,), activation="tanh", solver="lbfgs", alpha=alpha, tol=1e-12, max_iter=20_000
    ).fit(x, y)
    (w1, w2), (b1, b2) = theirs.coefs_, theirs.intercepts_
    parts = [w1, b1, np.hstack([-w2 / 2, w2 / 2]), np.hstack([-b2 / 2, b2 / 2])]
    w1, b1, w2, b2 = (torch.tensor(part, requires_grad=True) for part in parts)
    logits = torch.tanh(torch.from_numpy(x) @ w1 + b1) @ w2 + b2
    l2 = found.values["l2"]
    objective = (
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(y))
        + l2 * (w1**2).sum()
        + (2 if twice else 1) * l2 * (w2**2).sum()
    )
    objective.backward()
    left = max(float(part.grad.abs().max()) for part in (w1, b1, w2, b2))
    assert (left < 1e-4) == twice, left


# --- Keras, step by step ------------------------------------------------------------------------


@pytest.fixture
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


# Keras's own value -> what torch.optim is given.
KERAS = {
    "L2": ("keras", {"l2": 0.05}, "torch.SGD", {}),
    "SGD": ("keras.SGD", {"weight_decay": 0.2}, "regbench.sgd", {}),
    "SGD, coupled": ("keras.SGD", {"weight_decay": 0.2}, "torch.SGD", {}),
    "momentum": ("keras.SGD", {"weight_decay": 0.2}, "regbench.sgd", {"momentum": 0.9}),
    "Adam": ("keras.Adam", {"weight_decay": 0.2}, "torch.AdamW", {}),
    "AdamW": ("keras.AdamW", {"weight_decay": 0.2}, "torch.AdamW", {}),
}


@pytest.mark.filterwarnings("ignore")  # Keras's own
@pytest.mark.parametrize("case", KERAS)
def test_keras_takes_the_same_steps(case, float64):
    source, values, target, options = KERAS[case]
    found = ask(source, target, Facts(**options), **values)
    assert found.exact is Exact.EVERY_STEP
    lr, eps = 0.05, 1e-14
    split = load(setting(dataset=FRIEDMAN).dataset, 0, None)
    x, y = split.train.x, split.train.y

    dense = keras.layers.Dense(
        1, kernel_regularizer=keras.regularizers.L2(values["l2"]) if "l2" in values else None
    )
    model = keras.Sequential([keras.layers.Input((x.shape[1],)), dense])
    dense.set_weights([np.ones((x.shape[1], 1)), np.ones(1)])
    decay = {"weight_decay": values.get("weight_decay")}
    name = source.partition(".")[2] or "SGD"
    made = (
        keras.optimizers.SGD(lr, **decay, **options)
        if name == "SGD"
        else getattr(keras.optimizers, name)(lr, epsilon=eps, **decay)
    )
    if values.get("weight_decay"):
        made.exclude_from_weight_decay(var_names=["bias"])
    model.compile(made, "mse")
    model.fit(x, y, batch_size=len(x), epochs=30, shuffle=False, verbose=0)

    layer = torch.nn.Linear(x.shape[1], 1, dtype=torch.float64)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.ones_(layer.bias)
    wd = found.values["weight_decay"]
    by_hand = 1 - lr * wd if target == "regbench.sgd" else 1.0
    groups = [
        {"params": [layer.weight], "weight_decay": 0.0 if by_hand < 1 else wd},
        {"params": [layer.bias], "weight_decay": 0.0},
    ]
    optimizer = (
        torch.optim.AdamW(groups, lr, eps=eps)
        if target == "torch.AdamW"
        else torch.optim.SGD(groups, lr, **options)
    )
    for _ in range(30):
        optimizer.zero_grad()
        out = layer(torch.from_numpy(x))[:, 0]
        torch.nn.functional.mse_loss(out, torch.from_numpy(y)).backward()
        with torch.no_grad():
            layer.weight *= by_hand
        optimizer.step()
    kernel, bias = dense.get_weights()
    np.testing.assert_allclose(layer.weight.detach().numpy()[0], kernel[:, 0], atol=1e-6)
    np.testing.assert_allclose(layer.bias.detach().numpy(), bias, atol=1e-6)


# --- there and back -----------------------------------------------------------------------------

FACTS = Facts(n=300, batch_size=50, lr=0.1, momentum=0.0, classes=3)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("source", PLACES)
def test_there_and_back_again(source, momentum, classes):
    facts = Facts(n=300, batch_size=50, lr=0.1, momentum=momentum, classes=classes)
    values = dict.fromkeys(PLACES[source].keys, 0.3)
    if source.startswith("regbench."):
        values = {"weight_decay": 0.3}
    found = translations(PLACES[source], values, facts)
    reached = [each for each in found if each.values]
    assert len(reached) >= 2
    for each in reached:
        back = translate(PLACES[each.where], each.values, PLACES[source], facts)
        assert dict(back.values) == pytest.approx(values), each.where
        assert back.exact == each.exact


def test_where_nothing_is_equal_nothing_is_given():
    decoupled = {name for name, place in PLACES.items() if place.under == "adam"}
    for source in set(PLACES) - {"sklearn.Lasso"}:  # Adam, too, goes to the Lasso's optimum
        values = dict.fromkeys(PLACES[source].keys, 0.3)
        for each in translations(PLACES[source], values, FACTS):
            if (source in decoupled) != (each.where in decoupled):
                assert (dict(each.values), each.exact) == ({}, Exact.NO)
                assert each.remarks[0].startswith("none: ")


# --- the command --------------------------------------------------------------------------------


def test_the_command_prints_a_table_with_notes():
    done = regbench(*["convert", "sklearn.Ridge", "alpha=1.0", "--to", "regbench", "-n", "442"])
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["where", "setting", "exact", "formula", "notes"]
    assert lines[1].split()[:3] == ["regbench", "l2=0.00226244", "optimum"]
    assert lines[2].split()[:3] == ["regbench.sgd", "weight_decay=0.00452489", "optimum"]
    assert lines[3].split() == ["regbench.adamw", "-", "no", "2"]
    assert lines[5].startswith("1 for sgd without momentum")
    assert lines[6].startswith("2 none: Adam divides")
    assert len(lines) == 7


def test_numbers_for_programs_have_all_digits():
    command = ["convert", "torch.optim.SGD", "weight_decay=5e-4", "momentum=0.9", "--to"]
    done = regbench(*command, "keras.l2", "--format", "json")
    (record,) = json.loads(done.out)
    assert record["setting"] == {"l2": 0.00025}
    assert (record["exact"], record["formula"]) == ("every step", "l2 = weight_decay / 2")
    done = regbench(*command, "ridge", "-n", 7, "--format", "csv")
    assert done.out.splitlines()[1].startswith("sklearn.Ridge,alpha=0.00175,optimum,")
    done = regbench(*command, "keras", "--format", "md")
    assert done.out.splitlines()[2].startswith("| keras | l2=0.00025 | every step |")


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(width):
    found = translations(
        PLACES["torch.SGD"], {"weight_decay": 1.23456e-4}, Facts(442, 32, 0.1, 0.9, classes=2)
    )
    console = Console(width=width, force_terminal=True, file=io.StringIO(), no_color=True)
    print_translations(console, found)
    lines = re.sub("\x1b\\[[0-9;]*m", "", console.file.getvalue()).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[1].split()[:3] == ["regbench", "l2=6.1728e-05", "every"]


def test_all_places_are_listed_with_their_formulas():
    done = regbench("convert")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["where", *PLACES]
    assert "n: training examples" in done.err


def test_what_is_missing_for_one_target_does_not_hide_the_others():
    done = regbench(*["convert", "keras", "l2=0.01", "--to", "sklearn"])
    rows = {line.split()[0]: line for line in done.out.splitlines() if line[:7] == "sklearn"}
    assert "needs -n" in rows["sklearn.Ridge"]
    assert "needs --batch-size" in rows["sklearn.MLPClassifier"]
    assert "alpha=0.01, l1_ratio=0" in rows["sklearn.ElasticNet"]


MISTAKES = [
    ("mlpclassifier alpha=1", "scikit-learn's alpha depends on the batch size: give --batch-size"),
    (
        "keras l2=0.1 --to Ridge",
        "Ridge's alpha stands beside a sum over the training examples: give -n",
    ),
    (
        "LogisticRegression C=1 -n 9",
        "LogisticRegression has one logit for two classes, but one a class for three or more: "
        "give --classes",
    ),
    (
        "paper.AdamW weight_decay=1e-4",
        "the paper's decay is not multiplied by the learning rate: give --lr",
    ),
    ("kras l2=1", "'kras' is no place of a strength (did you mean 'keras'?)"),
    ("sgd weight_decay=1", "'sgd' is several places: regbench.sgd, keras.SGD, torch.SGD"),
    (
        "keras l2=1 --to torch.sgdd",
        "'torch.sgdd' is no place of a strength (did you mean 'torch.SGD'?)",
    ),
    ("keras", "keras takes l1, l2: write l1=0.01"),
    ("keras l3=1", "keras has no 'l3': it takes l1, l2"),
    ("sklearn.Ridge weight=1", "sklearn.Ridge has no 'weight': it takes alpha"),
    ("sklearn.ElasticNet l1_ratio=1", "sklearn.ElasticNet takes alpha, l1_ratio: write alpha=0.01"),
    ("keras 0.1", "'0.1' is no setting: write key=value, such as l1=0.01"),
    ("keras l2=x", "l2: expected a number >= 0, not 'x'"),
    ("keras l2=nan", "l2: expected a number >= 0, not 'nan'"),
    ("keras l2=-1", "l2: expected a number >= 0, not '-1'"),
    ("keras l2=1 l2=2", "l2 is given twice"),
    ("keras l2=0", "a strength of 0 is no penalty anywhere: give one above 0"),
    ("LogisticRegression C=0 -n 3 --classes 2", "C: expected a number > 0, not '0'"),
    ("ElasticNet alpha=1 l1_ratio=2", "l1_ratio: expected a number in [0, 1], not '2'"),
    ("keras l2=1 momentum=0.5 --momentum 0.4", "momentum is given twice"),
    ("keras l2=1 --momentum 1", "momentum: expected a number in [0, 1), not 1.0"),
    ("keras l2=1 -n 0", "n: expected a whole number from 1, not 0"),
    (f"keras l2=1 -n {10**400}", f"n: expected a whole number from 1, not {'1' + '0' * 36}..."),
    ("x" * 99 + " l2=1", f"'{'x' * 36}... is no place of a strength: {', '.join(PLACES)}"),
    ("keras l2=1 n=1.5", "n: expected a whole number from 1, not '1.5'"),
    ("keras l2=1 --classes 1", "classes: expected a whole number from 2, not 1"),
    (
        "regbench weight_decay=1",
        "weight_decay is another thing beside sgd than beside Adam: say regbench.sgd or .adamw",
    ),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES)
def test_a_mistake_is_one_line(words, message):
    done = regbench("convert", *words.split())
    assert (done.code, done.out, done.err) == (2, "", f"error: {message}\n")


@pytest.mark.parametrize("value", ["1e-320", "1e308"])
def test_what_no_float_holds_is_said(value):
    done = regbench(*f"convert sklearn.Ridge alpha={value} --to torch -n 1000".split())
    assert done.code == 0
    if value == "1e-320":
        found = ask("sklearn.Ridge", "torch.SGD", Facts(n=10**6), alpha=1e-320)
        assert (dict(found.values), found.exact) == ({}, Exact.NO)
        assert found.remarks == ("none: the number is too large or too small for a float",)


def test_losses_that_differ_have_no_translation():
    found = ask("sklearn.Ridge", "sklearn.MLPClassifier", FACTS, alpha=1.0)
    assert found.remarks == (
        "none: sklearn.Ridge minimises the squared error, this the cross-entropy",
    )
    named = [each.where for each in translations(PLACES["sklearn.Ridge"], {"alpha": 1.0}, FACTS)]
    assert "sklearn.MLPRegressor" in named
    assert "sklearn.MLPClassifier" not in named


def test_names_are_found_as_people_write_them():
    for name, place in (
        ("pytorch.optim.AdamW", "torch.AdamW"),
        ("scikit-learn.lasso", "sklearn.Lasso"),
    ):
        assert find_place(name).name == place
    _, facts = read_settings(PLACES["torch.SGD"], ["weight_decay=1", "n=7"], Facts())
    assert facts.n == 7

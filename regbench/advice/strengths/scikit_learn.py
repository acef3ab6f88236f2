"""Strengths of scikit-learn's estimators.

`L` is the mean loss (cross-entropy, or the squared error without 1/2), `n` the training examples,
`B` the examples of a batch; in formulas for people r is l1_ratio, and k is 1 for two classes and
else 2. Each docstring has the library's own objective, read from its source
(1.9); sums are over coefficients, never over intercepts.
"""

from __future__ import annotations

from collections.abc import Iterator

from regbench.advice.strengths.hub import Exact, Facts, Strength
from regbench.advice.strengths.place import Place, Remark, Values, holds_only

# --- least squares ------------------------------------------------------------------------------

_RIDGE = "Ridge's alpha stands beside a sum over the training examples"


def _ridge(values: Values, facts: Facts) -> Strength:
    """n L + alpha * sum(w^2)."""
    return Strength(l2=values["alpha"] / facts.examples(_RIDGE))


def _write_ridge(strength: Strength, facts: Facts) -> Values:
    holds_only(strength, "l2")
    return {"alpha": facts.examples(_RIDGE) * strength.l2}


def _lasso(values: Values, facts: Facts) -> Strength:
    """L / 2 + alpha * sum|w|."""
    return Strength(l1=2 * values["alpha"])


def _write_lasso(strength: Strength, facts: Facts) -> Values:
    holds_only(strength, "l1")
    return {"alpha": strength.l1 / 2}


def _net(values: Values, facts: Facts) -> Strength:
    """L / 2 + alpha * l1_ratio * sum|w| + alpha * (1 - l1_ratio) / 2 * sum(w^2)."""
    alpha, ratio = values["alpha"], values["l1_ratio"]
    return Strength(2 * alpha * ratio, alpha * (1 - ratio))


def _write_net(strength: Strength, facts: Facts) -> Values:
    alpha = strength.l1 / 2 + strength.l2
    return {"alpha": alpha, "l1_ratio": strength.l1 / 2 / alpha}


# --- logistic regression ------------------------------------------------------------------------

_C = "LogisticRegression's C stands beside a sum over the training examples"
_LOGITS = "LogisticRegression has one logit for two classes, but one a class for three or more"


def _l2_cost(facts: Facts) -> int:
    """How often 1/(C n) holds l2: once for one logit b, which is -b/2 and b/2 as two logits, with
    sum(w^2) = b^2 / 2 (and sum|w| = |b|); twice for a logit a class.
    """
    return 1 if facts.one_logit(_LOGITS) else 2


def _logistic(values: Values, facts: Facts) -> Strength:
    """C n L + (1 - l1_ratio) / 2 * sum(w^2) + l1_ratio * sum|w|."""
    cost = 1 / (values["C"] * facts.examples(_C))
    ratio = values["l1_ratio"]
    return Strength(ratio * cost, (1 - ratio) * cost / _l2_cost(facts))


def _write_logistic(strength: Strength, facts: Facts) -> Values:
    cost = strength.l1 + _l2_cost(facts) * strength.l2
    values = {"C": 1 / (cost * facts.examples(_C))}
    return {**values, "l1_ratio": strength.l1 / cost} if strength.l1 else values


def _on_logistic(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield (
        Exact.OPTIMUM,
        "solver='liblinear' penalises the intercept, too, and makes several classes one against "
        "the rest; before scikit-learn 1.8 an l1_ratio needs penalty='elasticnet'",
    )
    if facts.classes == 2:
        yield (
            Exact.OPTIMUM,
            "its one logit b is -b/2 and b/2 where two classes have two logits, half the sum of "
            "squares",
        )


# --- networks: the penalty is divided by the examples of the batch ----------------------------

_ALPHA = "scikit-learn's alpha depends on the batch size"


def _classifier(values: Values, facts: Facts) -> Strength:
    """L + alpha / (2 B) * sum(w^2)."""
    return Strength(l2=values["alpha"] / (2 * facts.batch(_ALPHA)))


def _write_classifier(strength: Strength, facts: Facts) -> Values:
    holds_only(strength, "l2")
    return {"alpha": 2 * facts.batch(_ALPHA) * strength.l2}


def _regressor(values: Values, facts: Facts) -> Strength:
    """L / 2 + alpha / (2 B) * sum(w^2)."""
    return Strength(l2=values["alpha"] / facts.batch(_ALPHA))


def _write_regressor(strength: Strength, facts: Facts) -> Values:
    holds_only(strength, "l2")
    return {"alpha": facts.batch(_ALPHA) * strength.l2}


def _last_batch(facts: Facts) -> Iterator[Remark]:
    if facts.n is None or facts.batch_size is None:
        yield (
            Exact.EVERY_STEP,
            "a last, smaller batch is penalised the more: exact where the batch size divides n",
        )
    elif rest := facts.n % facts.batch(_ALPHA):
        times = facts.batch(_ALPHA) / rest
        yield (
            Exact.NO,
            f"the last batch of an epoch has {rest} of its examples, and is penalised {times:.3g} "
            "times as strongly: exact where the batch size divides n",
        )


def _on_classifier(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield from _last_batch(facts)
    if facts.classes in (None, 2):
        yield (
            Exact.OPTIMUM if facts.classes == 2 else Exact.EVERY_STEP,
            "for two classes MLPClassifier has one logit: where there are two, the output kernel's "
            "l2 is twice that of the hidden ones",
        )


def _on_regressor(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield from _last_batch(facts)
    number = ""
    if facts.lr is not None:
        there, elsewhere = (1.0, 0.5) if is_source else (2.0, 1.0)
        number = f" ({facts.lr * there:g} for {facts.lr * elsewhere:g})"
    yield (
        Exact.EVERY_STEP,
        f"MLPRegressor's loss has a factor 1/2: with sgd its learning rate is twice that of "
        f"elsewhere{number}, with Adam the same",
    )


SCIKIT_LEARN = (
    Place(
        "sklearn.Ridge",
        ("alpha",),
        _ridge,
        _write_ridge,
        "l2 = alpha / n",
        "alpha = n l2",
        path="solver",
        loss="squared error",
        needs=("n",),
    ),
    Place(
        "sklearn.Lasso",
        ("alpha",),
        _lasso,
        _write_lasso,
        "l1 = 2 alpha",
        "alpha = l1 / 2",
        path="solver",
        loss="squared error",
    ),
    Place(
        "sklearn.ElasticNet",
        ("alpha", "l1_ratio"),
        _net,
        _write_net,
        "l1 = 2 alpha r, l2 = alpha (1 - r)",
        "alpha = l1/2 + l2, r = l1/2 / alpha",
        defaults={"l1_ratio": 0.5},
        path="solver",
        loss="squared error",
    ),
    Place(
        "sklearn.LogisticRegression",
        ("C", "l1_ratio"),
        _logistic,
        _write_logistic,
        "l1 = r / (C n), l2 = (1 - r) / (k C n)",
        "C = 1 / ((l1 + k l2) n), r = l1 / (l1 + k l2)",
        defaults={"l1_ratio": 0.0},
        path="solver",
        loss="cross-entropy",
        needs=("n", "classes"),
        remarks=_on_logistic,
    ),
    Place(
        "sklearn.MLPClassifier",
        ("alpha",),
        _classifier,
        _write_classifier,
        "l2 = alpha / (2 B)",
        "alpha = 2 B l2",
        loss="cross-entropy",
        needs=("batch_size",),
        remarks=_on_classifier,
    ),
    Place(
        "sklearn.MLPRegressor",
        ("alpha",),
        _regressor,
        _write_regressor,
        "l2 = alpha / B",
        "alpha = B l2",
        loss="squared error",
        needs=("batch_size",),
        remarks=_on_regressor,
    ),
)

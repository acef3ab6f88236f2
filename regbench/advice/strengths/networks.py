"""Penalties and decays of networks: regbench, Keras, PyTorch, and the paper of decoupled decay.

`L` is the mean loss over a batch: cross-entropy, or the squared error without 1/2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from regbench.advice.strengths.hub import Exact, Facts, Strength, Under
from regbench.advice.strengths.place import Path, Place, Remark, Values, holds_only

# --- regbench and Keras: L + l1 * sum|w| + l2 * sum(w^2) --------------------------------------


def _penalty(values: Values, facts: Facts) -> Strength:
    return Strength(values.get("l1", 0.0), values.get("l2", 0.0))


def _write_penalty(strength: Strength, facts: Facts) -> Values:
    both = {"l1": strength.l1, "l2": strength.l2}
    return {key: value for key, value in both.items() if value}


def _keras_penalty(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield Exact.EVERY_STEP, "kernel_regularizer=L1L2(...) leaves biases alone, as regbench does"


# --- decoupled decay: w *= 1 - lr * weight_decay, then the optimizer's step -------------------


def _read_decay(under: Under) -> Callable[[Values, Facts], Strength]:
    def read(values: Values, facts: Facts) -> Strength:
        decay = values.get("weight_decay", 0.0)
        return Strength(values.get("l1", 0.0), values.get("l2", 0.0), decay, under if decay else "")

    return read


def _write_all(strength: Strength, facts: Facts) -> Values:
    values = {**_write_penalty(strength, facts), "weight_decay": strength.decay}
    return {key: value for key, value in values.items() if value}


def _write_decay(strength: Strength, facts: Facts) -> Values:
    holds_only(strength)
    return {"weight_decay": strength.decay}


def _own(name: str, under: Under) -> Place:
    """regbench under a named optimizer, where all three strengths have a meaning."""
    return Place(
        name,
        ("l1", "l2", "weight_decay"),
        _read_decay(under),
        _write_all,
        "",
        "",
        under=under,
        path="adam" if under == "adam" else "sgd",
    )


def _decaying(name: str, under: Under, remarks: Callable[[Facts, bool], Iterator[Remark]]) -> Place:
    return Place(
        name,
        ("weight_decay",),
        _read_decay(under),
        _write_decay,
        "",
        "",
        under=under,
        path="adam" if under == "adam" else "sgd",
        remarks=remarks,
    )


def _keras_decay(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield (
        Exact.EVERY_STEP,
        "Keras's weight_decay is decoupled in every optimizer, and decays biases and norms, too: "
        "exclude_from_weight_decay(var_names=['bias', 'gamma', 'beta'])",
    )


# --- the paper's decay: w *= 1 - weight_decay ---------------------------------------------------

_UNSCALED = "the paper's decay is not multiplied by the learning rate"


def _unscaled(name: str, under: Under, path: Path) -> Place:
    def read(values: Values, facts: Facts) -> Strength:
        return Strength(decay=values["weight_decay"] / facts.rate(_UNSCALED), under=under)

    def write(strength: Strength, facts: Facts) -> Values:
        holds_only(strength)
        return {"weight_decay": strength.decay * facts.rate(_UNSCALED)}

    def remarks(facts: Facts, is_source: bool) -> Iterator[Remark]:
        yield (
            Exact.EVERY_STEP,
            "Loshchilov & Hutter 2019, algorithms 1 and 2 (and TensorFlow Addons): the decay is "
            "not multiplied by the learning rate, so another lr needs another translation",
        )

    return Place(
        name,
        ("weight_decay",),
        read,
        write,
        "weight_decay = weight_decay / lr",
        "weight_decay = lr * weight_decay",
        under=under,
        path=path,
        needs=("lr",),
        remarks=remarks,
    )


# --- PyTorch's coupled weight_decay: g + weight_decay * w, the gradient of weight_decay/2 * w^2 --


def _coupled(values: Values, facts: Facts) -> Strength:
    return Strength(l2=values["weight_decay"] / 2)


def _write_coupled(strength: Strength, facts: Facts) -> Values:
    holds_only(strength, "l2")
    return {"weight_decay": 2 * strength.l2}


def _torch(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield (
        Exact.EVERY_STEP,
        "PyTorch decays biases and norms, too: put them into a parameter group with weight_decay=0",
    )


def _torch_sgd(facts: Facts, is_source: bool) -> Iterator[Remark]:
    yield from _torch(facts, is_source)
    if facts.dampening:
        yield (
            Exact.OPTIMUM,
            f"dampening multiplies all steps but the first by {1 - facts.dampening:g}, penalty "
            "included; the objective stays what it is",
        )


def _coupling(
    name: str, path: Path, remarks: Callable[[Facts, bool], Iterator[Remark]] = _torch
) -> Place:
    return Place(
        name,
        ("weight_decay",),
        _coupled,
        _write_coupled,
        "l2 = weight_decay / 2",
        "weight_decay = 2 l2",
        path=path,
        remarks=remarks,
    )


NETWORKS = (
    Place("regbench", ("l1", "l2"), _penalty, _write_penalty, "", ""),
    _own("regbench.sgd", "sgd"),
    _own("regbench.adamw", "adam"),
    Place(
        "keras",
        ("l1", "l2"),
        _penalty,
        _write_penalty,
        "",
        "",
        remarks=_keras_penalty,
    ),
    _decaying("keras.SGD", "sgd", _keras_decay),
    _decaying("keras.Adam", "adam", _keras_decay),
    _decaying("keras.AdamW", "adam", _keras_decay),
    _coupling("torch.SGD", "sgd", _torch_sgd),
    _coupling("torch.Adam", "adam"),
    _coupling("torch.RMSprop", "rmsprop"),
    _decaying("torch.AdamW", "adam", _torch),
    _unscaled("paper.SGDW", "sgd", "sgd"),
    _unscaled("paper.AdamW", "adam", "adam"),
)

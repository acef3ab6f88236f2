"""The hub of all conversions: a strength as regbench has it, and how decay and penalty relate.

Every place that names a strength is read into `Strength` and written from it, so a
place is two formulas, however many others there are. What no formula can say, `Exact` says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

# The optimizer under which a decay acts; empty for none.
Under = Literal["", "sgd", "adam"]


class Exact(IntEnum):
    """How much two strengths have in common; the worst of several is the smallest."""

    NO = 0  # another regularizer: the value, if there is one, is only the nearest
    FIXED_POINT = 1  # the same resting point under a constant lr and full batches, on another path
    OPTIMUM = 2  # the same objective, so the same minimum, however it is reached
    EVERY_STEP = 3  # the same algorithm, given the same optimizer

    @property
    def words(self) -> str:
        """As tables say it."""
        return self.name.lower().replace("_", " ")


class Needed(Exception):
    """A formula needs a fact that was not given."""

    def __init__(self, fact: str, why: str) -> None:
        self.fact, self.why = fact, why
        super().__init__(f"{why}: give {_OPTIONS[fact]}")

    @property
    def option(self) -> str:
        """Of the command line."""
        return _OPTIONS[self.fact]


class CannotHold(Exception):
    """A place has no room for a kind of strength."""


_OPTIONS = {"n": "-n", "batch_size": "--batch-size", "lr": "--lr", "classes": "--classes"}


@dataclass(frozen=True)
class Facts:
    """What a formula may depend on besides the strength; None where it was not said.

    Attributes:
        n: training examples.
        batch_size: examples a step.
        lr: the learning rate, as the source has it.
        momentum: of sgd, in [0, 1).
        dampening: of torch.optim.SGD.
        classes: of a classification.
    """

    n: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    momentum: float = 0.0
    dampening: float = 0.0
    classes: int | None = None

    def examples(self, why: str) -> int:
        """n.

        Raises:
            Needed: it was not given, and `why` says what depends on it.
        """
        if self.n is None:
            raise Needed("n", why)
        return self.n

    def batch(self, why: str) -> int:
        """B, no more than n where that is known; raises as `examples`."""
        if self.batch_size is None:
            raise Needed("batch_size", why)
        return self.batch_size if self.n is None else min(self.batch_size, self.n)

    def rate(self, why: str) -> float:
        """The learning rate; raises as `examples`."""
        if self.lr is None:
            raise Needed("lr", why)
        return self.lr

    def one_logit(self, why: str) -> bool:
        """Whether there are two classes, to which some libraries give a single logit.

        Raises as `examples`.
        """
        if self.classes is None:
            raise Needed("classes", why)
        return self.classes == 2


@dataclass(frozen=True)
class Strength:
    """Strengths in regbench's units (docs/formulas.md): kernels only, on the mean loss, no 1/2.

    Attributes:
        l1, l2: parts of the objective, l1 * sum|w| + l2 * sum(w^2).
        decay: decoupled, w *= 1 - lr * decay before each step of the optimizer `under`.
    """

    l1: float = 0.0
    l2: float = 0.0
    decay: float = 0.0
    under: Under = ""


_ADAM = (
    "none: Adam divides an L2 gradient by sqrt(v_hat), weight by weight, and a decay not "
    "(Loshchilov & Hutter 2019); nearest, for each weight, is weight_decay = 2 l2 / (sqrt(v_hat) + "
    "eps), which no single number is: tune it anew"
)
_TWO_DECAYS = (
    "none: the same decay is another regularizer beside sgd's steps than beside Adam's, whose "
    "length does not depend on the gradient's: tune it anew"
)
_MOMENTUM = (
    "momentum {m:g} builds up L2's gradient to 1 / (1 - momentum) times, and a decay not: "
    "weight_decay = 2 l2 / (1 - momentum) rests where L2 does, but gets there on another path"
)
_NO_MOMENTUM = "for sgd without momentum, where decay and L2 are one algorithm; else say --momentum"


@dataclass(frozen=True)
class Moved:
    """A strength in another form: by which formula, how exact it is, and why it is no more."""

    strength: Strength
    exact: Exact = Exact.EVERY_STEP
    formula: str = ""
    why: str = ""


def as_penalty(strength: Strength, momentum: float) -> Moved:
    """The strength with its decay as L2.

    A resting point of sgd with decay has lr * decay * w = -lr * g / (1 - momentum), and one with
    L2 has 2 * l2 * w = -g: so l2 = decay * (1 - momentum) / 2. Without momentum the two are one
    algorithm. Adam's step at rest is not linear in g: there is no such l2.

    >>> as_penalty(Strength(decay=0.5, under="sgd"), 0.0).strength
    Strength(l1=0.0, l2=0.25, decay=0.0, under='')

    Source: Loshchilov & Hutter 2019, propositions 1 and 2.
    """
    if not strength.decay:
        return Moved(replace(strength, under=""))
    if strength.under == "adam":
        return Moved(strength, Exact.NO, why=_ADAM)
    l2 = strength.l2 + strength.decay * (1 - momentum) / 2
    return _moved(Strength(strength.l1, l2), "l2 = weight_decay{} / 2", " (1 - momentum)", momentum)


def as_decay(strength: Strength, under: Under, momentum: float) -> Moved:
    """The strength with its L2 as decay under an optimizer; the inverse of `as_penalty`.

    >>> as_decay(Strength(l2=0.25), "sgd", 0.0).strength
    Strength(l1=0.0, l2=0.0, decay=0.5, under='sgd')
    """
    if strength.decay and strength.under != under:
        return Moved(strength, Exact.NO, why=_TWO_DECAYS)
    if not strength.l2:
        return Moved(replace(strength, under=under))
    if under == "adam":
        return Moved(strength, Exact.NO, why=_ADAM)
    decay = strength.decay + 2 * strength.l2 / (1 - momentum)
    moved = Strength(strength.l1, 0.0, decay, under)
    return _moved(moved, "weight_decay = 2 l2{}", " / (1 - momentum)", momentum)


def _moved(strength: Strength, formula: str, factor: str, momentum: float) -> Moved:
    if momentum:
        why = _MOMENTUM.format(m=momentum)
        return Moved(strength, Exact.FIXED_POINT, formula.format(factor), why)
    return Moved(strength, formula=formula.format(""), why=_NO_MOMENTUM)

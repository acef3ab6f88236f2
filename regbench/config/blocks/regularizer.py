"""What acts against overfitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from regbench.config.blocks.kinds import (
    Block,
    Count,
    CountOrZero,
    NonNegative,
    Norms,
    Positive,
    Rate,
    Rates,
    Share,
    Strengths,
    switch,
)
from regbench.vocabulary.metrics import METRICS
from regbench.vocabulary.regularizers import KINDS


class Options(Block):
    """Options of a regularizer."""

    @property
    def words(self) -> str:
        """What a table says of it."""
        return ", ".join(f"{key} {value:g}" for key, value in self.canonical().items()) or "yes"

    @property
    def off(self) -> bool:
        """Whether they amount to nothing."""
        return False

    def canonical(self) -> dict[str, Any]:
        """The values that differ from their defaults."""
        fields = type(self).model_fields.items()
        return {k: getattr(self, k) for k, f in fields if getattr(self, k) != f.default}


class Switch(Options):
    """Options of a regularizer that `true` switches on."""


class BatchNorm(Switch):
    """Options of batch normalisation (Ioffe & Szegedy 2015)."""

    momentum: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="weight of the newest batch in the running statistics (PyTorch's meaning)"
    )
    eps: Positive = Field(1e-5, description="added to the variance")

    @property
    def words(self) -> str:
        """That it is there."""
        return "yes"


class Augment(Options):
    """Random images or signals: a window of each, turned, mirrored and shifted, in this order."""

    shift: CountOrZero = Field(
        0, description="largest shift along each axis, in pixels or points; 0 comes in"
    )
    flip: Share = Field(0.0, description="probability of a mirror image, left to right")
    crop: Rate = Field(
        0.0, description="largest share of each side that is cut off; the rest fills the image"
    )
    rotate: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="largest angle either way, in degrees; images only"
    )

    @property
    def off(self) -> bool:
        """Whether nothing moves."""
        return not self.canonical()


# From where on weights are averaged: an epoch, or a share of all.
Start = Annotated[int, Field(ge=1, le=1_000_000)] | Annotated[float, Field(ge=0, lt=1)]


class Average(Switch):
    """An average of a trajectory's weights, which a row reports."""

    start: Start = Field(0.0, description="first epoch averaged, or that share of all before it")

    def first_epoch(self, epochs: int) -> int:
        """The first epoch that is averaged.

        >>> Average(start=7).first_epoch(40), Average(start=0.75).first_epoch(40)
        (7, 31)
        """
        return self.start if isinstance(self.start, int) else int(self.start * epochs) + 1


class Ema(Average):
    """The exponential moving average of the weights after each step."""

    decay: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.99, description="share of the average that a step keeps"
    )

    @property
    def words(self) -> str:
        """Its decay."""
        return f"decay {self.decay:g}"


class Swa(Average):
    """The mean of the weights after each epoch (stochastic weight averaging)."""

    start: Start = Field(0.75, description="first epoch averaged, or that share of all before it")

    @property
    def words(self) -> str:
        """From where on."""
        return f"from {self.start:g}"


if TYPE_CHECKING:
    Monitor = str
else:
    Monitor = Literal[(*(f"val_{name}" for name in METRICS), "train_loss")]


class EarlyStopping(Switch):
    """One rule: `patience` (Keras), or `gl`, `pq`, `up` (Prechelt 1998); patience 10 by default."""

    patience: CountOrZero | None = Field(
        None, description="scored epochs without improvement before the stop (default 10)"
    )
    gl: Positive | None = Field(None, description="stop when GL(t) > gl (percent)")
    pq: Positive | None = Field(None, description="stop at a strip's end if GL(t) / P_k(t) > pq")
    up: Count | None = Field(None, description="stop after rises at so many successive strip ends")
    strip: Count = Field(5, description="epochs a strip (Prechelt's k), for pq and up")
    monitor: Monitor = Field("val_loss", description="what the rule watches, without penalty")
    min_delta: NonNegative = Field(0.0, description="a smaller change is no improvement (patience)")
    baseline: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None, description="a value that must be beaten for patience to be renewed (patience)"
    )
    start_from_epoch: CountOrZero = Field(
        0, description="epochs to pass before the rule begins to watch (patience)"
    )
    restore_best_weights: bool = Field(True, description="report the best epoch, not the last")

    @model_validator(mode="after")
    def _one_rule(self) -> EarlyStopping:
        given = [k for k in ("patience", "gl", "pq", "up") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are different rules: give one of them")
        if given and given[0] != "patience":
            if self.monitor != "val_loss":
                raise ValueError(f"{given[0]} is defined on val_loss only, not on {self.monitor}")
            keras_only = {"min_delta", "baseline", "start_from_epoch"} & self.model_fields_set
            if keras_only:
                raise ValueError(f"{min(keras_only)} belongs to patience, not to {given[0]}")
        return self

    @property
    def rule(self) -> Literal["patience", "gl", "pq", "up"]:
        """Which of the four rules this is."""
        for name in ("gl", "pq", "up"):
            if getattr(self, name) is not None:
                return name
        return "patience"

    @property
    def threshold(self) -> float:
        """The number that the rule compares with."""
        value = getattr(self, self.rule)
        return 10 if value is None else float(value)

    @property
    def words(self) -> str:
        """The rule and its number."""
        return f"{self.rule} {self.threshold:g}"

    def canonical(self) -> dict[str, Any]:
        """One rule, and what it reads."""
        values = super().canonical()
        values.pop("patience", None)
        threshold = self.threshold
        if self.rule in ("patience", "up"):
            threshold = int(threshold)
        if self.rule not in ("pq", "up"):
            values.pop("strip", None)
        return {self.rule: threshold, **values}

    @property
    def inapplicable(self) -> frozenset[str]:
        """The other rules, and the options of those."""
        keys = {"patience", "gl", "pq", "up"} - {self.rule}
        if self.rule != "patience":
            keys |= {"min_delta", "baseline", "start_from_epoch"}
        return frozenset(keys if self.rule in ("pq", "up") else keys | {"strip"})


def _field(key: str, default: Any) -> Any:
    return Field(default, description=KINDS[key].meaning)


class Regularizer(Block):
    """What acts against overfitting; the keys combine freely."""

    l1: Strengths = _field("l1", 0.0)
    l2: Strengths = _field("l2", 0.0)
    l1_method: Literal["proximal", "subgradient"] = Field(
        "proximal", description="proximal sets weights to exactly 0; subgradient never does"
    )
    dropout: Rates = _field("dropout", 0.0)
    input_dropout: Rate = _field("input_dropout", 0.0)
    batchnorm: Annotated[BatchNorm | None, BeforeValidator(switch)] = _field("batchnorm", None)
    early_stopping: Annotated[EarlyStopping | None, BeforeValidator(switch)] = _field(
        "early_stopping", None
    )
    weight_decay: Strengths = _field("weight_decay", 0.0)
    max_norm: Norms | None = _field("max_norm", None)
    label_smoothing: Rate = _field("label_smoothing", 0.0)
    input_noise: NonNegative = _field("input_noise", 0.0)
    augment: Augment | None = _field("augment", None)
    cutout: CountOrZero = _field("cutout", 0)
    mixup: NonNegative = _field("mixup", 0.0)
    ema: Annotated[Ema | None, BeforeValidator(switch)] = _field("ema", None)
    swa: Annotated[Swa | None, BeforeValidator(switch)] = _field("swa", None)

    @model_validator(mode="after")
    def _one_average(self) -> Regularizer:
        if self.ema is not None and self.swa is not None:
            raise ValueError("ema and swa are different averages of the weights: give one of them")
        return self

    def by_layer(self, key: str, layers: int, off: float = 0.0) -> tuple[float, ...]:
        """A strength or rate layer by layer, `off` where there is none.

        >>> Regularizer(l2=0.1).by_layer("l2", 2), Regularizer().by_layer("max_norm", 1, off=9.0)
        ((0.1, 0.1), (9.0,))
        """
        value = getattr(self, key)
        return value if isinstance(value, tuple) else (off if value is None else value,) * layers


# The keys that have options, and of these the ones that `true` switches on.
OPTIONS: dict[str, type[Options]] = {
    key: option
    for key, field in Regularizer.model_fields.items()
    for option in get_args(field.annotation)
    if isinstance(option, type) and issubclass(option, Options)
}
SWITCHES = [key for key, options in OPTIONS.items() if issubclass(options, Switch)]

# What the bare words stand for.
BARE_REGULARIZERS: dict[str, dict[str, Any]] = {
    "none": {},
    "l1": {"l1": 1e-3},
    "l2": {"l2": 1e-3},
    "elastic": {"l1": 5e-4, "l2": 5e-4},
    "dropout": {"dropout": 0.5},
    "early_stopping": {"early_stopping": {"patience": 10}},
    "batchnorm": {"batchnorm": {}},
}


def _bare_regularizer(value: Any) -> Any:
    return BARE_REGULARIZERS.get(value, value) if isinstance(value, str) else value


RegularizerConfig = Annotated[Regularizer, BeforeValidator(_bare_regularizer)]

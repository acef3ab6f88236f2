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
    Strengths,
    switch,
)
from regbench.vocabulary.metrics import METRICS

__all__ = [
    "BARE_REGULARIZERS",
    "BareRegularizer",
    "BatchNorm",
    "EarlyStopping",
    "Monitor",
    "Regularizer",
    "RegularizerConfig",
]


class BatchNorm(Block):
    """Options of batch normalisation (Ioffe & Szegedy 2015)."""

    momentum: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="weight of the newest batch in the running statistics (PyTorch's meaning)"
    )
    eps: Positive = Field(1e-5, description="added to the variance")


if TYPE_CHECKING:
    Monitor = str
else:
    Monitor = Literal[(*(f"val_{name}" for name in METRICS), "train_loss")]


class EarlyStopping(Block):
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
    def inapplicable(self) -> frozenset[str]:
        """The other rules, and the options of those."""
        keys = {"patience", "gl", "pq", "up"} - {self.rule}
        if self.rule != "patience":
            keys |= {"min_delta", "baseline", "start_from_epoch"}
        return frozenset(keys if self.rule in ("pq", "up") else keys | {"strip"})


class Regularizer(Block):
    """What acts against overfitting; the keys combine freely."""

    l1: Strengths = Field(0.0, description="l1 * sum|w| on every kernel; or one a layer")
    l2: Strengths = Field(0.0, description="l2 * sum(w^2) on every kernel; or one a layer")
    l1_method: Literal["proximal", "subgradient"] = Field(
        "proximal", description="proximal sets weights to exactly 0; subgradient never does"
    )
    dropout: Rates = Field(0.0, description="rate after each hidden activation; or one a layer")
    input_dropout: Rate = Field(0.0, description="rate on the inputs")
    batchnorm: Annotated[
        BatchNorm | None,
        BeforeValidator(switch),
    ] = Field(None, description="true, or options; between affine map and activation")
    early_stopping: Annotated[
        EarlyStopping | None,
        BeforeValidator(switch),
    ] = Field(None, description="true, or options; chooses the epoch that a row reports")
    weight_decay: Strengths = Field(
        0.0, description="w *= 1 - lr * weight_decay before each step, in every optimizer"
    )
    max_norm: Norms | None = Field(
        None, description="largest norm of an output unit's incoming weights"
    )
    label_smoothing: Rate = Field(0.0, description="share of the target spread over all classes")
    input_noise: NonNegative = Field(
        0.0, description="standard deviation of Gaussian noise on the inputs while training"
    )

    def by_layer(self, key: str, layers: int, off: float = 0.0) -> tuple[float, ...]:
        """A strength or rate layer by layer, `off` where there is none.

        >>> Regularizer(l2=0.1).by_layer("l2", 2), Regularizer().by_layer("max_norm", 1, off=9.0)
        ((0.1, 0.1), (9.0,))
        """
        value = getattr(self, key)
        return value if isinstance(value, tuple) else (off if value is None else value,) * layers


BareRegularizer = Literal["none", "l1", "l2", "elastic", "dropout", "early_stopping", "batchnorm"]

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

assert set(BARE_REGULARIZERS) == set(get_args(BareRegularizer))


def _bare_regularizer(value: Any) -> Any:
    return BARE_REGULARIZERS.get(value, value) if isinstance(value, str) else value


RegularizerConfig = Annotated[Regularizer, BeforeValidator(_bare_regularizer)]

"""Optimizers and their schedules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from regbench.config.blocks.kinds import (
    Block,
    Count,
    CountOrZero,
    Positive,
    Rate,
    Share,
    default_name,
    named,
)


class _Schedule(Block):
    warmup_epochs: CountOrZero = Field(
        0, description="epoch e of these trains at e / (warmup_epochs + 1) of the schedule's rate"
    )


class Constant(_Schedule):
    """The same learning rate throughout."""

    name: Literal["constant"]


class Cosine(_Schedule):
    """Half a cosine from lr to final_factor * lr over training.epochs (torch CosineAnnealingLR)."""

    name: Literal["cosine"]
    final_factor: Share = Field(0.0, description="what the rate tends to, as a share of lr")


class Step(_Schedule):
    """Times gamma after every `every` epochs (torch StepLR)."""

    name: Literal["step"]
    every: Count = Field(30, description="epochs between two steps")
    gamma: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="factor at each step")


ScheduleConfig = Annotated[
    Constant | Cosine | Step, Field(discriminator="name"), BeforeValidator(named)
]


class _Optimizer(Block):
    schedule: ScheduleConfig = Field(
        Constant(name="constant"), description="how the learning rate moves over the epochs"
    )


class Sgd(_Optimizer):
    """Stochastic gradient descent in PyTorch's form: v = momentum v + g; w -= lr v."""

    name: Literal["sgd"]
    lr: Positive = Field(0.01, description="learning rate")
    momentum: Rate = Field(0.0, description="share of the last step that is kept")
    nesterov: bool = Field(False, description="look ahead: w -= lr (g + momentum v)")

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class _Adam(_Optimizer):
    lr: Positive = Field(1e-3, description="learning rate")
    betas: Annotated[tuple[Rate, Rate], Field(strict=False)] = Field(
        (0.9, 0.999), description="decay of the running mean and of the running square"
    )
    eps: Positive = Field(1e-8, description="added to the root, after bias correction")


class Adam(_Adam):
    """Adam in PyTorch's form (Kingma & Ba 2015); an l2 penalty is coupled into its moments."""

    name: Literal["adam"]


class AdamW(_Adam):
    """Adam; the decay is regularizer.weight_decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]


class RmsProp(_Optimizer):
    """RMSprop in PyTorch's form: w -= lr g / (sqrt(v) + eps)."""

    name: Literal["rmsprop"]
    lr: Positive = Field(0.01, description="learning rate")
    alpha: Rate = Field(0.99, description="decay of the running square (Keras: rho)")
    eps: Positive = Field(1e-8, description="added outside the root")


OptimizerConfig = Annotated[
    Sgd | Adam | AdamW | RmsProp, Field(discriminator="name"), default_name("adam")
]

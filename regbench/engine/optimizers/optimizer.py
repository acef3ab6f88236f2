"""Optimizers over a stack: every hyperparameter is a vector over the runs.

An optimizer sees the gradients of the smooth part of the objective only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import Tensor

from regbench.config.schema import Setting
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.optimizers.adam import adam
from regbench.engine.optimizers.rmsprop import RmsProp
from regbench.engine.optimizers.sgd import Sgd


class Optimizer(Protocol):
    """An update of all parameters from their gradients."""

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """Move the values; may overwrite gradients, but leaves zeros zero. lr is (R, 1)."""

    def divisor(self, slot: Slot, rows: slice) -> Tensor:
        """What lr is divided by to give the step for a unit of constant gradient.

        lr * l1 over this is the threshold of L1's proximal step: with any other the fixed point is
        not the Lasso's. Broadcastable to (r, P).
        """

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state, in this order."""

    def tensors(self) -> dict[str, Tensor]:
        """All that it remembers from step to step: the tensors in use, by name."""


# From R blocks of one kind of optimizer, and the parameters that it moves.
OPTIMIZERS: dict[str, Callable[[Sequence[Any], Parameters], Optimizer]] = {
    "sgd": Sgd,
    "adam": adam,
    "adamw": adam,  # its decay is regularizer.weight_decay, as in every optimizer
    "rmsprop": RmsProp,
}


def make_optimizer(settings: Sequence[Setting], parameters: Parameters) -> Optimizer:
    """The optimizer of a stack whose settings name the same one."""
    options = [setting.optimizer for setting in settings]
    return OPTIMIZERS[options[0].name](options, parameters)

"""The moments of a training step at which regularizers act on kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.per_run import PerRun
from regbench.engine.optimizers.optimizer import Optimizer


@dataclass(frozen=True)
class Kernel:
    """One kernel of a stack: a dense map's, or a convolution's.

    Attributes:
        slot: name and shape.
        number, kernels: which it is, from 0, of how many.
        weight, gradient: (R, P), a run's elements in a row. What pads them is zero: leave it so.
        shaped: (R, O, ...), the weights of each output unit.
    """

    slot: Slot
    number: int
    kernels: int
    weight: Tensor
    gradient: Tensor
    shaped: Tensor

    def strengths(self, regularizers: Sequence[Regularizer], key: str, off: float = 0.0) -> PerRun:
        """What R regularizers say of this kernel, a number or one of a list."""
        numbers = [r.by_layer(key, self.kernels, off)[self.number] for r in regularizers]
        return PerRun(numbers, self.weight, off=off)


@dataclass(frozen=True)
class Penalty:
    """A term of the objective: cost[r] = strength[r] * shape(norm(w[r])).

    Attributes:
        strength: what acts on which runs.
        weight: (r, P), those runs' weights.
        norm: (r, P) -> (r,), written to its second argument; taken at every step.
        shape: of norms in float64, elementwise; called a few times an epoch.
    """

    strength: PerRun
    weight: Tensor
    norm: Callable[[Tensor, Tensor], object]
    shape: Callable[[Tensor], Tensor] = torch.positive


@dataclass
class Step:
    """What is to be done at each moment of a step, in this order (docs/formulas.md).

    Attributes:
        penalties: what the objective holds besides the loss.
        gradients: add the gradient of a penalty, before the optimizer sees it; from last to first.
        decays: before the optimizer's step; given lr, (R, 1).
        after: after the optimizer's step; given lr and the optimizer.
    """

    penalties: list[Penalty] = field(default_factory=list)
    gradients: list[Callable[[], object]] = field(default_factory=list)
    decays: list[Callable[[Tensor], object]] = field(default_factory=list)
    after: list[Callable[[Tensor, Optimizer], object]] = field(default_factory=list)


def kernels_of(parameters: Parameters) -> list[Kernel]:
    """The kernels of a stack, in the order of its layers."""
    slots, values, gradients = parameters.kernels, parameters.values, parameters.gradients
    return [
        Kernel(
            *(slot, number, len(slots), values[slot.name], gradients[slot.name]),
            parameters.value(slot).movedim(1 + slot.parameter.unit_axis, 1),
        )
        for number, slot in enumerate(slots)
    ]

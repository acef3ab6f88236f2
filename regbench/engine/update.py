"""One training step of a stack: gradient, penalty, decay, optimizer, proximal step, constraint.

The order is the contract's (docs/formulas.md): only the smooth part of the objective enters
momentum and moments; decay comes before the optimizer's step, the soft threshold and the norm
constraint after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.schema import Setting
from regbench.engine.autograd import ModuleNetwork
from regbench.engine.layers.parameters import Parameters
from regbench.engine.network import Network
from regbench.engine.optimizers.optimizer import make_optimizer
from regbench.engine.regularizers.l2 import l2_norm
from regbench.engine.regularizers.regularizer import ON_KERNELS
from regbench.engine.regularizers.step import Penalty, Step, kernels_of

# Steps whose losses and norms are kept before they are added up: a few calls for all of them.
_STEPS_AT_ONCE = 64


class _Penalties:
    """The norms of penalties at every step, and what they cost by their strengths."""

    def __init__(self, penalties: Sequence[Penalty], parameters: Parameters) -> None:
        self._runs, self._like = parameters.runs, parameters.like
        self._terms = []
        for penalty in penalties:
            norms = self._like.new_zeros(_STEPS_AT_ONCE, len(penalty.weight))
            strength = self._like.new_zeros(len(penalty.weight), dtype=torch.float64)
            strength.copy_(penalty.strength.over(1))
            self._terms.append((penalty, strength, norms, norms.unbind()))

    def record(self, step: int) -> None:
        """Take the norms at the present weights, as those of this step."""
        for penalty, _, _, cells in self._terms:
            penalty.norm(penalty.weight, cells[step])

    def totals(self, steps: int) -> Tensor:
        """(steps, R) float64 penalties of the steps that were recorded, from the first on."""
        total = self._like.new_zeros(steps, self._runs, dtype=torch.float64)
        # One after the other: torch.sum's order depends on how many runs and terms there are.
        for penalty, strength, norms, _ in self._terms:
            cost = strength * penalty.shape(norms[:steps].double())
            # No strength is no penalty, also where a diverged run's norm is infinite.
            total[:, penalty.strength.rows] += torch.where(strength == 0, 0.0, cost)
        return total


class Update:
    """The optimizer and the regularizers that act on kernels, for R runs.

    Args:
        settings: R settings that stack.
        network: the stack's network; its parameters are moved in place.
    """

    def __init__(self, settings: Sequence[Setting], network: Network | ModuleNetwork) -> None:
        self._parameters = network.parameters
        self._optimizer = make_optimizer(settings, network.parameters)
        self._bind([setting.regularizer for setting in settings])

    def _bind(self, regularizers: Sequence[Regularizer]) -> None:
        """Pair every regularizer with the rows it acts on; steps then only compute."""
        self._regularizers = regularizers
        self._kernels = kernels_of(self._parameters)
        step = Step()
        for kernel in self._kernels:
            for act in ON_KERNELS.values():
                act(regularizers, kernel, step)
        self.penalties = _Penalties(step.penalties, self._parameters)
        self._gradients, self._decays, self._after = step.gradients[::-1], step.decays, step.after

    def penalty(self) -> Tensor:
        """(R,) what the penalties on all kernels cost at the present weights, in float64."""
        self.penalties.record(0)
        return self.penalties.totals(1)[0]

    def step(self, lr: Tensor) -> None:
        """Move the weights by the gradients of the loss that `network.backward` has left.

        Args:
            lr: (R, 1), the scheduled learning rate.
        """
        for add_gradient in self._gradients:
            add_gradient()
        for decay in self._decays:
            decay(lr)
        self._optimizer.step(self._parameters, lr)
        for act in self._after:
            act(lr, self._optimizer)

    def weight_norm(self) -> Tensor:
        """(R,) root of the sum of w^2 over all kernels."""
        squares = self._parameters.like.new_zeros(self._parameters.runs, dtype=torch.float64)
        for kernel in self._kernels:  # one after the other: see _Penalties.totals
            squares = squares + l2_norm(kernel.weight).double().square()
        return squares.sqrt()

    def zero_fraction(self) -> Tensor:
        """(R,) share of the kernels' weights that are exactly 0."""
        zeros = torch.zeros((), dtype=torch.float64, device=self._parameters.like.device)
        for kernel in self._kernels:
            zeros = zeros + _zero_count(kernel.weight) - (kernel.weight.shape[1] - kernel.slot.size)
        return zeros / sum(kernel.slot.size for kernel in self._kernels)

    def measures(self) -> dict[str, Tensor]:
        """What tables say of the present weights, (R,) by column."""
        return {
            "penalty": self.penalty(),
            "weight_norm": self.weight_norm(),
            "zero_fraction": self.zero_fraction(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """All that the optimizer remembers: the tensors in use, by name."""
        return self._optimizer.tensors()

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order; the network must have been told before."""
        self._optimizer.keep(rows)
        self._bind([self._regularizers[row] for row in rows.tolist()])


def _zero_count(weight: Tensor) -> Tensor:
    """(R,) how many of each run's weights (R, P) are exactly 0, in float64.

    >>> _zero_count(torch.tensor([[1.0, -2.0], [-0.0, 3.0]]))
    tensor([0., 1.], dtype=torch.float64)
    """
    # Zeros as ones of the weights' own type: a tensor of booleans takes several times as long.
    return torch.eq(weight, 0, out=torch.empty_like(weight)).sum(1, dtype=torch.float64)


class Objective:
    """The mean over an epoch's examples of what is minimised: training loss and penalty.

    Both are taken before the step, in training mode, as Keras's `loss` is.
    """

    def __init__(self, update: Update, runs: int, like: Tensor) -> None:
        self._penalties = update.penalties
        self._losses = like.new_zeros(_STEPS_AT_ONCE, runs)
        self._examples: list[int] = []
        self._sum = torch.zeros(runs, dtype=torch.float64, device=like.device)
        self._count = 0

    def add(self, loss: Tensor, examples: int) -> None:
        """Take in the (R,) losses of a step on so many examples, before the weights move."""
        step = len(self._examples)
        self._losses[step].copy_(loss)
        self._penalties.record(step)
        self._examples.append(examples)
        if step + 1 == _STEPS_AT_ONCE:
            self._add_up()

    def _add_up(self) -> None:
        steps = len(self._examples)
        costs = self._penalties.totals(steps) + self._losses[:steps]
        for cost, examples in zip(costs, self._examples, strict=True):
            self._sum.add_(cost, alpha=examples)
        self._count += sum(self._examples)
        self._examples.clear()

    def mean(self) -> Tensor:
        """(R,) in float64."""
        self._add_up()
        return self._sum / self._count

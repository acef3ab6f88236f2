"""Batch normalisation with statistics of each run's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.draws import Draws
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.per_run import PerRun
from regbench.models import layers


def batchnorm(
    regularizers: Sequence[Regularizer], layer: layers.BatchNorm, like: Tensor, scratch: Scratch
) -> BatchNorm:
    """In all runs of a stack or in none."""
    options = [r.batchnorm for r in regularizers if r.batchnorm is not None]
    momentum, eps = (
        PerRun([getattr(o, key) for o in options], like) for key in ("momentum", "eps")
    )
    return BatchNorm(layer, momentum, eps, scratch)


class BatchNorm:
    """y = (x - mean) / sqrt(var + eps) * gamma + beta, over the examples of the batch.

    running = (1 - momentum) * running + momentum * batch, with the biased variance in both places
    (PyTorch would store the unbiased one). Evaluation uses the running statistics, and so does a
    batch of one example, which has no variance: it leaves them as they are.

    Shape:
        x, y (R, B, O); gamma, beta, running_mean, running_var (R, O); momentum, eps (R,).

    Attributes:
        taking_in: the share of the next batch in the running statistics, while these are made
            anew: it is then normalised by itself in evaluation, too.

    Source: Ioffe & Szegedy 2015.
    """

    taking_in: float | None = None

    def __init__(
        self, layer: layers.BatchNorm, momentum: PerRun, eps: PerRun, scratch: Scratch
    ) -> None:
        self.layer = layer
        self._momentum, self._eps = momentum, eps
        self._scratch = scratch
        runs = len(momentum.values)
        self.running_mean = momentum.values.new_zeros(runs, layer.channels)
        self.running_var = momentum.values.new_ones(runs, layer.channels)

    def parameters(self) -> list[Slot]:
        """Gamma and beta, (O,) each."""
        return [Slot(parameter) for parameter in self.layer.parameters]

    def bind(self, parameters: Parameters) -> None:
        """Take views of gamma and beta."""
        gamma, beta = self.parameters()
        self.gamma, self.gamma_gradient = parameters.value(gamma), parameters.gradient(gamma)
        self.beta, self.beta_gradient = parameters.value(beta), parameters.gradient(beta)

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """Normalise, by the batch's statistics where there are any, else by the running ones."""
        eps = self._eps.values.unsqueeze(1)
        remaking = self.taking_in is not None
        self._by_batch = remaking or (draws is not None and x.shape[1] > 1)
        if self._by_batch:
            mean = x.mean(1)
            x.sub_(mean.unsqueeze(1))
            variance = (x * x).mean(1)
            momentum = self._momentum.values.unsqueeze(1)
            if self.taking_in is not None:
                momentum = torch.full_like(momentum, self.taking_in)
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance, momentum)
        else:
            x.sub_(self.running_mean.unsqueeze(1))
            variance = self.running_var
        self._scale = 1 / torch.sqrt(variance + eps)
        self._normal = x.mul_(self._scale.unsqueeze(1))
        y = self._scratch((self, "y"), x.shape, x)
        torch.mul(x, self.gamma.unsqueeze(1), out=y)
        return y.add_(self.beta.unsqueeze(1))

    def backward(self, gradient: Tensor) -> Tensor:
        """Through the batch's mean and variance, unless the running ones were used."""
        torch.sum(gradient, 1, out=self.beta_gradient)
        torch.sum(gradient * self._normal, 1, out=self.gamma_gradient)
        if self._by_batch:
            batch = gradient.shape[1]
            gradient.sub_((self.beta_gradient / batch).unsqueeze(1))
            gradient.sub_(self._normal * (self.gamma_gradient / batch).unsqueeze(1))
        return gradient.mul_((self.gamma * self._scale).unsqueeze(1))

    def statistics(self) -> dict[str, Tensor]:
        """Running mean and variance, by the names that files give them."""
        return dict(zip(self.layer.statistics, (self.running_mean, self.running_var), strict=True))

    def keep(self, rows: Tensor) -> None:
        """Keep these runs' statistics and options (which all layers share)."""
        self.running_mean = self.running_mean.index_select(0, rows)
        self.running_var = self.running_var.index_select(0, rows)
        self._momentum = self._momentum.kept(rows)
        self._eps = self._eps.kept(rows)

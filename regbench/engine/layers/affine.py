"""The affine maps, one weight matrix a run: hidden layers, and the narrow last one."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.engine.draws import Draws
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.products import product
from regbench.models import layers


class Affine:
    """y[r] = x[r] @ weight[r] + bias[r].

    Shape:
        x (R, B, I), weight (R, I, O), bias (R, O), y (R, B, O).

    `backward` writes the gradients of weight and bias. The first layer of a chain gives back what
    it was given, since nobody needs the gradient of the data.

    Where a batchnorm follows, it takes the bias away again. Its gradient then stays the zeros that
    it began as: what rounding leaves of one moves it, under Adam by whole steps.
    """

    # Which axis of the weight (O, I) memory holds outermost.
    _order: tuple[int, ...] = (1, 0)

    def __init__(self, layer: layers.Affine, scratch: Scratch) -> None:
        self.layer = layer
        self._scratch = scratch

    def parameters(self) -> list[Slot]:
        """Weight and bias."""
        weight, bias = self.layer.parameters
        return [Slot(weight, self._order), Slot(bias)]

    def bind(self, parameters: Parameters) -> None:
        """Take views of weight and bias."""
        weight, bias = self.parameters()
        self.weight = parameters.value(weight).mT
        self.weight_gradient = parameters.gradient(weight).mT
        self.bias, self.bias_gradient = parameters.value(bias), parameters.gradient(bias)
        self._turned, self._turned_gradient = self.weight.mT, self.weight_gradient.mT
        self._row, self._column = self.bias.unsqueeze(1), self.bias.unsqueeze(2)

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """(R, B, I) to (R, B, O)."""
        self._x = x
        y = self._scratch((self, "y"), (*x.shape[:2], self.layer.outputs), x)
        return product(x, self.weight, y, self._scratch, self._row)

    def backward(self, gradient: Tensor) -> Tensor:
        """Weight's gradient x^T g, bias's sum of g, input's g weight^T."""
        product(self._x.mT, gradient, self.weight_gradient, self._scratch)
        if not self.layer.before_norm:
            torch.sum(gradient, 1, out=self.bias_gradient)
        if self.layer.index == 0:
            return gradient
        x_gradient = self._scratch((self, "dx"), self._x.shape, gradient)
        return product(gradient, self._turned, x_gradient, self._scratch)

    def keep(self, rows: Tensor) -> None:
        """Nothing but parameters."""


class Readout(Affine):
    """The last affine map, whose outputs are few: y[r] = (x[r] @ weight[r] + bias[r])^T.

    The weight is kept with its outputs first and y with the batch last: a product with ten columns
    takes as long as one with sixty-four (`benchmarks/parts.py`), and softmaxes over ten
    neighbouring numbers are slow, too.

    Shape:
        x (R, B, I), weight (R, I, O), a transposed view, bias (R, O), y (R, O, B).
    """

    _order = (0, 1)

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """(R, B, I) to (R, O, B)."""
        self._x = x
        y = self._scratch((self, "y"), (len(x), self.layer.outputs, x.shape[1]), x)
        return product(self._turned, x.mT, y, self._scratch, self._column)

    def backward(self, gradient: Tensor) -> Tensor:
        """From the gradient (R, O, B) as in `Affine`."""
        product(gradient, self._x, self._turned_gradient, self._scratch)
        torch.sum(gradient, 2, out=self.bias_gradient)
        if self.layer.index == 0:
            return gradient
        x_gradient = self._scratch((self, "dx"), self._x.shape, gradient)
        return product(gradient.mT, self._turned, x_gradient, self._scratch)

"""The affine map, one weight matrix a run."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.nn.buffers import Scratch
from regbench.nn.layer import Draws
from regbench.nn.parameters import Kind, Parameters

__all__ = ["Affine"]


class Affine:
    """y[r] = x[r] @ weight[r] + bias[r].

    Shape:
        x (R, B, I), weight (R, I, O), bias (R, O), y (R, B, O).

    `backward` writes the gradients of weight and bias. The first layer of a chain gives back what
    it was given, since nobody needs the gradient of the data.
    """

    def __init__(self, index: int, inputs: int, outputs: int, scratch: Scratch) -> None:
        self.index = index
        self.inputs, self.outputs = inputs, outputs
        self._scratch = scratch

    def parameters(self) -> list[tuple[str, Kind, tuple[int, ...]]]:
        """Weight (I, O) and bias (O,)."""
        return [
            (f"layers.{self.index}.weight", "kernel", (self.inputs, self.outputs)),
            (f"layers.{self.index}.bias", "bias", (self.outputs,)),
        ]

    def bind(self, parameters: Parameters) -> None:
        """Take views of weight and bias."""
        weight, bias = (
            slot
            for slot in parameters.layout.slots
            if slot.name.startswith(f"layers.{self.index}.")
        )
        self.weight, self.weight_gradient = parameters.value(weight), parameters.gradient(weight)
        self.bias, self.bias_gradient = parameters.value(bias), parameters.gradient(bias)

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """(R, B, I) to (R, B, O)."""
        self._x = x
        y = self._scratch((self, "y"), (*x.shape[:2], self.outputs), x)
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight, out=y)

    def backward(self, gradient: Tensor) -> Tensor:
        """Weight's gradient x^T g, bias's sum of g, input's g weight^T."""
        torch.bmm(self._x.transpose(1, 2), gradient, out=self.weight_gradient)
        torch.sum(gradient, 1, out=self.bias_gradient)
        if self.index == 0:
            return gradient
        x_gradient = self._scratch((self, "dx"), self._x.shape, gradient)
        return torch.bmm(gradient, self.weight.transpose(1, 2), out=x_gradient)

    def keep(self, rows: Tensor) -> None:
        """Nothing but parameters."""

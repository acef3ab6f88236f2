"""Activations and their derivatives, as torch's own elementwise kernels compute them."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import torch
from torch import Tensor

from regbench.engine.draws import Draws
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.parameters import Parameters, Slot

# Klambauer et al. 2017, eq. 14: fixed point of mean 0 and variance 1.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _negative_part(x: Tensor) -> Tensor:
    return torch.expm1(torch.clamp(x, max=0))


def _elu(x: Tensor) -> Tensor:
    return torch.relu(x) + _negative_part(x)  # one of the two is 0


def _elu_gradient(g: Tensor, x: Tensor) -> Tensor:
    return g * (_negative_part(x) + 1)  # times 1 where x > 0


def _selu(x: Tensor) -> Tensor:
    return (torch.relu(x) + _negative_part(x) * _SELU_ALPHA) * _SELU_SCALE


def _selu_gradient(g: Tensor, x: Tensor) -> Tensor:
    slope = torch.where(x > 0, 1.0, (_negative_part(x) + 1) * _SELU_ALPHA)
    return g * slope * _SELU_SCALE


def _normal_cdf(x: Tensor) -> Tensor:
    return (torch.erf(x * sqrt(0.5)) + 1) * 0.5


def _gelu(x: Tensor) -> Tensor:
    return x * _normal_cdf(x)


def _gelu_gradient(g: Tensor, x: Tensor) -> Tensor:
    density = torch.exp(x * x * -0.5) * (1 / sqrt(2 * pi))
    return g * (_normal_cdf(x) + x * density)


def _sigmoid(x: Tensor) -> Tensor:
    # By tanh, which neither overflows nor treats the last elements of a tensor differently.
    return (torch.tanh(x * 0.5) + 1) * 0.5


def _sigmoid_gradient(g: Tensor, x: Tensor) -> Tensor:
    y = _sigmoid(x)
    return g * (1 - y) * y


def _tanh_gradient(g: Tensor, x: Tensor) -> Tensor:
    y = torch.tanh(x)
    return g * (1 - y * y)


_threshold_backward = torch.ops.aten.threshold_backward.grad_input  # found once: a step is short


def _relu_gradient(g: Tensor, x: Tensor) -> Tensor:
    result: Tensor = _threshold_backward(g, x, 0, grad_input=g)
    return result


# Forward, and the gradient from the output's gradient and the input. torch's own gelu, elu, selu
# and sigmoid round the last few elements of a tensor differently from the rest, and which elements
# come last depends on the stack: here they are written in terms of functions that do not.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "relu": (torch.relu, _relu_gradient),
    "tanh": (torch.tanh, _tanh_gradient),
    "gelu": (_gelu, _gelu_gradient),
    "elu": (_elu, _elu_gradient),
    "selu": (_selu, _selu_gradient),
    "sigmoid": (_sigmoid, _sigmoid_gradient),
}


class Activation:
    """y = f(x), elementwise, (R, B, O) to (R, B, O).

    relu works in place: its derivative can be read off its output, also after dropout has scaled
    or zeroed that (where dropout gives 0, the incoming gradient is 0 already).
    """

    def __init__(self, name: str, scratch: Scratch) -> None:
        self._in_place = name == "relu"
        self._forward, self._backward = ACTIVATIONS[name]
        self._scratch = scratch

    def parameters(self) -> list[Slot]:
        """None."""
        return []

    def bind(self, parameters: Parameters) -> None:
        """Nothing to bind."""

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """Apply f."""
        self._x = x
        if self._in_place:
            return x.relu_()
        y = self._scratch((self, "y"), x.shape, x)
        return y.copy_(self._forward(x))

    def backward(self, gradient: Tensor) -> Tensor:
        """Times f'(x), in place."""
        result = self._backward(gradient, self._x)
        return result if self._in_place else gradient.copy_(result)

    def keep(self, rows: Tensor) -> None:
        """No state."""

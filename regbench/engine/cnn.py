"""A convolutional network as a torch module, from its architecture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regbench.config.blocks.regularizer import BatchNorm as Options
from regbench.engine.layers.initializers import initial_affine
from regbench.models import layers
from regbench.models.architecture import Architecture

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
}
_CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d]] = {2: nn.Conv1d, 3: nn.Conv2d}
_POOLINGS = {2: nn.MaxPool1d, 3: nn.MaxPool2d}


class BiasedBatchNorm(nn.Module):
    """Batch normalisation by the biased variance, also in the running one.

    A batch of one example uses the running statistics and leaves them alone.

    Shape:
        (B, channels, ...) to the same.

    Source: Ioffe & Szegedy 2015; torch.nn.BatchNorm2d keeps the unbiased variance.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, options: Options) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.momentum, self.eps = options.momentum, options.eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        weights, eps = (self.weight, self.bias), self.eps
        mean, variance = self.running_mean, self.running_var
        if not self.training or len(x) == 1:
            return nn.functional.batch_norm(x, mean, variance, *weights, eps=eps)
        new_mean, new_variance = torch.zeros_like(mean), torch.zeros_like(variance)
        y = nn.functional.batch_norm(
            x, new_mean, new_variance, *weights, training=True, momentum=1.0, eps=eps
        )
        count = x.numel() // x.shape[1]
        mean.lerp_(new_mean, self.momentum)
        variance.lerp_(new_variance * ((count - 1) / count), self.momentum)
        return y


class Cnn(nn.Module):
    """The layers of an architecture, in order; initial weights are pure functions of the seed.

    `layers.<i>` have the kernels, `norms.<i>` the batchnorms, as in files.
    """

    def __init__(self, chain: Architecture, init: str, seed: int, options: Options | None) -> None:
        super().__init__()
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        self.dropouts = nn.ModuleList()
        self._stages: list[nn.Module] = []
        for layer in chain.layers:
            self._stages += self._made(layer, init, seed, options)

    def _made(
        self, layer: layers.Layer, init: str, seed: int, options: Options | None
    ) -> list[nn.Module]:
        match layer:
            case layers.Weighted():
                self.layers.append(_weighted(layer, init, seed))
                return [self.layers[-1]]
            case layers.BatchNorm():
                assert options is not None
                self.norms.append(BiasedBatchNorm(layer.channels, options))
                return [self.norms[-1]]
            case layers.Activation():
                return [ACTIVATIONS[layer.kind]()]
            case layers.Pooling():
                return [_POOLINGS[len(layer.before)](layer.size)]
            case layers.Flatten():
                return [nn.Flatten()]
            case layers.Dropout():
                self.dropouts.append(nn.Dropout(0.0))  # the network sets its rate
                return [self.dropouts[-1]]
        raise TypeError(f"no such layer: {layer}")

    def forward(self, x: Tensor) -> Tensor:
        """(B, *example) to (B, O)."""
        for stage in self._stages:
            x = stage(x)
        return x


def _weighted(layer: layers.Weighted, init: str, seed: int) -> nn.Module:
    kernel = layer.kernel
    made: nn.Conv1d | nn.Conv2d | nn.Linear
    if isinstance(layer, layers.Convolution):
        kind = _CONVOLUTIONS[len(layer.before)]
        sizes = (layer.size, layer.stride, layer.padding)
        made = kind(kernel.inputs, kernel.outputs, *sizes, dtype=torch.float64)
    else:
        made = nn.Linear(kernel.inputs, kernel.outputs, dtype=torch.float64)
    fan_in, fan_out = layer.fans
    weight, bias = initial_affine(init, seed, layer.index, fan_in, kernel.outputs, fan_out)
    assert made.bias is not None
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(weight.T.reshape(kernel.shape).copy()))
        made.bias.copy_(torch.from_numpy(bias))
    # Before a batchnorm it has no effect on training, and rounding would move it.
    made.bias.requires_grad_(not layer.before_norm)
    return made

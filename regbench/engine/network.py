"""A model as a chain of stacked layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.schema import Setting
from regbench.engine.layers.activation import Activation
from regbench.engine.layers.affine import Affine, Readout
from regbench.engine.layers.batchnorm import BatchNorm
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.initializers import initial_affine
from regbench.engine.layers.layer import Draws, Layer
from regbench.engine.layers.parameters import Parameters, named
from regbench.engine.layers.per_run import PerRun
from regbench.engine.regularizers.dropout import Dropout
from regbench.models import layers
from regbench.models.architecture import Architecture, architecture
from regbench.models.layers import Shape

__all__ = ["Network", "build", "per_layer"]


class Network:
    """R networks of one architecture: (R, B, inputs) to (R, outputs, B).

    Holds the layers, in order, and all their parameters.
    """

    def __init__(
        self,
        stages: Sequence[Layer],
        chain: Architecture,
        runs: int,
        like: Tensor,
        scratch: Scratch,
    ) -> None:
        self.layers = tuple(stages)
        self.architecture = chain
        self._scratch = scratch
        # Nobody needs the gradient of what stands before the first parameters: the data.
        first = next(i for i, layer in enumerate(self.layers) if layer.parameters())
        self._trained = self.layers[first:]
        slots = [slot for layer in self.layers for slot in layer.parameters()]
        self.parameters = Parameters(slots, runs, like)
        self._bind()

    def _bind(self) -> None:
        for layer in self.layers:
            layer.bind(self.parameters)

    @property
    def runs(self) -> int:
        """R, the runs that are still in the stack."""
        return self.parameters.runs

    @property
    def norms(self) -> list[BatchNorm]:
        """The batchnorm layers, in order."""
        return [layer for layer in self.layers if isinstance(layer, BatchNorm)]

    def forward(self, x: Tensor, draws: Draws | None = None) -> Tensor:
        """Outputs; in training, `draws` gives the random numbers, and x may be overwritten."""
        for layer in self.layers:
            x = layer.forward(x, draws)
        return x

    def backward(self, gradient: Tensor) -> None:
        """Fill `parameters.gradients` from the gradient for the outputs of the last forward."""
        for layer in reversed(self._trained):
            gradient = layer.backward(gradient)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order."""
        self.parameters.keep(rows)
        for layer in self.layers:
            layer.keep(rows)
        self._scratch.clear()
        self._bind()

    @property
    def statistics(self) -> dict[str, Tensor]:
        """What training leaves besides the parameters, (R, *shape), by name."""
        return {name: one for norm in self.norms for name, one in norm.statistics().items()}

    def tensors(self) -> dict[str, Tensor]:
        """All that training changes, for all runs: the tensors in use, by name."""
        return named("values", self.parameters.values) | self.statistics

    def _views(self) -> dict[str, Tensor]:
        """The same as (R, *shape), by the names that files give them."""
        values = {slot.name: self.parameters.value(slot) for slot in self.parameters.slots}
        return values | self.statistics

    def state(self, row: int) -> dict[str, npt.NDArray[np.generic]]:
        """One run's parameters and running statistics, copied to the CPU.

        Names and shapes are those of `architecture.tensors`: as torch.nn holds them.
        """
        views = self._views().items()
        return {name: np.array(view[row].cpu().numpy(), order="C") for name, view in views}

    def load(self, row: int, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Give one run the parameters and statistics that `state` returned."""
        for name, view in self._views().items():
            view[row] = torch.from_numpy(np.array(state[name]))


def per_layer(value: float | tuple[float, ...] | None, layers: int, off: float) -> list[float]:
    """A setting that is one number or a list, as one number a layer.

    >>> per_layer(0.1, 2, 0.0), per_layer((0.1, 0.2), 2, 0.0), per_layer(None, 2, 9.0)
    ([0.1, 0.1], [0.1, 0.2], [9.0, 9.0])
    """
    if value is None:
        return [off] * layers
    return list(value) if isinstance(value, tuple) else [value] * layers


def build(
    settings: Sequence[Setting], seeds: Sequence[int], example: Shape, outputs: int, like: Tensor
) -> Network:
    """The stack's network, one run for each setting and seed, with its initial weights.

    Args:
        settings: R settings of the same architecture.
        seeds: R seeds.
        example: the shape of an example.
        outputs: of the last layer.
        like: gives dtype and device.
    """
    regularizers = [setting.regularizer for setting in settings]
    chain = architecture(settings[0].model, regularizers[0], example, outputs)
    maker = _Maker(regularizers, like, chain)
    made = [maker.make(layer) for layer in chain.layers]
    network = Network(made, chain, len(settings), like, maker.scratch)
    _initialize(network, settings, seeds)
    return network


class _Maker:
    """Makes the stack's layers from those of its architecture."""

    def __init__(
        self, regularizers: Sequence[Regularizer], like: Tensor, chain: Architecture
    ) -> None:
        self.scratch = Scratch()
        self._regularizers, self._like = regularizers, like
        self._last, self._gated = chain.kernels[-1], False
        hidden = len(chain.kernels) - 1
        self._rates = [(r.input_dropout, *per_layer(r.dropout, hidden, 0.0)) for r in regularizers]

    def make(self, layer: layers.Layer) -> Layer:
        """The layer for R runs; they are made in order."""
        match layer:
            case layers.Affine():
                kind = Readout if layer is self._last else Affine
                return kind(layer, self.scratch)
            case layers.BatchNorm():
                options = [r.batchnorm for r in self._regularizers if r.batchnorm is not None]
                momentum = PerRun([o.momentum for o in options], self._like)
                eps = PerRun([o.eps for o in options], self._like)
                return BatchNorm(layer, momentum, eps, self.scratch)
            case layers.Activation():
                self._gated = layer.kind == "relu"
                return Activation(layer.kind, self.scratch)
            case layers.Dropout():
                rates = PerRun([rate[layer.index] for rate in self._rates], self._like)
                return Dropout(layer.index, rates, self.scratch, gated=self._gated)
        raise TypeError(f"no such layer: {layer}")


def _initialize(network: Network, settings: Sequence[Setting], seeds: Sequence[int]) -> None:
    for layer in network.layers:
        if isinstance(layer, Affine):
            # Drawn once for all runs that share them, and brought to the device together.
            place: dict[tuple[str, int], int] = {}
            keys = [(s.model.init, seed) for s, seed in zip(settings, seeds, strict=True)]
            of_run = torch.tensor([place.setdefault(key, len(place)) for key in keys])
            own = layer.layer
            drawn = [
                initial_affine(init, seed, own.index, own.inputs, own.outputs)
                for init, seed in place
            ]
            for view, arrays in zip(
                (layer.weight, layer.bias), zip(*drawn, strict=True), strict=True
            ):
                distinct = torch.from_numpy(np.stack(arrays)).to(view)
                view.copy_(distinct.index_select(0, of_run.to(view.device)))
        elif isinstance(layer, BatchNorm):
            layer.gamma.fill_(1)

"""A model as a chain of stacked layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.engine.draws import Draws
from regbench.engine.layers.activation import Activation
from regbench.engine.layers.affine import Affine, Readout
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.initializers import initial_affine
from regbench.engine.layers.layer import Layer, Place
from regbench.engine.layers.parameters import Parameters, named
from regbench.engine.regularizers.batchnorm import BatchNorm
from regbench.engine.regularizers.regularizer import IN_LAYERS

__all__ = ["Network", "build"]


class Network:
    """R networks of one architecture: (R, B, inputs) to (R, outputs, B).

    Holds the layers, in order, and all their parameters.
    """

    def __init__(self, layers: Sequence[Layer], runs: int, like: Tensor, scratch: Scratch) -> None:
        self.layers = tuple(layers)
        self._scratch = scratch
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
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order."""
        self.parameters.keep(rows)
        for layer in self.layers:
            layer.keep(rows)
        self._scratch.clear()
        self._bind()

    def tensors(self) -> dict[str, Tensor]:
        """All that training changes, for all runs: the tensors in use, by name."""
        tensors = named("values", self.parameters.values)
        for norm in self.norms:
            tensors[f"running_mean.{norm.index}"] = norm.running_mean
            tensors[f"running_var.{norm.index}"] = norm.running_var
        return tensors

    def state(self, row: int) -> dict[str, npt.NDArray[np.generic]]:
        """One run's parameters and running statistics, copied to the CPU.

        `layers.<i>.weight` (I, O), `layers.<i>.bias` (O,), `norms.<i>.weight`, `.bias`,
        `.running_mean` and `.running_var` (O,), i counting from 0.
        """
        p = self.parameters
        state = {slot.name: p.value(slot)[row] for slot in p.slots}
        for norm in self.norms:
            state[f"norms.{norm.index}.running_mean"] = norm.running_mean[row]
            state[f"norms.{norm.index}.running_var"] = norm.running_var[row]
        return {name: tensor.cpu().numpy().copy() for name, tensor in state.items()}

    def load(self, row: int, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Give one run the parameters and statistics that `state` returned."""
        for slot in self.parameters.slots:
            self.parameters.value(slot)[row] = torch.from_numpy(state[slot.name])
        for norm in self.norms:
            norm.running_mean[row] = torch.from_numpy(state[f"norms.{norm.index}.running_mean"])
            norm.running_var[row] = torch.from_numpy(state[f"norms.{norm.index}.running_var"])


def build(
    settings: Sequence[Setting], seeds: Sequence[int], inputs: int, outputs: int, like: Tensor
) -> Network:
    """The stack's network, one run for each setting and seed, with its initial weights.

    Args:
        settings: R settings of the same architecture.
        seeds: R seeds.
        inputs, outputs: width of the data and of the last layer.
        like: gives dtype and device.
    """
    model = settings[0].model
    regularizers = [setting.regularizer for setting in settings]
    scratch = Scratch()
    widths = [inputs, *model.hidden_sizes, outputs]
    hidden, activation = len(model.hidden_sizes), getattr(model, "activation", "")

    def beside(after: Literal["affine", "activation"], index: int) -> list[Layer]:
        """What regularizers put there."""
        place = Place(after, index, hidden, widths[index + 1], activation)
        made = [make(regularizers, place, like, scratch) for make in IN_LAYERS.values()]
        return [layer for layer in made if layer is not None]

    layers: list[Layer] = []
    for i in range(hidden):
        norms = beside("affine", i)
        before_norm = any(isinstance(layer, BatchNorm) for layer in norms)
        layers.append(Affine(i, widths[i], widths[i + 1], scratch, before_norm=before_norm))
        layers += norms
        layers.append(Activation(activation, scratch))
        layers += beside("activation", i)
    layers.append(Readout(hidden, widths[-2], outputs, scratch))
    network = Network(layers, len(settings), like, scratch)
    _initialize(network, settings, seeds)
    return network


def _initialize(network: Network, settings: Sequence[Setting], seeds: Sequence[int]) -> None:
    for layer in network.layers:
        if isinstance(layer, Affine):
            # Drawn once for all runs that share them, and brought to the device together.
            place: dict[tuple[str, int], int] = {}
            keys = [(s.model.init, seed) for s, seed in zip(settings, seeds, strict=True)]
            of_run = torch.tensor([place.setdefault(key, len(place)) for key in keys])
            drawn = [
                initial_affine(init, seed, layer.index, layer.inputs, layer.outputs)
                for init, seed in place
            ]
            for view, arrays in zip(
                (layer.weight, layer.bias), zip(*drawn, strict=True), strict=True
            ):
                distinct = torch.from_numpy(np.stack(arrays)).to(view)
                view.copy_(distinct.index_select(0, of_run.to(view.device)))
        elif isinstance(layer, BatchNorm):
            layer.gamma.fill_(1)

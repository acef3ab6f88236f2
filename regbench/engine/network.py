"""A model as a chain of stacked layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.engine.autograd import ModuleNetwork
from regbench.engine.batch import Batch
from regbench.engine.draws import Draws
from regbench.engine.layers.activation import Activation
from regbench.engine.layers.affine import Affine, Readout
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.initializers import initial_affine
from regbench.engine.layers.layer import Layer
from regbench.engine.layers.loss import Loss
from regbench.engine.layers.parameters import Parameters, named
from regbench.engine.modules import build_modules
from regbench.engine.regularizers.batchnorm import BatchNorm
from regbench.engine.regularizers.regularizer import IN_LAYERS
from regbench.models import layers
from regbench.models.architecture import BY_AUTOGRAD, Architecture, architecture
from regbench.models.layers import Shape
from regbench.models.own import OwnModule


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

    def remake_statistics(self, batches: Iterable[Tensor]) -> None:
        """Make batchnorm's running statistics anew, as the present weights give them.

        Each batch counts by its examples; it is normalised by itself, as in training.

        Args:
            batches: (R, b, I) each.
        """
        seen = 0
        for x in batches:
            seen += x.shape[1]
            for norm in self.norms:
                norm.taking_in = x.shape[1] / seen
            self.forward(x)
        for norm in self.norms:
            norm.taking_in = None

    def learn(self, batch: Batch, losses: Sequence[Loss], draws: Draws) -> Tensor:
        """(R,) the losses of a batch; leaves their gradients in `parameters.gradients`.

        Args:
            batch: whose x may be overwritten.
            losses: one, of all runs together.
        """
        (loss_of,) = losses
        loss, gradient = loss_of(self.forward(batch.x, draws), batch.y, batch.second)
        self.backward(gradient)
        return loss

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


def build(
    settings: Sequence[Setting],
    seeds: Sequence[int],
    example: Shape,
    outputs: int,
    like: Tensor,
    module: OwnModule | None = None,
) -> Network | ModuleNetwork:
    """The stack's network, one run for each setting and seed, with its initial weights.

    Args:
        settings: R settings of the same architecture.
        seeds: R seeds.
        example: the shape of an example.
        outputs: of the last layer.
        like: gives dtype and device.
        module: the user's own, where the model is one.
    Raises:
        BadStudy: the model does not go with such examples, or the module cannot be made.
    """
    if settings[0].model.name in BY_AUTOGRAD:
        return build_modules(settings, seeds, example, outputs, like, module)
    regularizers = [setting.regularizer for setting in settings]
    chain = architecture(settings[0].model, regularizers[0], example, outputs)
    scratch, last = Scratch(), chain.layers[-1]

    def made(layer: layers.Layer) -> Layer:
        match layer:
            case layers.Affine():
                return (Readout if layer is last else Affine)(layer, scratch)
            case layers.Activation():
                return Activation(layer.kind, scratch)
            case layers.Regularizing():
                return IN_LAYERS[layer.key](regularizers, layer, like, scratch)
        raise TypeError(f"no such layer: {layer}")

    # The data lie flat already.
    stages = [made(layer) for layer in chain.layers if not isinstance(layer, layers.Flatten)]
    network = Network(stages, chain, len(settings), like, scratch)
    _initialize(network, settings, seeds)
    return network


def _initialize(network: Network, settings: Sequence[Setting], seeds: Sequence[int]) -> None:
    for layer in network.layers:
        if isinstance(layer, Affine):
            # Drawn once for all runs that share them, and brought to the device together.
            place: dict[tuple[str, int], int] = {}
            keys = [
                (getattr(s.model, "init", ""), seed)
                for s, seed in zip(settings, seeds, strict=True)
            ]
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

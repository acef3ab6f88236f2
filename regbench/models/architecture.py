"""From a study's model to its layers: widths, kernels, parameters and costs are read off them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from regbench.config.blocks.model import ModelConfig
from regbench.config.blocks.regularizer import Regularizer
from regbench.models.layers import Activation, Affine, BatchNorm, Dropout, Layer, Parameter, Shape

__all__ = ["Architecture", "architecture"]


@dataclass(frozen=True)
class Architecture:
    """A chain of layers.

    >>> from regbench.config.blocks.model import Mlp
    >>> chain = architecture(Mlp(name="mlp", hidden=(3,)), Regularizer(), (4,), 2)
    >>> [layer.kernel.shape for layer in chain.kernels], chain.parameter_count, chain.products
    ([(3, 4), (2, 3)], 23, 18)
    """

    layers: tuple[Layer, ...]

    @property
    def kernels(self) -> tuple[Affine, ...]:
        """The layers with a kernel, in order; the last gives the outputs."""
        return tuple(layer for layer in self.layers if isinstance(layer, Affine))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that is trained."""
        return tuple(each for layer in self.layers for each in layer.parameters)

    @property
    def parameter_count(self) -> int:
        """Trained numbers."""
        return sum(each.size for each in self.parameters)

    def count(self, kind: str) -> int:
        """Trained numbers of one kind."""
        return sum(each.size for each in self.parameters if each.kind == kind)

    @property
    def products(self) -> int:
        """Multiply-adds of one example on its way forward."""
        return sum(layer.products for layer in self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers that an example is: at the input, and after each kernel."""
        shapes = [self.layers[0].before, *(layer.after for layer in self.kernels)]
        return tuple(prod(shape) for shape in shapes)

    @property
    def tensors(self) -> dict[str, Shape]:
        """All that a file of its weights holds."""
        shapes = {each.name: each.shape for each in self.parameters}
        for layer in self.layers:
            shapes |= layer.statistics
        return shapes


def architecture(
    model: ModelConfig, regularizer: Regularizer, example: Shape, outputs: int
) -> Architecture:
    """The layers of a model.

    Args:
        regularizer: has batchnorm or not.
        example: the shape of an example.
        outputs: C, or 1 of a regression.
    """
    return Architecture(tuple(_layers(model, regularizer, example, outputs)))


def _layers(
    model: ModelConfig, regularizer: Regularizer, example: Shape, outputs: int
) -> Iterator[Layer]:
    batchnorm = regularizer.batchnorm is not None
    shape = (prod(example),)
    hidden = model.hidden if model.name == "mlp" else ()
    for i, width in enumerate(hidden):
        yield Affine(shape, i, width, before_norm=batchnorm)
        shape = (width,)
        if batchnorm:
            yield BatchNorm(shape, i)
        assert model.name == "mlp"
        yield Activation(shape, model.activation)
        yield Dropout(shape, i + 1, gated=model.activation == "relu")
    yield Affine(shape, len(hidden), outputs)

"""From a study's model to its layers: widths, kernels, parameters and costs are read off them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from regbench.config.blocks.model import SIZES, Cnn, Linear, Mlp, ModelConfig
from regbench.config.blocks.regularizer import Regularizer
from regbench.errors import BadStudy
from regbench.models.layers import (
    Activation,
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    Own,
    Parameter,
    Pooling,
    Shape,
    Weighted,
)

# Models that are no chain of affine maps.
BY_AUTOGRAD = ("cnn", "module")


class BadModel(BadStudy):
    """A model that does not go with the data; `key` is of its block."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Architecture:
    """A chain of layers.

    >>> from regbench.config.blocks.model import Mlp
    >>> chain = architecture(Mlp(name="mlp", hidden=(3,)), Regularizer(), (4,), 2)
    >>> [kernel.shape for kernel in chain.kernels], chain.parameter_count, chain.products
    ([(3, 4), (2, 3)], 23, 18)
    """

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that is trained."""
        return tuple(each for layer in self.layers for each in layer.parameters)

    @property
    def kernels(self) -> tuple[Parameter, ...]:
        """What penalties, decay and constraints act on, in order."""
        return tuple(each for each in self.parameters if each.kind == "kernel")

    @property
    def known(self) -> bool:
        """Whether it is known what there is; not of a module that is not made yet."""
        return bool(self.parameters)

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
        """Numbers that an example is: at the input, and after each layer with a kernel."""
        made = [layer.after for layer in self.layers if isinstance(layer, Weighted | Own)]
        return tuple(prod(shape) for shape in (self.layers[0].before, *made))

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
    Raises:
        BadModel: the model does not go with such examples.
    """
    if model.name == "module":
        return Architecture((Own(example, outputs),))
    return Architecture(tuple(_layers(model, regularizer, example, outputs)))


def _layers(
    model: Linear | Mlp | Cnn, regularizer: Regularizer, shape: Shape, outputs: int
) -> Iterator[Layer]:
    normed, index = regularizer.batchnorm is not None, 0
    layer = Layer(shape)
    if model.name == "cnn":
        for layer in _convolutions(model, shape, normed):
            yield layer
        index = len(model.channels)
    if len(layer.after) > 1:
        layer = Flatten(layer.after)
        yield layer
    if model.name != "linear":
        for width in model.hidden:
            layer = Affine(layer.after, index, width, normed)
            yield layer
            yield from _after_kernel(layer, model.activation)
            index += 1
    yield Affine(layer.after, index, outputs)


def _after_kernel(layer: Weighted, activation: str, pooling: int = 1) -> Iterator[Layer]:
    """What stands between a hidden kernel and the next."""
    shape = layer.after
    if layer.before_norm:
        yield BatchNorm(shape, layer.index)
    yield Activation(shape, activation)
    if pooling > 1:
        pool = Pooling(shape, pooling)
        yield pool
        shape = pool.after
    yield Dropout(shape, layer.index + 1, gated=activation == "relu")


def _convolutions(model: Cnn, shape: Shape, normed: bool) -> Iterator[Layer]:
    if not 2 <= len(shape) <= 3:
        raise BadModel(
            "name",
            f"a cnn looks at signals (channels, points) or images (channels, height, width), and "
            f"these examples are {_by(shape)}: use mlp, or data with channels; of arrays that have "
            "some, say dataset.layout",
        )
    sizes = [model.each(key) for key in SIZES]
    for i, (channels, size, stride, padding, pooling) in enumerate(
        zip(model.channels, *sizes, strict=True)
    ):
        layer = Convolution(shape, i, channels, normed, size, stride, padding)
        if min(layer.after[1:]) < 1:
            raise BadModel(
                "kernel",
                f"convolution {i + 1} of {len(model.channels)} has a kernel of {size} with padding "
                f"{padding}, and is given {_by(shape[1:])} points: nothing is left; take smaller "
                "kernels, more padding or less pooling",
            )
        if min(layer.after[1:]) < pooling:
            raise BadModel(
                "pooling",
                f"the pooling of {pooling} after convolution {i + 1} is given "
                f"{_by(layer.after[1:])} points: nothing is left; pool less, or 1 for none",
            )
        yield layer
        for each in _after_kernel(layer, model.activation, pooling):
            yield each
            shape = each.after


def _by(shape: Shape) -> str:
    """Sides, as people write them."""
    return f"rows of {shape[0]} numbers" if len(shape) == 1 else " x ".join(map(str, shape))

"""Layers as data: the shape of an example before and after, parameters, multiply-adds.

An example's shape has its channels first, and no batch: (64,), (1, 40), (3, 32, 32).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

Shape = tuple[int, ...]
# Penalties, decay and constraints act on kernels only; other: such as a recurrent layer's weights.
Kind = Literal["kernel", "bias", "norm", "other"]


@dataclass(frozen=True)
class Parameter:
    """A trained tensor: its name and shape are those in files, as torch.nn holds it.

    Attributes:
        unit_axis: the axis of its output units.
    """

    name: str
    kind: Kind
    shape: Shape
    unit_axis: int = 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def outputs(self) -> int:
        """Output units of a kernel."""
        return self.shape[self.unit_axis]

    @property
    def inputs(self) -> int:
        """What one of a kernel's units takes in, at one position."""
        return self.shape[1 - self.unit_axis]

    @property
    def window(self) -> Shape:
        """The sides of a convolution's kernel; () of an affine map's."""
        return self.shape[2:]


@dataclass(frozen=True)
class Layer:
    """One stage of a chain; `before` is the shape of the example that it is given."""

    before: Shape

    @property
    def after(self) -> Shape:
        """The shape of the example that it gives."""
        return self.before

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What is trained in it."""
        return ()

    @property
    def statistics(self) -> dict[str, Shape]:
        """What training leaves in it besides, by name."""
        return {}

    @property
    def products(self) -> int:
        """Multiply-adds of one example on its way forward."""
        return 0


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with a kernel and biases.

    Attributes:
        index: which of them it is, from 0.
        outputs: units or channels.
        before_norm: whether a batchnorm follows.
    """

    index: int
    outputs: int
    before_norm: bool = False

    @property
    def kernel(self) -> Parameter:
        """Outputs first."""
        raise NotImplementedError

    @property
    def fans(self) -> tuple[int, int]:
        """How many numbers one of its outputs is made of, and how many one of its inputs makes."""
        window = prod(self.kernel.window)
        return self.kernel.inputs * window, self.kernel.outputs * window

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Weight and bias."""
        return (self.kernel, Parameter(f"layers.{self.index}.bias", "bias", (self.outputs,)))

    @property
    def products(self) -> int:
        """One for each weight, at each position."""
        return self.kernel.size * prod(self.after[1:])


@dataclass(frozen=True)
class Affine(Weighted):
    """(I,) to (O,)."""

    @property
    def inputs(self) -> int:
        """I."""
        return self.before[0]

    @property
    def after(self) -> Shape:
        """(O,)."""
        return (self.outputs,)

    @property
    def kernel(self) -> Parameter:
        """(O, I)."""
        return Parameter(f"layers.{self.index}.weight", "kernel", (self.outputs, self.inputs))


@dataclass(frozen=True)
class Convolution(Weighted):
    """(I, points) or (I, height, width) to O channels; the kernel has the same size on each axis.

    >>> layer = Convolution((1, 40), 0, 25, size=5, stride=2, padding=1)
    >>> layer.after, layer.kernel.shape, layer.fans, layer.products
    ((25, 19), (25, 1, 5), (5, 125), 2375)
    """

    size: int = 3
    stride: int = 1
    padding: int = 1

    @property
    def after(self) -> Shape:
        """A side may be 0 or less: then nothing is left."""
        sides = ((n + 2 * self.padding - self.size) // self.stride + 1 for n in self.before[1:])
        return (self.outputs, *sides)

    @property
    def kernel(self) -> Parameter:
        """(O, I, size, ...)."""
        window = (self.size,) * (len(self.before) - 1)
        shape = (self.outputs, self.before[0], *window)
        return Parameter(f"layers.{self.index}.weight", "kernel", shape)


@dataclass(frozen=True)
class Regularizing(Layer):
    """A layer that a regularizer puts there, by the key of that."""

    key: ClassVar[str]


@dataclass(frozen=True)
class BatchNorm(Regularizing):
    """Normalises each channel; `index` is that of the kernel before it."""

    key = "batchnorm"
    index: int

    @property
    def channels(self) -> int:
        """How many there are."""
        return self.before[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Scale and shift."""
        return tuple(
            Parameter(f"norms.{self.index}.{name}", "norm", (self.channels,))
            for name in ("weight", "bias")
        )

    @property
    def statistics(self) -> dict[str, Shape]:
        """Running mean and variance."""
        names = ("running_mean", "running_var")
        return {f"norms.{self.index}.{name}": (self.channels,) for name in names}


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise function, by the name that a study gives it."""

    kind: str


@dataclass(frozen=True)
class Dropout(Regularizing):
    """After the i-th hidden activation, `index` counted from 1.

    Attributes:
        gated: the activation is a relu, which lets no gradient pass where it is 0.
    """

    key = "dropout"
    index: int
    gated: bool = False


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest number of each window; a rest at the end is left out."""

    size: int

    @property
    def after(self) -> Shape:
        """A side may be 0: then nothing is left."""
        return (self.before[0], *(side // self.size for side in self.before[1:]))


@dataclass(frozen=True)
class Flatten(Layer):
    """(channels, ...) to (I,), channels outermost."""

    @property
    def after(self) -> Shape:
        """(I,)."""
        return (prod(self.before),)


@dataclass(frozen=True)
class Own(Layer):
    """A module of the user's: what is in it is known once it is made."""

    outputs: int
    found: tuple[Parameter, ...] = ()

    @property
    def after(self) -> Shape:
        """(O,)."""
        return (self.outputs,)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What was found; () before it is made."""
        return self.found

    @property
    def products(self) -> int:
        """A guess, that of a small network for images: nobody knows before it is timed."""
        return 1_000_000

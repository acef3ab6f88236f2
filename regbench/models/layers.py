"""Layers as data: the shape of an example before and after, parameters, multiply-adds.

An example's shape has its channels first, and no batch: (64,), (1, 40), (3, 32, 32).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

__all__ = [
    "Activation",
    "Affine",
    "BatchNorm",
    "Dropout",
    "Kind",
    "Layer",
    "Parameter",
    "Regularizing",
    "Shape",
]

Shape = tuple[int, ...]
# Penalties, decay and constraints act on kernels only.
Kind = Literal["kernel", "bias", "norm"]


@dataclass(frozen=True)
class Parameter:
    """A trained tensor: its name and shape are those in files, as torch.nn holds it."""

    name: str
    kind: Kind
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


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
class Affine(Layer):
    """x @ weight^T + bias on the last axis.

    Attributes:
        index: which of the layers with a kernel it is, from 0.
        outputs: O.
        before_norm: whether a batchnorm follows.
    """

    index: int
    outputs: int
    before_norm: bool = False

    @property
    def inputs(self) -> int:
        """I."""
        return self.before[-1]

    @property
    def after(self) -> Shape:
        """(O,)."""
        return (*self.before[:-1], self.outputs)

    @property
    def kernel(self) -> Parameter:
        """(O, I)."""
        return Parameter(f"layers.{self.index}.weight", "kernel", (self.outputs, self.inputs))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Weight and bias."""
        return (self.kernel, Parameter(f"layers.{self.index}.bias", "bias", (self.outputs,)))

    @property
    def products(self) -> int:
        """One for each weight."""
        return self.kernel.size


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

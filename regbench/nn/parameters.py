"""All parameters of a stack in one (R, P) tensor, so that an optimizer step is a few passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from regbench.nn.buffers import ALIGNMENT, padded

__all__ = ["Layout", "Parameters", "Slot"]

# Penalties, decay and constraints act on kernels only.
Kind = Literal["kernel", "bias", "norm"]


@dataclass(frozen=True)
class Slot:
    """Where one parameter stands in a run's row."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Layout:
    """The slots of one run, each aligned; the padding between them is and stays zero.

    >>> layout = Layout([("layers.0.weight", "kernel", (2, 3)), ("layers.0.bias", "bias", (3,))])
    >>> [slot.offset for slot in layout.slots], layout.width
    ([0, 64], 160)
    """

    def __init__(self, parameters: Sequence[tuple[str, Kind, tuple[int, ...]]]) -> None:
        offset, slots = 0, []
        for name, kind, shape in parameters:
            slots.append(Slot(name, kind, shape, offset))
            offset += padded(prod(shape))
        self.slots = tuple(slots)
        self.width = offset + ALIGNMENT

    @property
    def kernels(self) -> tuple[Slot, ...]:
        """The slots that penalties act on, in the order of the layers."""
        return tuple(slot for slot in self.slots if slot.kind == "kernel")


class Parameters:
    """Values and gradients of a stack, (R, P) each, and views of single parameters.

    >>> p = Parameters(Layout([("layers.0.weight", "kernel", (2, 3))]), torch.zeros(4, 96))
    >>> p.value(p.layout.slots[0]).shape
    torch.Size([4, 2, 3])
    """

    def __init__(self, layout: Layout, values: Tensor) -> None:
        self.layout = layout
        self.values = values
        self.gradients = torch.zeros_like(values)

    def value(self, slot: Slot) -> Tensor:
        """(R, *shape) view of the values."""
        return self.view(self.values, slot)

    def gradient(self, slot: Slot) -> Tensor:
        """(R, *shape) view of the gradients."""
        return self.view(self.gradients, slot)

    @staticmethod
    def view(buffer: Tensor, slot: Slot) -> Tensor:
        """(R, *shape) view of any (R, P) buffer."""
        return buffer[:, slot.offset : slot.offset + slot.size].view(-1, *slot.shape)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order."""
        self.values = self.values.index_select(0, rows)
        self.gradients = torch.zeros_like(self.values)

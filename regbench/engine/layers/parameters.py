"""The parameters of a stack: for each parameter of the model one block with a row for each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regbench.engine.layers.buffers import padded
from regbench.models.layers import Parameter

# Elements that one pass works on before the next pass begins: so many that the calls cost little,
# so few that values, gradients and moments stay in a core's cache between passes.
_PIECE = 1 << 16

# One tensor for each parameter of the model by its name, (R, padded size), in the order of the
# layers; the padding is and stays zero.
Blocks = dict[str, Tensor]


@dataclass(frozen=True)
class Slot:
    """One of a layer's parameters, and how memory holds it.

    `order` names its axes from the outermost to the innermost; empty, they stand as in its shape.
    """

    parameter: Parameter
    order: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """As in files."""
        return self.parameter.name

    @property
    def size(self) -> int:
        """Number of elements, without padding."""
        return self.parameter.size


class Parameters:
    """Values and gradients of a stack, a block for each slot, and views of single parameters.

    >>> weight = Slot(Parameter("layers.0.weight", "kernel", (2, 3)), order=(1, 0))
    >>> p = Parameters([weight], 4, torch.zeros(1))
    >>> p.values["layers.0.weight"].shape, p.value(weight).shape
    (torch.Size([4, 32]), torch.Size([4, 2, 3]))
    >>> p.value(weight).stride()
    (32, 1, 2)
    """

    def __init__(self, slots: Sequence[Slot], runs: int, like: Tensor) -> None:
        self.slots = tuple(slots)
        self.values = {slot.name: like.new_zeros(runs, padded((slot.size,))) for slot in slots}
        self.gradients = self.zeros()

    @property
    def kernels(self) -> tuple[Slot, ...]:
        """The slots that penalties act on, in the order of the layers."""
        return tuple(slot for slot in self.slots if slot.parameter.kind == "kernel")

    @property
    def runs(self) -> int:
        """R."""
        return len(self.like)

    @property
    def like(self) -> Tensor:
        """Any block: its type and device are those of all."""
        return next(iter(self.values.values()))

    def zeros(self) -> Blocks:
        """Blocks of zeros, for what an optimizer remembers of every parameter."""
        return {name: torch.zeros_like(block) for name, block in self.values.items()}

    def value(self, slot: Slot) -> Tensor:
        """(R, *shape) view of the values."""
        return self.view(self.values, slot)

    def gradient(self, slot: Slot) -> Tensor:
        """(R, *shape) view of the gradients."""
        return self.view(self.gradients, slot)

    @staticmethod
    def view(blocks: Blocks, slot: Slot) -> Tensor:
        """(R, *shape) view of any blocks."""
        shape = slot.parameter.shape
        order = slot.order or tuple(range(len(shape)))
        held = blocks[slot.name][:, : slot.size].view(-1, *(shape[axis] for axis in order))
        return held.permute(0, *(1 + order.index(axis) for axis in range(len(shape))))

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order."""
        self.values = kept(self.values, rows)
        self.gradients = self.zeros()


def kept(blocks: Blocks, rows: Tensor) -> Blocks:
    """The blocks with only these rows, in this order."""
    return {name: block.index_select(0, rows) for name, block in blocks.items()}


def named(kind: str, blocks: Blocks) -> dict[str, Tensor]:
    """The blocks by kind and name, as checkpoints hold them."""
    return {f"{kind}.{name}": block for name, block in blocks.items()}


def pieces(*blocks: Blocks) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """Rows, and those rows of the same block of each kind, about `_PIECE` elements at a time."""
    for same in zip(*(kind.values() for kind in blocks), strict=True):
        runs, width = same[0].shape
        size = max(1, _PIECE // width) if same[0].device.type == "cpu" else runs
        for start in range(0, runs, size):
            rows = slice(start, start + size)
            yield rows, tuple(block[rows] for block in same)

"""The parameters of a stack: for each parameter of the model one block with a row for each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from regbench.engine.layers.buffers import padded

__all__ = ["Blocks", "Kind", "Parameters", "Slot", "kept", "named", "pieces"]

# Penalties, decay and constraints act on kernels only.
Kind = Literal["kernel", "bias", "norm"]

# Elements that one pass works on before the next pass begins: so many that the calls cost little,
# so few that values, gradients and moments stay in a core's cache between passes.
_PIECE = 1 << 16

# One tensor for each parameter of the model by its name, (R, padded size), in the order of the
# layers; the padding is and stays zero.
Blocks = dict[str, Tensor]


@dataclass(frozen=True)
class Slot:
    """What a layer says of one of its parameters.

    A kernel is (I, O), or where `outputs_first` is set it is kept as (O, I).
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    outputs_first: bool = False

    @property
    def size(self) -> int:
        """Number of elements, without padding."""
        return prod(self.shape)


class Parameters:
    """Values and gradients of a stack, a block for each slot, and views of single parameters.

    >>> weight = Slot("layers.0.weight", "kernel", (2, 3))
    >>> p = Parameters([weight], 4, torch.zeros(1))
    >>> p.values["layers.0.weight"].shape, p.value(weight).shape
    (torch.Size([4, 32]), torch.Size([4, 2, 3]))
    """

    def __init__(self, slots: Sequence[Slot], runs: int, like: Tensor) -> None:
        self.slots = tuple(slots)
        self.values = {slot.name: like.new_zeros(runs, padded(slot.shape)) for slot in slots}
        self.gradients = self.zeros()

    @property
    def kernels(self) -> tuple[Slot, ...]:
        """The slots that penalties act on, in the order of the layers."""
        return tuple(slot for slot in self.slots if slot.kind == "kernel")

    def of(self, layer: str) -> list[Slot]:
        """The slots named `<layer>.<parameter>`, in the layer's order."""
        return [slot for slot in self.slots if slot.name.rpartition(".")[0] == layer]

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
        """(R, *shape) view of the values, kernels as (R, I, O)."""
        return self.view(self.values, slot)

    def gradient(self, slot: Slot) -> Tensor:
        """(R, *shape) view of the gradients, kernels as (R, I, O)."""
        return self.view(self.gradients, slot)

    @staticmethod
    def view(blocks: Blocks, slot: Slot) -> Tensor:
        """(R, *shape) view of any blocks, kernels as (R, I, O)."""
        view = blocks[slot.name][:, : slot.size].view(-1, *slot.shape)
        return view.transpose(1, 2) if slot.outputs_first else view

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

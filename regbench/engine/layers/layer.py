"""What a layer is: forward, backward, and nothing shared between runs."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from regbench.engine.draws import Draws
from regbench.engine.layers.parameters import Parameters, Slot


class Layer(Protocol):
    """One stage of a chain.

    `forward` may keep what `backward` needs; a forward pass for evaluation (no draws) may overwrite
    it. Both may work in place on what they are given.
    """

    def parameters(self) -> list[Slot]:
        """Name, kind and shape (without the run axis) of everything that is trained."""

    def bind(self, parameters: Parameters) -> None:
        """Take views of the values and gradients; called again when runs have left the stack."""

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """(R, B, I) to (R, B, O); draws is None in evaluation."""

    def backward(self, gradient: Tensor) -> Tensor:
        """Gradient of the sum of the runs' losses for the output to that for the input."""

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' own state, in this order."""

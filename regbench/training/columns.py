"""Shared by the optimizers: numbers a run as columns, and names for what they remember."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.nn.parameters import Blocks

__all__ = ["column", "named"]


def column(values: Sequence[float], like: Tensor) -> Tensor:
    """(R, 1) of R numbers, of the type and on the device of `like`."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)


def named(name: str, blocks: Blocks) -> dict[str, Tensor]:
    """The blocks by name and number, as checkpoints hold them."""
    return {f"{name}.{i}": block for i, block in enumerate(blocks)}

"""Shared by the optimizers: numbers a run as columns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["column"]


def column(values: Sequence[float], like: Tensor) -> Tensor:
    """(R, 1) of R numbers, of the type and on the device of `like`."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)

"""What a stack in training is asked to keep, so that it can go on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.engine.member import State


class Checkpoints(Protocol):
    """Where one stack keeps its state."""

    def latest(self) -> tuple[int, State] | None:
        """The epoch and state to go on from, if there is one."""

    def due(self) -> bool:
        """Whether it is time for another."""

    def save(self, epoch: int, state: State) -> None:
        """Keep the state after an epoch."""


def copied(tensors: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors' values as arrays of their own."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in tensors.items()}


def restore(tensors: Mapping[str, Tensor], state: State) -> None:
    """Give tensors in use the values that `copied` took from them."""
    for name, tensor in tensors.items():
        tensor.copy_(torch.from_numpy(np.array(state[name])))

"""Averages of weights, kept beside a stack in training: readings, which change no trajectory.

Each is of one trajectory, and by its rule takes in a share of the present weights, after a step or
an epoch. Batchnorm's statistics are no average: they are made anew for the averaged weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from regbench.engine.layers.parameters import Blocks, Parameters, kept, named
from regbench.engine.layers.per_run import column
from regbench.engine.member import State


@dataclass(frozen=True)
class Averaging:
    """How weights are averaged.

    Attributes:
        first_epoch: before it nothing is averaged.
        each: after what the weights are taken in.
        share: of the weights that are taken in for the k-th time, k from 1; the rest is the
            average so far.
    """

    first_epoch: int
    each: Literal["step", "epoch"]
    share: Callable[[int], float]

    def share_at(self, epoch: int, step: int, steps: int) -> float:
        """What is taken in after a step of an epoch, both counted from 1; 0 for nothing."""
        if epoch < self.first_epoch or (self.each == "epoch" and step < steps):
            return 0.0
        past = epoch - self.first_epoch
        return self.share(past + 1 if self.each == "epoch" else past * steps + step)


class Averages:
    """The averages that the readings of a stack ask for, A of them.

    Args:
        asked: for each trajectory what its readings average, by any key.
        parameters: the stack's.
    """

    def __init__(self, asked: Sequence[Mapping[str, Averaging]], parameters: Parameters) -> None:
        self._parameters = parameters
        self._asked = [
            (row, key, each) for row, own in enumerate(asked) for key, each in own.items()
        ]
        self._rows = self._index([row for row, _, _ in self._asked])
        self._blocks: Blocks = kept(parameters.values, self._rows) if self._asked else {}
        self._shares: tuple[list[float], Tensor] = [], parameters.like

    def __bool__(self) -> bool:
        return bool(self._asked)

    def _index(self, rows: Sequence[int]) -> Tensor:
        return torch.tensor(rows, dtype=torch.int64, device=self._parameters.like.device)

    def after_step(self, epoch: int, step: int, steps: int) -> None:
        """Take in the weights after a step, counted from 1, of so many in the epoch."""
        shares = [each.share_at(epoch, step, steps) for _, _, each in self._asked]
        if not any(shares):
            return
        if shares != self._shares[0]:
            self._shares = shares, column(shares, self._parameters.like)
        for name, average in self._blocks.items():
            now = self._parameters.values[name].index_select(0, self._rows)
            average.lerp_(now, self._shares[1])

    def state(self, row: int, key: str, epoch: int) -> State:
        """One average's parameters by name; empty where nothing is averaged yet."""
        for place, (own, name, each) in enumerate(self._asked):
            if (own, name) == (row, key) and epoch >= each.first_epoch:
                views = ((s.name, Parameters.view(self._blocks, s)) for s in self._parameters.slots)
                return {n: np.array(v[place].cpu().numpy(), order="C") for n, v in views}
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """All averages: the tensors in use, by name."""
        return named("average", self._blocks)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' averages; they are asked for by the new rows."""
        new = {old: row for row, old in enumerate(rows.tolist())}
        places = [i for i, (row, _, _) in enumerate(self._asked) if row in new]
        self._asked = [(new[row], key, each) for row, key, each in (self._asked[i] for i in places)]
        self._rows = self._index([row for row, _, _ in self._asked])
        self._blocks = kept(self._blocks, self._index(places))
        self._shares = [], self._parameters.like

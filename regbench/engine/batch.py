"""What training sees in a step, and what regularizers of the data are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from regbench.data import Split
from regbench.engine.draws import Draws


@dataclass(frozen=True)
class Seen:
    """The data that R runs are trained on.

    Attributes:
        example: the shape of an example, channels first.
        splits: each run's.
        like: gives dtype and device.
    """

    example: tuple[int, ...]
    splits: Sequence[Split]
    like: Tensor


@dataclass
class Batch:
    """The examples of a step, which regularizers change in place.

    Attributes:
        x: (R, B, I).
        y: (R, B) class numbers or targets.
        ids: (R, B) row numbers in the whole data set.
        read: the training examples at other places of the training part, (R, B), as a batch.
        second: (R, B) other labels, and their share of the loss; None where no run mixes.
        changes: what has changed it so far.
    """

    x: Tensor
    y: Tensor
    ids: Callable[[], Tensor]
    read: Callable[[Tensor], Batch]
    second: tuple[Tensor, Tensor] | None = None
    changes: list[OnInputs] = field(default_factory=list)

    def change(self, regularizers: Sequence[OnInputs], draws: Draws) -> None:
        """Let each change it, in this order."""
        for each in regularizers:
            each(self, draws)
            self.changes.append(each)


class OnInputs(Protocol):
    """A regularizer that changes what training sees of the data."""

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Change the batch in place: the rows of the runs that ask for it, and no others."""

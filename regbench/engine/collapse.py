"""Whether a network has collapsed to a constant: it says the same of every row."""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST = 1e-6
# Of fewer rows the same class says nothing.
_FEWEST_ROWS = 10


class Spread:
    """The least and the largest prediction over the rows seen so far, run by run.

    >>> spread = Spread()
    >>> spread.of_numbers(torch.tensor([[[1.0, 2.0]], [[3.0, 3.0]]]).repeat(1, 1, 4))
    >>> spread.of_numbers(torch.tensor([[[1.0, 1.0]], [[3.0, 3.0]]]))
    >>> spread.collapsed()
    tensor([0., 1.], dtype=torch.float64)
    """

    def __init__(self) -> None:
        self._ends: dict[str, tuple[Tensor, Tensor]] = {}
        self._rows: dict[str, int] = {}

    def of_numbers(self, outputs: Tensor) -> None:
        """Take in (R, 1, b) predictions of a regression, in the unit that the model sees."""
        self._add("numbers", outputs)

    def of_classes(self, log_p: Tensor, choice: Tensor) -> None:
        """Take in (R, C, b) logarithms of probabilities, and (R, b) the classes chosen."""
        self._add("log_p", log_p)
        self._add("choice", choice.unsqueeze(1))

    def _add(self, name: str, values: Tensor) -> None:
        self._rows[name] = self._rows.get(name, 0) + values.shape[2]
        low, high = values.amin(2).double(), values.amax(2).double()
        if name in self._ends:
            low, high = low.minimum(self._ends[name][0]), high.maximum(self._ends[name][1])
        self._ends[name] = low, high

    def collapsed(self) -> Tensor:
        """(R,) 1 where all rows have the same class, or predictions spread by less than 1e-6.

        0 where there were fewer than ten rows.
        """
        found = []
        for name, ends in self._ends.items():
            low, high = (end.exp() for end in ends) if name == "log_p" else ends
            same = (high - low).amax(1) < _LEAST
            found.append((same & (self._rows[name] >= _FEWEST_ROWS)).double())
        return torch.stack(found).amax(0)

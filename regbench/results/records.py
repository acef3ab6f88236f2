"""What is kept of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Literal

import numpy as np
import numpy.typing as npt

Status = Literal["ok", "diverged", "failed"]


class Span(Mapping[str, npt.NDArray[np.float64]]):
    """The curves of one of the runs whose curves lie end to end, cut out as they are looked at.

    >>> span = Span({"lr": np.array([0.1, 0.2, 0.3])}, 1, 3)
    >>> list(span), span["lr"].tolist()
    (['lr'], [0.2, 0.3])
    """

    __slots__ = ("_all", "_end", "_start")

    def __init__(self, curves: Mapping[str, npt.NDArray[np.float64]], start: int, end: int) -> None:
        self._all, self._start, self._end = curves, start, end

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        return self._all[name][self._start : self._end]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run's outcome; its row in runs.csv is its curves at `reading_epoch`, or its `scores`.

    Attributes:
        error: why it has no numbers; empty for `ok`.
        epochs_run: the run's own stop.
        best_epoch: the rule's choice, or the epoch of least validation loss.
        reading_epoch: the epoch whose weights the row reports; None unless `ok`.
        flip_rate: the share of training labels that label noise really changed.
        constant: by column, what the constant prediction scores on the validation part.
        curves: (E,) float64 by column of epochs.csv, one value an epoch from 1 (or the single
            epoch 0); NaN where there is none.
        scores: by column what averaged weights score, which no epoch has.
        sizes: examples by part; empty where it never trained, or an older version wrote it.
    """

    run_id: str
    status: Status
    error: str
    epochs_run: int
    best_epoch: int | None
    reading_epoch: int | None
    flip_rate: float | None
    curves: Mapping[str, npt.NDArray[np.float64]]
    constant: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def wrong_labels(self) -> int | None:
        """How many training labels noise changed; None without noise, or where it is not known."""
        if self.flip_rate is None or "train" not in self.sizes:
            return None
        return round(self.flip_rate * self.sizes["train"])

    def at_reading(self, name: str) -> float | None:
        """A curve's value at the reading; None where there is none.

        >>> record = RunRecord("r", "ok", "", 2, 1, 1, None, {"val_loss": np.array([0.5, 0.7])})
        >>> record.at_reading("val_loss"), record.at_reading("test_loss")
        (0.5, None)
        """
        if self.reading_epoch is None:
            return None
        value = self.scores.get(name)
        if value is None and (curve := self.curves.get(name)) is not None:
            value = float(curve[max(self.reading_epoch, 1) - 1])
        return None if value is None or isnan(value) else value

    def stopping_regret(self) -> float | None:
        """Test loss at the reading, less the least on the run's trajectory: hindsight only.

        >>> curves = {"test_loss": np.array([0.9, 0.6, 0.7])}
        >>> round(RunRecord("r", "ok", "", 3, 3, 3, None, curves).stopping_regret(), 6)
        0.1
        """
        read = self.at_reading("test_loss")
        if read is None:
            return None
        return read - float(np.nanmin(self.curves["test_loss"]))

"""What is kept of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Status = Literal["ok", "diverged", "failed"]


@dataclass(frozen=True)
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
        if self.reading_epoch is None or name not in {*self.curves, *self.scores}:
            return None
        value = self.scores.get(name)
        if value is None:
            value = float(self.curves[name][max(self.reading_epoch, 1) - 1])
        return None if np.isnan(value) else value

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

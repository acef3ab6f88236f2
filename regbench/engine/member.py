"""What the engine is asked for, and what it gives back; no torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.schema import Setting
from regbench.models.own import OwnModule

Array = npt.NDArray[np.float64]
# Arrays by name: a run's weights, its predictions, or all that a stack in training must keep.
State = Mapping[str, npt.NDArray[np.generic]]
Status = Literal["ok", "diverged"]
# Training and validation loss of runs by id; NaN where there is none.
Losses = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Member:
    """One trajectory of a stack: a setting and a seed, and the runs that read it.

    `readings` maps run ids to their regularizers, of which only those that read are looked at
    (early_stopping, ema, swa); of the setting's own these are not. `data` is the fingerprint that
    its data must have; None takes them as they are. `module` is the user's own, where the model is
    one.
    """

    setting: Setting
    seed: int
    readings: Mapping[str, Regularizer]
    data: str | None = None
    module: OwnModule | None = None


@dataclass(frozen=True)
class Reading:
    """What one run reports of its trajectory.

    Attributes:
        epochs_run: the run's own stop; its curves are the trajectory's up to here.
        best_epoch: the rule's choice, or without a rule the epoch of least validation loss.
        reading_epoch: the epoch whose weights the run reports, of an average the last; None if it
            diverged.
        scores: by column, where they are not those of an epoch of the trajectory.
        state: its weights by name, where the study saves them.
        predictions: arrays by name, where the study saves them.
    """

    run_id: str
    status: Status
    epochs_run: int
    best_epoch: int | None
    reading_epoch: int | None
    scores: Mapping[str, float] = field(default_factory=dict)
    state: State = field(default_factory=dict)
    predictions: State = field(default_factory=dict)


@dataclass(frozen=True)
class Trajectory:
    """The curves of one member and its readings.

    `curves` maps names to (E,) arrays, one value an epoch from 1 (or the single epoch 0); NaN
    where there is none. `flip_rate` is the share of training labels that noise really changed,
    `constant` what the constant prediction scores, by column, `sizes` how many examples each part
    has.
    """

    curves: Mapping[str, Array]
    flip_rate: float | None
    readings: Sequence[Reading]
    constant: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

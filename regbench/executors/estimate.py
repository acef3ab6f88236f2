"""Rough rates: for estimates of `plan`, for choosing workers, for the space that a study takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regbench.data import shape
from regbench.engine.stacks import Stack, cost, item_bytes

# Multiply-adds a second that one core reaches on small batched products, with the passes over
# memory that go with them.
_PRODUCTS_PER_SECOND = 2.5e10
# What a step of a stack takes however small its runs are.
_SECONDS_PER_STEP = 5e-4
# Most of it torch's import.
WORKER_START_SECONDS = 2.0
# A run in plan.csv, runs.csv and its piece; an epoch in epochs.csv and the piece, of which so much
# is scores that `eval_every` leaves out. Measured on iris and diabetes, on the low side.
_RUN_BYTES = 600
_EPOCH_BYTES = 190
_SCORES_BYTES = 60


def disk_bytes(stacks: Sequence[Stack], folder: Path) -> int:
    """What the stacks will write at least, about; a run that may stop early counts one epoch.

    Args:
        folder: what CSV paths are relative to.
    """
    total = 0
    for stack in stacks:
        training = stack.members[0].setting.training
        an_epoch = _EPOCH_BYTES + _SCORES_BYTES / training.eval_every
        each = _RUN_BYTES + _saved_bytes(stack, folder)
        for member in stack.members:
            for reading in member.readings.values():
                stops = reading.early_stopping is not None
                total += each + int(an_epoch * (1 if stops else training.epochs))
    return total


def _saved_bytes(stack: Stack, folder: Path) -> int:
    """A run's weights and predictions; of those, which are compressed, a row's id counts."""
    setting = stack.members[0].setting
    weights = (
        item_bytes(setting.training) * cost(setting, folder).parameters
        if setting.training.save_weights
        else 0
    )
    rows = shape(setting.dataset, folder).rows if setting.training.save_predictions else 0
    return weights + 8 * rows


def stack_seconds(trajectories: int, epochs: int, products: int, steps: int) -> float:
    """Seconds on one core.

    Args:
        products: multiply-adds of one trajectory in an epoch.
        steps: of an epoch.
    """
    each = trajectories * products / _PRODUCTS_PER_SECOND + steps * _SECONDS_PER_STEP
    return epochs * each

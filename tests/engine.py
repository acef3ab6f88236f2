"""Short ways to ask the engine for runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regbench.config.blocks.regularizer import EarlyStopping, Regularizer
from regbench.config.schema import Setting
from regbench.engine.loop import train_stack
from regbench.engine.member import Member, Trajectory

WINE = {"name": "wine", "train_size": 70, "val_size": 40, "test_size": 40}
FRIEDMAN = {"name": "friedman1", "n_samples": 120, "train_size": 70}


def setting(**blocks: Any) -> Setting:
    """A small setting in float64; blocks replace or, for training, add to the defaults."""
    training = {"epochs": 5, "batch_size": 16, "dtype": "float64", "save_weights": True}
    training |= blocks.pop("training", {})
    base = {
        "dataset": WINE,
        "model": {"name": "mlp", "hidden": [12, 7]},
        "optimizer": {"name": "adam", "lr": 0.01},
        "training": training,
    }
    return Setting.model_validate(base | blocks)


def member(chosen: Setting, seed: int = 0, run_id: str = "r") -> Member:
    """A run that reads as its setting says."""
    return Member(chosen, seed, {run_id: chosen.regularizer})


def reads(rule: EarlyStopping | None = None) -> Regularizer:
    """By a stopping rule, or of the last epoch."""
    return Regularizer(early_stopping=rule)


def train(*members: Member) -> list[Trajectory]:
    return train_stack(members, Path())

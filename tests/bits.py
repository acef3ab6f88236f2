"""Small whole studies, each trained run by run, in twos and as one stack: prints what differs.

    python tests/bits.py    under whatever setting of the processor the environment has

The studies have sides of one wherever a product can have one: an input, a hidden unit, an output, a
batch, the rest of a batch, the rest of a part. MKL on Intel takes another routine for these.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.schema import Setting
from regbench.engine.loop import train_stack
from regbench.engine.member import Member

STUDIES = {
    "one input, one output": {
        "dataset": {"name": "polynomial", "degree": 1, "n_samples": 100},
        "model": {"hidden": [128]},
        "training": {"batch_size": 7},
    },
    "a batch of one": {
        "dataset": {"name": "digits", "train_size": 60},
        "model": {"hidden": [64]},
        "training": {"batch_size": 1, "epochs": 1},
    },
    "a rest of one": {
        "dataset": {"name": "digits", "train_size": 91},
        "model": {"hidden": [128]},
        "training": {"batch_size": 30},
    },
    "one hidden unit": {
        "dataset": {"name": "friedman1", "n_samples": 201},
        "model": {"hidden": [64, 1, 32]},
        "training": {"batch_size": 25},
    },
    "batchnorm": {
        "dataset": {"name": "digits", "train_size": 91},
        "model": {"hidden": [48, 48]},
        "training": {"batch_size": 30},
        "regularizer": {"batchnorm": True},
    },
    "linear regression": {
        "dataset": "diabetes",
        "model": {"name": "linear"},
        "training": {"batch_size": "full"},
    },
    "validation on one row": {
        "dataset": {"name": "digits", "train_size": 100, "val_size": 65, "test_size": 1},
        "model": {"hidden": [512]},
    },
}


def members_of(study: dict, runs: int = 6) -> list[Member]:
    """Runs with seeds and learning rates of their own."""
    training = {"epochs": 2, "save_predictions": True, "save_weights": True}
    return [
        Member(
            Setting.model_validate(
                study
                | {
                    "optimizer": {"name": "adam", "lr": 0.001 * (1 + seed)},
                    "training": training | study.get("training", {}),
                }
            ),
            seed,
            {"r": Regularizer()},
        )
        for seed in range(runs)
    ]


def content(trajectory) -> dict[str, bytes]:
    """Everything that a run records."""
    reading = trajectory.readings[0]
    arrays = {**trajectory.curves, **reading.state, **reading.predictions}
    return {name: np.ascontiguousarray(values).tobytes() for name, values in arrays.items()}


def differences(study: dict) -> list[str]:
    """What of a run depends on how many others train beside it."""
    members = members_of(study)
    whole = [content(t) for t in train_stack(members, Path())]
    found = []
    for size in (1, 2):
        for first in range(0, len(members), size):
            chosen = train_stack(members[first : first + size], Path())
            for i, trajectory in enumerate(chosen, first):
                part = content(trajectory)
                found += [f"{n} in {size}" for n in part if part[n] != whole[i][n]]
    return sorted(set(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    wrong = {name: found for name, study in STUDIES.items() if (found := differences(study))}
    for name, found in wrong.items():
        print(f"{name}: {', '.join(found)}")
    sys.exit(1 if wrong else 0)

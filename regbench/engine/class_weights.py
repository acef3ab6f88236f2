"""The classes' weights of a stack: numbers a run and class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.data import Split, class_weights


def stacked_weights(
    settings: Sequence[Setting], splits: Sequence[Split], like: Tensor
) -> Tensor | None:
    """(R, C) factors of the examples' losses, 1 for a run that asks for none; None if none does.

    Raises:
        BadStudy: a class that is named is none of the data.
    """
    asked = [setting.training.class_weight for setting in settings]
    if not any(asked):
        return None
    rows = [
        np.ones(split.classes) if weights is None else class_weights(weights, split)
        for weights, split in zip(asked, splits, strict=True)
    ]
    return torch.from_numpy(np.stack(rows)).to(like)

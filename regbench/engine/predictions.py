"""What a run's chosen weights say of each example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regbench.data import Split, SplitKey
from regbench.engine.examples import Examples
from regbench.engine.member import Member, State
from regbench.engine.network import build
from regbench.engine.scoring import piece_of

__all__ = ["predict"]


def predict(
    member: Member, state: State, splits: Mapping[SplitKey, Split], like: Tensor
) -> dict[str, np.ndarray]:
    """Predictions of one run on the parts it has, in file order.

    Args:
        splits: the stack's, so that the run is asked about the very data that it was trained on.
    Returns:
        for each part `<part>_ids` (n,) row ids, `<part>_y` (n,) targets as given, and
        `<part>_probability` (n, C), or for a regression `<part>_prediction` (n,), in float64: what
        the run's scores are computed from, to the last bit.
    """
    examples = Examples([member], Path(), like, splits)
    network = build([member.setting], [member.seed], examples.example, examples.outputs, like)
    network.load(0, state)
    split = examples.split_of(0)
    arrays: dict[str, np.ndarray] = {}
    size = piece_of(network)
    for name, part in examples.parts.items():
        outputs = torch.cat(
            [network.forward(x).clone() for x, _ in examples.chunks(part, size)], dim=2
        )[0].T
        arrays[f"{name}_ids"] = getattr(split, name).ids
        arrays[f"{name}_y"] = getattr(split, name).y
        if examples.task == "classification":
            arrays[f"{name}_probability"] = torch.softmax(outputs.double(), 1).cpu().numpy()
        else:
            arrays[f"{name}_prediction"] = outputs[:, 0].double().cpu().numpy()
    return arrays

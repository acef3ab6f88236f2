"""What the chosen weights of runs say of each example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regbench.data import Split, SplitKey
from regbench.engine.examples import Examples
from regbench.engine.member import Member, State
from regbench.engine.network import build
from regbench.engine.scoring import piece_of


def predict(
    kept: Sequence[tuple[Member, State]], splits: dict[SplitKey, Split], like: Tensor
) -> Iterator[dict[str, np.ndarray]]:
    """Predictions of R runs, in order, each on the parts it has, in file order.

    Args:
        kept: of each run its member and its weights.
        splits: the stack's, so that a run is asked about the very data that it was trained on.
    Yields:
        for each part `<part>_ids` (n,) row ids, `<part>_y` (n,) targets as given, and
        `<part>_probability` (n, C), or for a regression `<part>_prediction` (n,), in float64: what
        the run's scores are computed from, to the last bit.
    """
    members = [member for member, _ in kept]
    examples = Examples(members, Path(), like, splits)
    settings, seeds = [m.setting for m in members], [m.seed for m in members]
    shape = (examples.example, examples.outputs)
    network = build(settings, seeds, *shape, like, members[0].module)
    for row, (_, state) in enumerate(kept):
        network.load(row, state)
    size = piece_of(network)
    outputs = {
        name: torch.cat([network.forward(x).clone() for x, _ in examples.chunks(part, size)], 2)
        for name, part in examples.parts.items()
    }
    for row in range(len(kept)):
        split, arrays = examples.split_of(row), {}
        for name, of_runs in outputs.items():
            own = of_runs[row].T.double()
            arrays[f"{name}_ids"] = getattr(split, name).ids
            arrays[f"{name}_y"] = getattr(split, name).y
            if examples.task == "classification":
                arrays[f"{name}_probability"] = torch.softmax(own, 1).cpu().numpy()
            else:
                arrays[f"{name}_prediction"] = own[:, 0].cpu().numpy()
        yield arrays

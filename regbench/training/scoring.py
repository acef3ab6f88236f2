"""Honest scores: evaluation mode, no penalty, no smoothing, all parts on the same weights."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.nn.network import Network
from regbench.training.examples import Examples, StackedPart

__all__ = ["score"]

# Elements of a run's widest layer that are scored at once. A function of the model alone: the
# number of rows in a product may change its bits, the number of runs may not.
_CHUNK_ELEMENTS = 1 << 16


def score(network: Network, examples: Examples) -> dict[str, Tensor]:
    """(R,) float64 scores by column name: `train_loss`, `train_acc` | `train_r2`, `val_loss`, ...

    Loss is plain cross-entropy or mean squared error; R^2 is 1 - SS_res / SS_tot of the part. With
    label noise `train_acc_clean` is the training accuracy against the true labels.
    """
    scores: dict[str, Tensor] = {}
    for name, part in examples.parts.items():
        total, hits, clean_hits = _totals(network, examples, part)
        scores[f"{name}_loss"] = total / part.size
        if examples.task == "classification":
            scores[f"{name}_acc"] = hits / part.size
            if part.y_clean is not None:
                clean = clean_hits / part.size
                scores[f"{name}_acc_clean"] = torch.where(examples.noisy, clean, torch.nan)
        else:
            spread = part.spread.index_select(0, examples.view_of_run)
            # A part whose targets are all alike has no R^2.
            scores[f"{name}_r2"] = torch.where(spread > 0, 1 - total / spread, torch.nan)
    return scores


def _totals(
    network: Network, examples: Examples, part: StackedPart
) -> tuple[Tensor, Tensor, Tensor]:
    """(R,) sums over the part of loss, hits, and hits against the labels without noise."""
    total, hits, clean_hits = torch.zeros(
        3, network.runs, dtype=torch.float64, device=part.x.device
    )
    width = max(slot.shape[-1] for slot in network.parameters.layout.kernels)
    rows_at_once = max(64, _CHUNK_ELEMENTS // max(width, examples.inputs))
    for x, rows in examples.chunks(part, rows_at_once):
        outputs = network.forward(x)
        y = part.y[:, rows].index_select(0, examples.view_of_run)
        if examples.task == "regression":
            error = outputs.squeeze(2).double() - y
            total += error.square().sum(1)
            continue
        log_p = torch.log_softmax(outputs, 2)
        total -= log_p.gather(2, y.unsqueeze(2)).squeeze(2).double().sum(1)
        choice = outputs.argmax(2)
        hits += (choice == y).sum(1)
        if part.y_clean is not None:
            y_clean = part.y_clean[:, rows].index_select(0, examples.view_of_run)
            clean_hits += (choice == y_clean).sum(1)
    return total, hits, clean_hits

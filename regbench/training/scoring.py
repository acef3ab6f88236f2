"""Honest scores: evaluation mode, no penalty, no smoothing, all parts on the same weights."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.nn import device as devices
from regbench.nn.network import Network
from regbench.training.examples import Examples, StackedPart

__all__ = ["rows_at_once", "score"]

# Elements of a run's widest layer that are scored at once. A function of the model alone: the
# number of rows in a product may change its bits, the number of runs may not.
_CHUNK_ELEMENTS = 1 << 15
# On a GPU, where no bits are promised: elements of all runs' widest layers together.
_CHUNK_ELEMENTS_GPU = 1 << 26


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


def rows_at_once(width: int, runs: int, *, on_gpu: bool) -> int:
    """Examples of a part that are scored together, for runs whose widest layer has this width.

    >>> rows_at_once(128, 40, on_gpu=False), rows_at_once(128, 2500, on_gpu=True)
    (256, 209)
    """
    elements = _CHUNK_ELEMENTS_GPU // runs if on_gpu else _CHUNK_ELEMENTS
    return max(64, elements // width)


def _totals(
    network: Network, examples: Examples, part: StackedPart
) -> tuple[Tensor, Tensor, Tensor]:
    """(R,) sums over the part of loss, hits, and hits against the labels without noise."""
    total, hits, clean_hits = torch.zeros(
        3, network.runs, dtype=torch.float64, device=part.y.device
    )
    width = max(max(slot.shape) for slot in network.parameters.kernels)
    size = rows_at_once(width, network.runs, on_gpu=devices.is_gpu(part.y.device))
    for x, rows in examples.chunks(part, size):
        outputs = network.forward(x)
        y = part.y[:, rows].index_select(0, examples.view_of_run)
        if examples.task == "regression":
            error = outputs.squeeze(1).double() - y
            total += error.square().sum(1)
            continue
        log_p = torch.log_softmax(outputs, 1).gather(1, y.unsqueeze(1)).squeeze(1)
        total -= log_p.sum(1, dtype=torch.float64)
        choice = _first_largest(outputs)
        hits += _count_equal(choice, y)
        if part.y_clean is not None:
            y_clean = part.y_clean[:, rows].index_select(0, examples.view_of_run)
            clean_hits += _count_equal(choice, y_clean)
    return total, hits, clean_hits


def _first_largest(outputs: Tensor) -> Tensor:
    """(R, b) the first class, as a float, of those with the largest output: argmax over (R, C, b).

    Without booleans or argmax, whose kernels are not vectorised. Where outputs are not numbers the
    answer is C, no class.
    """
    classes = outputs.shape[1]
    is_largest = torch.eq(outputs, outputs.amax(1, keepdim=True), out=torch.empty_like(outputs))
    countdown = torch.arange(classes, 0, -1, dtype=outputs.dtype, device=outputs.device)
    return classes - is_largest.mul_(countdown.unsqueeze(1)).amax(1)


def _count_equal(choice: Tensor, y: Tensor) -> Tensor:
    """(R,) how many of the (R, b) choices are the classes y, in float64."""
    wanted = y.to(choice.dtype)
    return torch.eq(choice, wanted, out=wanted).sum(1, dtype=torch.float64)

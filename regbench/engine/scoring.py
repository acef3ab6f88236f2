"""Honest scores: evaluation mode, no penalty, no smoothing, all parts on the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from regbench.engine.autograd import ModuleNetwork
from regbench.engine.collapse import Spread
from regbench.engine.examples import BeforeNoise, Examples, StackedPart
from regbench.engine.layers import device as devices
from regbench.engine.member import Array
from regbench.engine.metrics import Outputs, scores_of, slices
from regbench.engine.network import Network
from regbench.vocabulary.metrics import LOSS, score_of

# Elements of a run's widest layer that are scored at once. A function of the model alone: the
# number of rows in a product may change its bits, the number of runs may not.
_CHUNK_ELEMENTS = 1 << 15
# On a GPU, where no bits are promised: elements of all runs' widest layers together.
_CHUNK_ELEMENTS_GPU = 1 << 26


def score(
    network: Network | ModuleNetwork, examples: Examples, metrics: Sequence[str] = ()
) -> dict[str, Tensor]:
    """(R,) float64 scores by column name: `train_loss`, accuracy or R^2, `val_loss`, ...

    Loss is plain cross-entropy or mean squared error; R^2 is 1 - SS_res / SS_tot of the part. With
    label noise there are `train_acc_clean` and what `_with_noise` gives. `collapsed` is 1 where the
    predictions on the validation part are those of a constant (see `collapse.py`), else 0.

    Args:
        metrics: what else to score, of `metrics.SCORES`.
    """
    scores: dict[str, Tensor] = {}
    for name, part in examples.parts.items():
        spread = Spread() if name == "val" else None
        outputs = None
        if metrics:
            outputs = network.parameters.like.new_empty(network.runs, examples.outputs, part.size)
        total, hits, noise_hits = _totals(network, examples, part, outputs, spread)
        if spread is not None:
            scores["collapsed"] = spread.collapsed()
        scores[f"{name}_{LOSS.name}"] = total / part.size
        score_column = f"{name}_{score_of(examples.task).name}"
        if outputs is not None:
            found = _asked(examples, part, outputs, metrics)
            scores |= {f"{name}_{metric}": values for metric, values in found.items()}
        if examples.task == "classification":
            scores[score_column] = hits / part.size
            if part.before_noise is not None:
                scores |= _with_noise(examples, part, part.before_noise, hits, *noise_hits)
        else:
            squares = part.spread.index_select(0, examples.view_of_run)
            # A part whose targets are all alike has no R^2.
            scores[score_column] = torch.where(squares > 0, 1 - total / squares, torch.nan)
    return scores


def on_host(values: Mapping[str, Tensor]) -> Array:
    """(columns, R) of (R,) columns, in one transfer; + 0.0 makes a negative zero a positive one."""
    table: Array = torch.stack([value.double() for value in values.values()]).cpu().numpy() + 0.0
    return table


def _asked(
    examples: Examples, part: StackedPart, outputs: Tensor, metrics: Sequence[str]
) -> dict[str, Tensor]:
    """(R,) of each metric, from (R, outputs, n), some runs at a time."""
    found: dict[str, list[Tensor]] = {name: [] for name in metrics}
    for runs in slices(len(outputs), outputs[0].numel()):
        views = examples.view_of_run[runs]
        y = part.target.index_select(0, views)
        of = Outputs(outputs[runs].double(), y, part.unit.index_select(0, views))
        for name, values in scores_of(metrics, of).items():
            found[name].append(values)
    return {name: torch.cat(parts) for name, parts in found.items()}


def _with_noise(
    examples: Examples,
    part: StackedPart,
    before: BeforeNoise,
    hits: Tensor,
    clean_hits: Tensor,
    kept_hits: Tensor,
) -> dict[str, Tensor]:
    """(R,) accuracies on a training part with label noise; NaN for a run without.

    A kept row's label is its true class: so of the hits, and of those on the true classes, the
    others are on the noisy rows. An accuracy on no row is 0 / 0, not a number.

    Args:
        hits, clean_hits, kept_hits: (R,) on the labels as given, on the true classes, and on the
            labels of the kept rows.
    """
    kept_rows = before.kept_rows.index_select(0, examples.view_of_run)
    noisy_rows = part.size - kept_rows
    accuracies = {
        "train_acc_clean": clean_hits / part.size,
        "clean_rows_acc": kept_hits / kept_rows,
        "noisy_rows_acc": (hits - kept_hits) / noisy_rows,
        "noisy_rows_true_acc": (clean_hits - kept_hits) / noisy_rows,
    }
    return {name: torch.where(examples.noisy, a, torch.nan) for name, a in accuracies.items()}


def rows_at_once(width: int, runs: int, *, on_gpu: bool) -> int:
    """Examples of a part that are scored together, for runs whose widest layer has this width.

    >>> rows_at_once(128, 40, on_gpu=False), rows_at_once(128, 2500, on_gpu=True)
    (256, 209)
    """
    elements = _CHUNK_ELEMENTS_GPU // runs if on_gpu else _CHUNK_ELEMENTS
    return max(64, elements // width)


def piece_of(network: Network | ModuleNetwork) -> int:
    """Examples of a part that this network scores together."""
    width = max(network.architecture.widths)
    on_gpu = devices.is_gpu(network.parameters.like.device)
    return rows_at_once(width, network.runs, on_gpu=on_gpu)


def _totals(
    network: Network | ModuleNetwork,
    examples: Examples,
    part: StackedPart,
    kept_outputs: Tensor | None,
    spread: Spread | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """(R,) sums over the part of loss and of hits; and (2, R), with label noise, of hits on the
    true classes, and on the labels of the rows that noise left alone.

    Args:
        kept_outputs: (R, outputs, n), where to leave all outputs.
        spread: is shown the predictions.
    """
    zeros = torch.zeros(4, network.runs, dtype=torch.float64, device=part.y.device)
    total, hits, noise_hits = zeros[0], zeros[1], zeros[2:]
    for x, rows in examples.chunks(part, piece_of(network)):
        outputs = network.forward(x)
        if kept_outputs is not None:
            kept_outputs[:, :, rows] = outputs
        y = part.y[:, rows].index_select(0, examples.view_of_run)
        if examples.task == "regression":
            error = outputs.squeeze(1).double() - y
            total += error.square().sum(1)
            if spread is not None:
                spread.of_numbers(outputs)
            continue
        log_p = torch.log_softmax(outputs, 1)
        total -= log_p.gather(1, y.unsqueeze(1)).squeeze(1).sum(1, dtype=torch.float64)
        choice = _first_largest(outputs)
        if spread is not None:
            spread.of_classes(log_p, choice)
        hit = _equal(choice, y)
        hits += hit.sum(1, dtype=torch.float64)
        if part.before_noise is not None:
            y_clean, kept = (
                of_split[:, rows].index_select(0, examples.view_of_run)
                for of_split in (part.before_noise.y, part.before_noise.kept)
            )
            noise_hits[0] += _equal(choice, y_clean).sum(1, dtype=torch.float64)
            noise_hits[1] += hit.mul_(kept).sum(1, dtype=torch.float64)
    return total, hits, noise_hits


def _first_largest(outputs: Tensor) -> Tensor:
    """(R, b) the first class, as a float, of those with the largest output: argmax over (R, C, b).

    Without booleans or argmax, whose kernels are not vectorised. Where outputs are not numbers the
    answer is C, no class.
    """
    classes = outputs.shape[1]
    is_largest = torch.eq(outputs, outputs.amax(1, keepdim=True), out=torch.empty_like(outputs))
    countdown = torch.arange(classes, 0, -1, dtype=outputs.dtype, device=outputs.device)
    return classes - is_largest.mul_(countdown.unsqueeze(1)).amax(1)


def _equal(choice: Tensor, y: Tensor) -> Tensor:
    """(R, b) 1.0 where the choice is the class y, else 0.0."""
    wanted = y.to(choice.dtype)
    return torch.eq(choice, wanted, out=wanted)

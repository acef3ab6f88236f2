"""Losses of a stack, with the gradient for the network's output."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.per_run import PerRun

__all__ = ["CrossEntropy", "SquaredError"]


class CrossEntropy:
    """Softmax cross-entropy, with label smoothing s[r] while training.

    loss = mean over the batch of v_y (-(1 - s) log p_y - s mean_c log p_c)

    Shape:
        logits (R, C, B), y (R, B) class numbers, loss (R,), weights v (R, C).

    Source: Szegedy et al. 2016, sec. 7; torch.nn.functional.cross_entropy(label_smoothing=s); the
    weights as Keras's class_weight: the sum is divided by B, not by the sum of weights.
    """

    def __init__(self, smoothing: PerRun, weights: Tensor | None = None) -> None:
        self._smoothing, self._weights = smoothing, weights
        self._scratch = Scratch()

    def __call__(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, C, B) for the logits."""
        classes, batch = logits.shape[1:]
        log_p = torch.log_softmax(logits, 1)
        weight = None if self._weights is None else self._weights.gather(1, y).unsqueeze(1)
        y = y.unsqueeze(1)
        of_y = log_p.gather(1, y)
        loss = (of_y if weight is None else of_y * weight).mean((1, 2)).neg_()
        gradient = torch.exp(log_p, out=self._scratch("gradient", logits.shape, logits))
        target = self._scratch("target", (len(y), 1, batch), logits).fill_(-1)
        if self._smoothing:
            rows = self._smoothing.rows
            smoothing = self._smoothing.over(3)
            target[rows] += smoothing
            gradient[rows] -= smoothing / classes
            flat = -log_p[rows].mean(1)
            flat = (flat if weight is None else flat * weight[rows, 0]).mean(1)
            loss[rows] = torch.lerp(loss[rows], flat, self._smoothing.over(1))
        gradient.scatter_add_(1, y, target)
        if weight is not None:
            gradient.mul_(weight)
        return loss, gradient.div_(batch)

    def keep(self, rows: Tensor) -> None:
        """Keep these runs' smoothing and weights."""
        self._smoothing = self._smoothing.kept(rows)
        if self._weights is not None:
            self._weights = self._weights.index_select(0, rows)
        self._scratch.clear()


class SquaredError:
    """Mean squared error, without 1/2.

    Shape:
        prediction (R, 1, B), y (R, B), loss (R,).
    """

    def __init__(self) -> None:
        self._scratch = Scratch()

    def __call__(self, prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, 1, B) for the prediction."""
        error = prediction.squeeze(1) - y
        gradient = self._scratch("gradient", prediction.shape, prediction)
        torch.mul(error, 2 / y.shape[1], out=gradient.squeeze(1))
        return (error * error).mean(1), gradient

    def keep(self, rows: Tensor) -> None:
        """The buffers have another size from now on."""
        self._scratch.clear()

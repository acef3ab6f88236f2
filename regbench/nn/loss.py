"""Losses of a stack, with the gradient for the network's output."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.nn.buffers import Scratch
from regbench.nn.per_run import PerRun

__all__ = ["CrossEntropy", "SquaredError"]


class CrossEntropy:
    """Softmax cross-entropy, with label smoothing s[r] while training.

    loss = mean over the batch of -(1 - s) log p_y - s mean_c log p_c

    Shape:
        logits (R, B, C), y (R, B) class numbers, loss (R,).

    Source: Szegedy et al. 2016, sec. 7; torch.nn.functional.cross_entropy(label_smoothing=s).
    """

    def __init__(self, smoothing: PerRun) -> None:
        self._smoothing = smoothing
        self._scratch = Scratch()

    def __call__(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, B, C) for the logits."""
        batch, classes = logits.shape[1:]
        log_p = torch.log_softmax(logits, 2)
        y = y.unsqueeze(2)
        loss = -log_p.gather(2, y).squeeze(2).mean(1)
        gradient = self._scratch("gradient", logits.shape, logits)
        gradient.copy_(torch.exp(log_p))
        target = torch.ones_like(log_p[:, :, :1])
        if self._smoothing:
            rows = self._smoothing.rows
            smoothing = self._smoothing.over(3)
            target[rows] -= smoothing
            gradient[rows] -= smoothing / classes
            flat = -log_p[rows].mean(2).mean(1)
            loss[rows] = torch.lerp(loss[rows], flat, self._smoothing.over(1))
        gradient.scatter_add_(2, y, -target)
        return loss, gradient.div_(batch)

    def keep(self, rows: Tensor) -> None:
        """Keep these runs' smoothing."""
        self._smoothing = self._smoothing.kept(rows)
        self._scratch.clear()


class SquaredError:
    """Mean squared error, without 1/2.

    Shape:
        prediction (R, B, 1), y (R, B), loss (R,).
    """

    def __init__(self) -> None:
        self._scratch = Scratch()

    def __call__(self, prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, B, 1) for the prediction."""
        error = prediction.squeeze(2) - y
        gradient = self._scratch("gradient", prediction.shape, prediction)
        gradient.copy_(error.mul(2 / y.shape[1]).unsqueeze(2))
        return (error * error).mean(1), gradient

    def keep(self, rows: Tensor) -> None:
        """The buffers have another size from now on."""
        self._scratch.clear()

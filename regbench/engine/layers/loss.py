"""Losses of a stack, with the gradient for the network's output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from regbench.engine.layers.buffers import Scratch


class OnTargets(Protocol):
    """A regularizer that moves the target of a cross-entropy, in place."""

    def __call__(
        self, log_p: Tensor, weight: Tensor | None, loss: Tensor, gradient: Tensor, target: Tensor
    ) -> None:
        """Add to the losses of the runs that have it, and to what their gradients are made of.

        Args:
            log_p: (R, C, B).
            weight: (R, 1, B) of the examples, or None.
            loss: (R,), of the labels as given.
            gradient: (R, C, B), with p.
            target: (R, 1, B), with -1: what is still to be added to the label's gradient.
        """


class CrossEntropy:
    """Softmax cross-entropy: loss = mean over the batch of -v_y log p_y.

    Args:
        on_targets: regularizers that move the target.
        weights: v, (R, C), as Keras's class_weight: the sum is divided by B, not by the sum of v.

    Shape:
        logits (R, C, B), y (R, B) class numbers, loss (R,).
    """

    def __init__(self, on_targets: Sequence[OnTargets] = (), weights: Tensor | None = None) -> None:
        self._on_targets, self._weights = on_targets, weights
        self._scratch = Scratch()

    def __call__(
        self, logits: Tensor, y: Tensor, second: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, C, B) for the logits.

        Args:
            second: (R, B) other labels, and the share of the loss that each has.
        """
        log_p = torch.log_softmax(logits, 1)
        if second is None:
            return self._of(log_p, y)
        loss, gradient = self._of(log_p, y, 1 - second[1])
        more, more_gradient = self._of(log_p, *second, use="second")
        return loss + more, gradient.add_(more_gradient)

    def _of(
        self, log_p: Tensor, y: Tensor, share: Tensor | None = None, use: str = "first"
    ) -> tuple[Tensor, Tensor]:
        """Of one label an example, whose losses have this share, (R, B)."""
        batch = log_p.shape[2]
        weight = None if self._weights is None else self._weights.gather(1, y).unsqueeze(1)
        if share is not None:
            weight = share.unsqueeze(1) if weight is None else weight * share.unsqueeze(1)
        y = y.unsqueeze(1)
        of_y = log_p.gather(1, y)
        loss = (of_y if weight is None else of_y * weight).mean((1, 2)).neg_()
        gradient = torch.exp(log_p, out=self._scratch(("gradient", use), log_p.shape, log_p))
        target = self._scratch(("target", use), (len(y), 1, batch), log_p).fill_(-1)
        for act in self._on_targets:
            act(log_p, weight, loss, gradient, target)
        gradient.scatter_add_(1, y, target)
        if weight is not None:
            gradient.mul_(weight)
        return loss, gradient.div_(batch)


class SquaredError:
    """Mean squared error, without 1/2.

    Shape:
        prediction (R, 1, B), y (R, B), loss (R,).
    """

    def __init__(self) -> None:
        self._scratch = Scratch()

    def __call__(
        self, prediction: Tensor, y: Tensor, second: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(R,) mean loss of each run, and its gradient (R, 1, B) for the prediction."""
        assert second is None  # a regression mixes its targets
        error = prediction.squeeze(1) - y
        gradient = self._scratch("gradient", prediction.shape, prediction)
        torch.mul(error, 2 / y.shape[1], out=gradient.squeeze(1))
        return (error * error).mean(1), gradient


Loss = CrossEntropy | SquaredError

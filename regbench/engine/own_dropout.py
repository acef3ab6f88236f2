"""Dropout layers inside a module, by the engine's draws and at the study's rates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

from torch import Tensor, nn

from regbench.engine.draws import INTEGERS, Draws
from regbench.engine.regularizers.dropout import threshold
from regbench.streams import Purpose

_BY_CHANNEL = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.FeatureAlphaDropout)
_ALPHA = (nn.AlphaDropout, nn.FeatureAlphaDropout)
DROPOUTS = (nn.Dropout, *_BY_CHANNEL, nn.AlphaDropout)
# What selu gives far below 0: -scale * alpha (Klambauer et al. 2017, eq. 14).
_SELU_FLOOR = -1.7580993408473766


class Pass:
    """One run's pass through its module: which draws it takes, and how many dropouts it has met.

    The i-th dropout that a forward pass meets takes the numbers of layer i, from 1, whatever its
    rate: as the i-th hidden layer of an mlp does.
    """

    def __init__(self) -> None:
        self.start(None, 0, 0)

    def start(self, draws: Draws | None, row: int, examples: int) -> None:
        """Begin a pass of so many examples; without draws, one in evaluation mode."""
        self._draws, self._row, self._examples, self._met = draws, row, examples, 0

    def drop(self, layer: Any, x: Tensor) -> Tensor:
        """What a dropout layer does."""
        self._met += 1
        if self._draws is None or not layer.training or not layer.p:
            return x
        by_channel = isinstance(layer, _BY_CHANNEL)
        shape = (*x.shape[:2], *[1] * (x.dim() - 2)) if by_channel else x.shape
        kept = self._uniforms(shape).ge(threshold(layer.p)).to(x.dtype)
        if isinstance(layer, _ALPHA):
            scale = ((1 - layer.p) * (1 + layer.p * _SELU_FLOOR**2)) ** -0.5
            shifted: Tensor = x * kept + _SELU_FLOOR * (1 - kept) - _SELU_FLOOR * layer.p
            return shifted * float(scale)
        scaled: Tensor = kept * (1 / (1 - layer.p))
        return x * scaled

    def _uniforms(self, shape: Sequence[int]) -> Tensor:
        """Uniform 16-bit integers of this shape, whose first axis need not be the batch."""
        assert self._draws is not None
        count, rows = prod(shape), slice(self._row, self._row + 1)
        width = -(-count // self._examples)
        drawn = self._draws(INTEGERS, Purpose.DROPOUT, width, rows, layer=self._met)[0]
        return drawn.reshape(-1)[:count].view(*shape)


def dropouts_of(module: nn.Module) -> list[nn.Module]:
    """Its dropout layers, in the order of its own list."""
    return [layer for layer in module.modules() if isinstance(layer, DROPOUTS)]


def take_over(module: nn.Module, rates: Sequence[float], passing: Pass) -> None:
    """Give its dropout layers these rates, and the random numbers of the engine."""
    for layer, rate in zip(dropouts_of(module), rates, strict=True):
        layer.p = rate  # type: ignore[assignment]
        layer.forward = partial(passing.drop, layer)

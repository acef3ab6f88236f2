"""Random features: a frozen random layer, and a linear one on it that is trained.

Source: Rahimi & Recht 2007, "Random features for large-scale kernel machines".
"""

from math import prod

import torch
from torch import Tensor, nn


class RandomFeatures(nn.Module):
    """sqrt(2 / F) cos(w x + b), with w and b drawn once and never trained."""

    def __init__(self, inputs: int, features: int, scale: float) -> None:
        super().__init__()
        self.map = nn.Linear(inputs, features)
        nn.init.normal_(self.map.weight, std=scale)
        nn.init.uniform_(self.map.bias, 0, 2 * torch.pi)
        self.map.requires_grad_(False)  # frozen: neither trained nor penalised

    def forward(self, x: Tensor) -> Tensor:
        """(B, I) to (B, F)."""
        return torch.cos(self.map(x)) * (2 / self.map.out_features) ** 0.5


def make(
    shape: tuple[int, ...], outputs: int, features: int = 500, scale: float = 0.1
) -> nn.Module:
    """Of any data: rows, signals or images, flattened."""
    inputs = prod(shape)
    return nn.Sequential(
        nn.Flatten(), RandomFeatures(inputs, features, scale), nn.Linear(features, outputs)
    )

"""The network of the peers that use PyTorch, and its Adam with L2 on the kernels only."""

from __future__ import annotations

import torch
from torch import nn


def mlp(width: int, dropout: float) -> nn.Sequential:
    """64-width-width-10 with He's first weights."""
    network = nn.Sequential(
        nn.Linear(64, width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width, 10),
    )
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


def adam(network: nn.Module, lr: float, l2: float) -> torch.optim.Adam:
    """Adam whose weight decay is the gradient of l2 * sum(w^2)."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    biases = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 2 * l2}, {"params": biases}]
    return torch.optim.Adam(groups, lr=lr, fused=True)

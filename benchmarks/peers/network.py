"""What the peers that use PyTorch share: network, Adam with L2 on the kernels, runs in turn."""

from __future__ import annotations

from collections.abc import Callable

import torch
from task import Accuracies, Run, Task
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


def one_by_one(train_run: Callable[[Task, Run], Accuracies]) -> Callable[[Task], list[Accuracies]]:
    """Trains a task's runs in turn, on as many threads as it says."""

    def train(task: Task) -> list[Accuracies]:
        if task.threads:
            torch.set_num_threads(task.threads)
        return [train_run(task, run) for run in task.runs]

    return train

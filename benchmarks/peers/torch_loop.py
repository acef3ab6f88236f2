"""A plain PyTorch loop: data as tensors up front, batches by index, fused Adam."""

from __future__ import annotations

import torch
from network import adam, mlp, one_by_one
from task import BATCH, LR, Accuracies, Run, Task, timed
from torch.nn.functional import cross_entropy


def train_run(task: Task, run: Run) -> Accuracies:
    torch.manual_seed(run.seed)
    data = task.data
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    x_val, y_val = torch.from_numpy(data.x_val), torch.from_numpy(data.y_val)
    network = mlp(task.width, run.dropout)
    optimizer = adam(network, LR, run.l2)

    @torch.inference_mode()
    def score(x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        logits = network(x)
        return cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    for _ in range(task.epochs):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        network.eval()
        (_, train_acc), (_, val_acc) = score(x, y), score(x_val, y_val)
    return train_acc, val_acc


if __name__ == "__main__":
    timed(one_by_one(train_run))

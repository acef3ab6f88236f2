"""The floor: the matrix products of training and scoring alone, in the stacks of regbench.

Forward, gradients of weights, gradients of inputs but the first layer's; nothing between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from regbench_sweep import stacks_of
from task import BATCH, Accuracies, Task, timed


class Products:
    """The products of R runs, every result in a buffer of its own.

    The last layer's outputs lie along the batch, (R, 10, B), faster than (R, B, 10).
    """

    def __init__(self, runs: int, width: int, rows: int) -> None:
        sizes = [64, width, width]
        self.weights = [torch.randn(runs, a, b) for a, b in pairwise(sizes)]
        self.weight_gradients = [torch.empty_like(w) for w in self.weights]
        self.values = [torch.randn(runs, rows, size) for size in sizes]
        self.gradients = [torch.randn(runs, rows, size) for size in sizes]
        self.last, self.last_gradient = (torch.randn(runs, 10, width) for _ in range(2))
        self.outputs, self.output_gradients = (torch.randn(runs, 10, rows) for _ in range(2))

    def forward(self, rows: int) -> None:
        values = [v[:, :rows] for v in self.values]
        for w, x, out in zip(self.weights, values, values[1:], strict=False):
            torch.bmm(x, w, out=out)
        torch.bmm(self.last, values[-1].mT, out=self.outputs[..., :rows])

    def backward(self, rows: int) -> None:
        values, gradients = ([a[:, :rows] for a in many] for many in (self.values, self.gradients))
        output_gradient = self.output_gradients[..., :rows]
        torch.bmm(output_gradient, values[-1], out=self.last_gradient)
        torch.bmm(output_gradient.mT, self.last, out=gradients[-1])
        for layer in reversed(range(len(self.weights))):
            torch.bmm(values[layer].mT, gradients[layer + 1], out=self.weight_gradients[layer])
            if layer:
                torch.bmm(gradients[layer + 1], self.weights[layer].mT, out=gradients[layer])


def epoch(steps: Products, scores: Products, parts: Sequence[int], scored: int) -> None:
    """Training on the first part, and scoring of all, so many examples at once."""
    for begin in range(0, parts[0], BATCH):
        rows = min(BATCH, parts[0] - begin)
        steps.forward(rows)
        steps.backward(rows)
    for part in parts:
        for begin in range(0, part, scored):
            scores.forward(min(scored, part - begin))


def train(task: Task) -> list[Accuracies]:
    torch.set_num_threads(task.threads or 1)
    parts = len(task.data.x), len(task.data.x_val)
    for stack in stacks_of(task):
        steps = Products(len(stack.members), task.width, BATCH)
        scores = Products(len(stack.members), task.width, BATCH)
        for _ in range(task.epochs):
            epoch(steps, scores, parts, BATCH)
    return []


if __name__ == "__main__":
    timed(train, warm_up_runs=None)

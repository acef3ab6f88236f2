"""scikit-learn's MLPClassifier, an epoch a partial_fit; it has no dropout."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier
from task import BATCH, LR, Accuracies, Run, Task, timed
from threadpoolctl import threadpool_limits


def score(mlp: MLPClassifier, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    p = mlp.predict_proba(x)
    return float(-np.log(p[np.arange(len(y)), y]).mean()), float((p.argmax(1) == y).mean())


def train_run(task: Task, run: Run) -> Accuracies:
    data = task.data
    mlp = MLPClassifier(
        (task.width, task.width),
        alpha=2 * BATCH * run.l2,  # it divides by twice the batch
        batch_size=BATCH,
        learning_rate_init=LR,
        random_state=run.seed,
    )
    for _ in range(task.epochs):
        mlp.partial_fit(data.x, data.y, classes=np.arange(10))
        _, train_acc = score(mlp, data.x, data.y)
        _, val_acc = score(mlp, data.x_val, data.y_val)
    return train_acc, val_acc


def train(task: Task) -> list[Accuracies]:
    with threadpool_limits(task.threads or None):
        return [train_run(task, run) for run in task.runs]


if __name__ == "__main__":
    timed(train)

"""skorch: NeuralNetClassifier.fit, both parts scored by a callback after each epoch."""

from __future__ import annotations

import numpy as np
import torch
from network import mlp, one_by_one
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from task import BATCH, LR, Accuracies, Run, Task, timed


class Score(Callback):
    """Loss and accuracy of the training part in evaluation mode; skorch has the other's."""

    def on_epoch_end(self, net: NeuralNetClassifier, dataset_train: Dataset, **_: object) -> None:
        y = dataset_train.y
        p = net.predict_proba(dataset_train.X)
        net.history.record("train_loss", float(-np.log(p[np.arange(len(y)), y]).mean()))
        net.history.record("train_acc", float((p.argmax(1) == y).mean()))


def train_run(task: Task, run: Run) -> Accuracies:
    torch.manual_seed(run.seed)
    data = task.data
    net = NeuralNetClassifier(
        mlp(task.width, run.dropout),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        optimizer__weight_decay=2 * run.l2,  # the gradient of l2 * sum(w^2), kernels only
        optimizer__param_groups=[("*.bias", {"weight_decay": 0})],
        lr=LR,
        max_epochs=task.epochs,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=-1,
        train_split=predefined_split(Dataset(data.x_val, data.y_val)),
        callbacks=[Score()],
        verbose=0,
    )
    net.fit(data.x, data.y)
    last = net.history[-1]
    return last["train_acc"], last["valid_acc"]


if __name__ == "__main__":
    timed(one_by_one(train_run))

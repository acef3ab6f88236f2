"""Keras 3 on its torch backend: compile and fit, the training part scored by a callback."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from keras import layers
from network import one_by_one
from task import BATCH, LR, Accuracies, Run, Task, timed


class Score(keras.callbacks.Callback):
    """Loss and accuracy of the training part in evaluation mode; fit's own are running means."""

    def __init__(self, x: object, y: object) -> None:
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        _, self.accuracy = self.model.evaluate(self.x, self.y, batch_size=len(self.x), verbose=0)


def mlp(width: int, run: Run) -> keras.Model:
    def dense(units: int, activation: str | None) -> layers.Dense:
        return layers.Dense(
            units,
            activation,
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(run.l2),
        )

    return keras.Sequential(
        [
            keras.Input((64,)),
            dense(width, "relu"),
            layers.Dropout(run.dropout),
            dense(width, "relu"),
            layers.Dropout(run.dropout),
            dense(10, None),
        ]
    )


def train_run(task: Task, run: Run) -> Accuracies:
    keras.utils.set_random_seed(run.seed)
    data = task.data
    model = mlp(task.width, run)
    model.compile(
        keras.optimizers.Adam(LR),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    score = Score(data.x, data.y)
    history = model.fit(
        data.x,
        data.y,
        batch_size=BATCH,
        epochs=task.epochs,
        validation_data=(data.x_val, data.y_val),
        validation_batch_size=len(data.x_val),
        callbacks=[score],
        verbose=0,
    )
    return score.accuracy, history.history["val_accuracy"][-1]


if __name__ == "__main__":
    timed(one_by_one(train_run))

"""Lightning: a LightningModule and a Trainer without log, checkpoints or progress bar."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch
from network import adam, mlp, one_by_one
from task import BATCH, LR, Accuracies, Run, Task, timed
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

Batch = tuple[torch.Tensor, torch.Tensor]
PARTS = ("train", "val")


class Classifier(lightning.LightningModule):
    def __init__(self, width: int, run: Run) -> None:
        super().__init__()
        self.network = mlp(width, run.dropout)
        self.l2 = run.l2

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        x, y = batch
        return cross_entropy(self.network(x), y)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        x, y = batch
        logits, part = self.network(x), PARTS[dataloader_idx]
        accuracy = (logits.argmax(1) == y).float().mean()
        scores = {f"{part}_loss": cross_entropy(logits, y), f"{part}_acc": accuracy}
        self.log_dict(scores, add_dataloader_idx=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return adam(self.network, LR, self.l2)


def train_run(task: Task, run: Run) -> Accuracies:
    lightning.seed_everything(run.seed, verbose=False)
    data = task.data
    train = TensorDataset(torch.from_numpy(data.x), torch.from_numpy(data.y))
    val = TensorDataset(torch.from_numpy(data.x_val), torch.from_numpy(data.y_val))
    trainer = lightning.Trainer(
        max_epochs=task.epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        Classifier(task.width, run),
        DataLoader(train, batch_size=BATCH, shuffle=True),
        [DataLoader(part, batch_size=len(part)) for part in (train, val)],
    )
    scores = trainer.callback_metrics
    return float(scores["train_acc"]), float(scores["val_acc"])


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")  # it advises workers: slower here
    timed(one_by_one(train_run))

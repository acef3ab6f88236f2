"""Epochs, batch and weight decay that suit a table, by its size alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log2, log10

from regbench.config.blocks.model import Mlp
from regbench.config.blocks.regularizer import Regularizer
from regbench.data.table import DataShape
from regbench.executors.estimate import stack_seconds
from regbench.models.architecture import architecture

_SECONDS, _CORES = 60, 2
_EPOCHS = (200, 150, 100, 80, 60, 50, 40, 30, 20, 15, 10, 5, 3)
# So many steps are enough for small networks to overfit where they do.
_STEPS, _FEWEST_EPOCHS = 4000, 30
_BATCHES = (16, 1024)
_BATCHES_AN_EPOCH = 32


@dataclass(frozen=True)
class Suggested:
    """A training that fits a table, and what it takes.

    decay: over the whole training it leaves 1/e of a weight without gradient.
    seconds: of all runs on two cores, an estimate.
    """

    epochs: int
    batch: int
    decay: float
    seconds: float
    parameters: int

    @property
    def told(self) -> str:
        """What it takes, in words."""
        time = "a few seconds" if self.seconds < 10 else f"about {ceil(self.seconds / 10) * 10} s"
        return f"{time} on two cores (rows x {self.parameters} parameters x epochs)"


def suggested(
    shape: DataShape, train: int, hidden: tuple[int, ...], lr: float, runs: int
) -> Suggested:
    """As many epochs as a network needs, or as there is time for: a minute on two cores.

    Args:
        train: rows to train on.
        hidden: widths of the hidden layers.
        runs: that are to be trained, cells times seeds.

    >>> suggested(DataShape(178, (8,), 3), 98, (64, 64), 1e-3, 25).epochs
    200
    >>> big = suggested(DataShape(539_400, (10,), 1), 296_670, (64, 64), 1e-3, 25)
    >>> big.batch, big.epochs, 30 < big.seconds <= 60
    (1024, 10, True)
    """
    batch = 2 ** floor(log2(max(train // _BATCHES_AN_EPOCH, 1)))
    batch = min(max(batch, _BATCHES[0]), _BATCHES[1])
    steps = ceil(train / batch)
    model = Mlp(name="mlp", hidden=hidden)
    chain = architecture(model, Regularizer(), shape.example, shape.outputs)
    # Forward and twice backward over the training part, forward over all rows: as `plan` counts.
    products = 3 * chain.products * shape.rows
    an_epoch = stack_seconds(runs, 1, products, ceil(shape.rows / batch)) / _CORES
    wanted = max(_STEPS / steps, _FEWEST_EPOCHS)
    fitting = [n for n in _EPOCHS if n <= wanted * 1.5 and n * an_epoch <= _SECONDS]
    epochs = max(fitting, default=_EPOCHS[-1])
    decay = 1 / (lr * steps * epochs)
    decay = round(decay, -floor(log10(decay)))
    return Suggested(epochs, batch, decay, epochs * an_epoch, chain.parameter_count)

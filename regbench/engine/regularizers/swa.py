"""Stochastic weight averaging: the mean of the weights after each of the last epochs."""

from __future__ import annotations

from regbench.config.blocks.regularizer import Swa
from regbench.engine.averages import Averaging


def swa(options: Swa, epochs: int) -> Averaging:
    """a = a + (w - a) / k after the k-th epoch averaged.

    Source: Izmailov et al. 2018; torch.optim.swa_utils.AveragedModel.

    >>> average = swa(Swa(start=4), epochs=10)
    >>> average.first_epoch, [average.share(times) for times in (1, 2, 4)]
    (4, [1.0, 0.5, 0.25])
    """
    return Averaging(options.first_epoch(epochs), "epoch", lambda times: 1 / times)

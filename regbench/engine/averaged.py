"""What runs report of averaged weights: batchnorm's statistics made anew, and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from regbench.data import Split, SplitKey
from regbench.engine.examples import Examples
from regbench.engine.member import Member, State
from regbench.engine.network import build
from regbench.engine.scoring import on_host, score
from regbench.engine.stacks import batch_size
from regbench.engine.update import Update


def scored_averages(
    averages: Sequence[tuple[Member, State]],
    splits: dict[SplitKey, Split],
    like: Tensor,
    metrics: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """For each run its `state` with new statistics, and by column its `scores`.

    The statistics are those of the training part, as it is, in batches of the study's size and file
    order: the means over its examples of the batches' means and variances.

    Args:
        averages: R members that stack, with parameters averaged.
        splits: the stack's.
    Source: torch.optim.swa_utils.update_bn, where batches are of one size.
    """
    if not averages:
        return
    members, states = zip(*averages, strict=True)
    settings, seeds = [m.setting for m in members], [m.seed for m in members]
    examples = Examples(members, Path(), like, splits)
    shape = (examples.example, examples.outputs)
    network = build(settings, seeds, *shape, like, members[0].module)
    for row, state in enumerate(states):
        network.load(row, state)
    train = examples.parts["train"]
    batch = batch_size(settings[0].training, train.size)
    network.remake_statistics(x for x, _ in examples.chunks(train, batch))
    values = Update(settings, network).measures() | score(network, examples, metrics)
    table = on_host(values)
    for row in range(len(members)):
        scores = dict(zip(values, table[:, row].tolist(), strict=True))
        yield {"state": network.state(row), "scores": scores}

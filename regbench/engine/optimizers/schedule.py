"""Learning-rate schedules: a factor for each epoch, constant within it."""

from __future__ import annotations

from math import cos, pi

from regbench.config.blocks.optimizer import ScheduleConfig


def factor(schedule: ScheduleConfig, epoch: int, epochs: int) -> float:
    """What lr is multiplied by in epoch 1 <= epoch <= epochs.

    constant: 1. step: gamma^floor((epoch - 1) / every).
    cosine: final + (1 - final) * (1 + cos(pi * (epoch - 1) / epochs)) / 2.
    The first w = warmup_epochs epochs are multiplied by epoch / (w + 1) besides. The horizon is
    `training.epochs`, wherever a stopping rule may stop.

    Source: torch.optim.lr_scheduler StepLR and CosineAnnealingLR, stepped once an epoch.

    >>> from regbench.config.blocks.optimizer import Cosine, Step
    >>> [factor(Step(name="step", every=2, gamma=0.5), e, 4) for e in (1, 2, 3, 4)]
    [1.0, 1.0, 0.5, 0.5]
    >>> [round(factor(Cosine(name="cosine", warmup_epochs=1), e, 4), 3) for e in (1, 2, 3, 4)]
    [0.5, 0.854, 0.5, 0.146]
    """
    value = 1.0
    if schedule.name == "step":
        value = schedule.gamma ** ((epoch - 1) // schedule.every)
    elif schedule.name == "cosine":
        final = schedule.final_factor
        value = final + (1 - final) * (1 + cos(pi * (epoch - 1) / epochs)) / 2
    if epoch <= schedule.warmup_epochs:
        value *= epoch / (schedule.warmup_epochs + 1)
    return value

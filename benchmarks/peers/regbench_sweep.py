"""regbench: the runs as a study's stacks, as `regbench run` trains them."""

from __future__ import annotations

from pathlib import Path

import torch
from task import Accuracies, Task, arguments, study, timed

from regbench.config.load import study_from_mapping
from regbench.config.plan import make_plan
from regbench.data import fingerprints
from regbench.engine.loop import train_stack
from regbench.engine.stacks import Stack, make_stacks


def stacks_of(task: Task) -> list[Stack]:
    """This process's share of the study's stacks."""
    index, shares = (int(part) for part in arguments().share.split("/"))
    asked = study_from_mapping(study(task.width, task.epochs, task.planned))
    plan = make_plan(asked, fingerprints(asked))
    return make_stacks(plan.runs, Path())[index::shares]


def train(task: Task) -> list[Accuracies]:
    torch.set_num_threads(task.threads or 1)
    return [
        (trajectory.curves["train_acc"][-1], trajectory.curves["val_acc"][-1])
        for stack in stacks_of(task)
        for trajectory in train_stack(stack.members, Path())
    ]


if __name__ == "__main__":
    timed(train, warm_up_runs=None)

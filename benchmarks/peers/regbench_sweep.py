"""regbench: the runs as a study's stacks, as `regbench run` trains them."""

from __future__ import annotations

from pathlib import Path

import torch
from task import Accuracies, Run, Task, study, timed

from regbench.config.load import study_from_mapping
from regbench.config.plan import make_plan
from regbench.training.loop import train_stack
from regbench.training.stacks import Stack, make_stacks


def stacks_of(task: Task) -> list[Stack]:
    """The task's runs, of all that the study plans, in stacks."""
    plan = make_plan(study_from_mapping(study(task.width, task.epochs, task.planned)))
    chosen = []
    for run in plan.runs:
        regularizer = run.cell.setting.regularizer
        if Run(run.seed, regularizer.l2, regularizer.dropout) in task.runs:
            chosen.append(run)
    return make_stacks(chosen, Path())


def train(task: Task) -> list[Accuracies]:
    torch.set_num_threads(task.threads or 1)
    return [
        (trajectory.curves["train_acc"][-1], trajectory.curves["val_acc"][-1])
        for stack in stacks_of(task)
        for trajectory in train_stack(stack.members, Path())
    ]


if __name__ == "__main__":
    timed(train, warm_up_runs=None)

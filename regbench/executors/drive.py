"""Carry out a plan: what is done stays, the rest is trained, committed and tabled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from regbench.config.plan import Plan
from regbench.config.schema import Setting
from regbench.data import Split, SplitKey, class_weights, load, require_unchanged, split_key
from regbench.engine.stacks import Stack, cost, make_stacks
from regbench.errors import BadData
from regbench.executors.device import device_kind, resolve_device
from regbench.executors.estimate import disk_bytes, stack_seconds
from regbench.executors.job import Job, JobResult
from regbench.executors.limits import NO_LIMITS, Clock, Limits
from regbench.executors.progress import Progress, Silent
from regbench.results.checkpoints import discard_all
from regbench.results.store import Store
from regbench.vocabulary.metrics import METRICS

__all__ = ["RunSummary", "StackPlan", "describe", "run_plan"]

# Splits that are tried before anything is trained; a study of thousands of seeds is not held up.
_SPLITS_CHECKED = 200


@dataclass(frozen=True)
class RunSummary:
    """How a command went: runs found done, runs trained, and of all runs those without numbers.

    Attributes:
        device: where it trained, as torch names it; as asked for, if it trained nothing.
    """

    kept: int
    trained: int
    diverged: int
    failed: int
    wall_seconds: float
    device: str


@dataclass(frozen=True)
class StackPlan:
    """A stack as `regbench plan` shows it; seconds and bytes are estimates."""

    stack_id: str
    runs: int
    trajectories: int
    parameters: int
    seconds: float
    memory_bytes: int


def describe(plan: Plan) -> list[StackPlan]:
    """The stacks that a plan trains in an empty folder; imports no torch for a CPU study."""
    folder = plan.study.folder
    kind = device_kind(plan.study.base.training.device)
    return [_describe(stack, folder) for stack in make_stacks(plan.runs, folder, device=kind)]


def _describe(stack: Stack, folder: Path) -> StackPlan:
    setting = stack.members[0].setting
    each, n = cost(setting, folder), len(stack.members)
    seconds = stack_seconds(n, setting.training.epochs, each.products, each.steps)
    memory = n * each.memory_bytes + each.shared_bytes
    return StackPlan(stack.stack_id, len(stack.run_ids), n, each.parameters, seconds, memory)


def run_plan(
    plan: Plan,
    store: Store,
    *,
    device: str | None = None,
    workers: int | None = None,
    limits: Limits = NO_LIMITS,
    progress: Progress | None = None,
) -> RunSummary:
    """Train every run of the plan that the store does not hold yet, and write the tables.

    Args:
        store: the study's results folder, open.
        device: instead of the study's `training.device`.
        workers: processes that train; None takes one a core where that is worth it.
        limits: which part of the plan, and when to stop before its end.
        progress: told what happens.
    Raises:
        BadStudy: CUDA is asked for where there is none.
        BadData: the data cannot be read or split, or are no longer what was planned.
        Unwritable: the folder cannot be written, or the disk is too full for what is to come.
        AnswerIsNo: as many runs as `limits` allows failed or diverged.
        TimeIsUp: the time limit was reached.
    """
    progress = progress or Silent()
    clock = Clock(limits)
    where = device or plan.study.base.training.device
    again = {"failed"} if limits.retry_failed else set()
    records = store.records()
    done = {run_id for run_id, record in records.items() if record.status not in again}
    stacks = _pending(plan, store, done, where, limits)
    if stacks:
        _check_data(plan)
        where = resolve_device(where)
        if limits.seconds is None:  # else nobody knows how far it comes
            store.require_space(disk_bytes(stacks, plan.study.folder))
    total = sum(len(s.members) * s.members[0].setting.training.epochs for s in stacks)
    todo = sum(len(stack.run_ids) for stack in stacks)
    kept = sum(run.run_id in done for run in plan.runs)
    study, files = plan.study, plan.study.files
    jobs = [Job(stack, study.folder, store.place, where, study.metrics) for stack in stacks]
    try:
        trained = {run_id for stack in stacks for run_id in stack.run_ids}
        cells = {r.run_id: r.cell.name for r in plan.runs if r.run_id in trained | done}
        progress.start(cells, kept, len(stacks), total)
        for result in _train(jobs, workers, progress, clock, store.warnings.append):
            store.warnings.extend(result.warnings)
            if result.halved:
                store.add_provenance({"event": "split by memory", "stack": result.stack_id})
            progress.stack_done(result.stack_id, result.runs, result.diverged, result.failed)
            for dataset in files:  # committed is what was read before
                require_unchanged(dataset, plan.study.folder, plan.data[dataset.origin])
            clock.count(result.diverged, result.failed)
        store.require_committed(trained)
        if limits.shard is None:
            discard_all(store.folder)  # of stacks that were committed just before a crash
    finally:
        progress.finish()
        store.write_tables(plan)
    statuses = store.statuses(plan)
    return RunSummary(
        kept,
        todo,
        statuses.count("diverged"),
        statuses.count("failed"),
        clock.seconds,
        where,
    )


def _pending(plan: Plan, store: Store, done: set[str], device: str, limits: Limits) -> list[Stack]:
    """The stacks still to train, or this shard's share of them.

    A run that a recorded stack waits for stays in that stack, so that an interrupted command goes
    on as it was planned; runs that are new are stacked among themselves.
    """
    if all(run.run_id in done for run in plan.runs):
        return []
    folder, by_id = plan.study.folder, {run.run_id: run for run in plan.runs}
    known = store.known_stacks()
    if known and not store.has_note_of_stacks:
        known = _as_planned(plan, known, device)
        store.record_stacks(known)
    stacks: list[Stack] = []
    kind = device_kind(device)
    for stack_id, run_ids in known.items():
        runs = [by_id[run_id] for run_id in run_ids if run_id in by_id]
        # One stack it was, so one it is, whatever the device's limit says now.
        members = [m for s in make_stacks(runs, folder, device=kind) for m in s.members]
        if members:
            stacks.append(Stack(stack_id, tuple(members)))
    recorded = {run_id for run_ids in known.values() for run_id in run_ids}
    fresh = [run for run in plan.runs if run.run_id not in recorded | done]
    numbers = [int(name[1:]) for name in known if re.fullmatch("s[0-9]+", name)]
    first = max(numbers, default=0) + 1
    new = make_stacks(fresh, folder, device=kind, first=first)
    store.record_stacks({stack.stack_id: stack.run_ids for stack in new})
    waiting = [_without(stack, done) for stack in _share(stacks + new, limits.shard, folder)]
    return [stack for stack in waiting if stack.members]


def _as_planned(
    plan: Plan, committed: dict[str, tuple[str, ...]], device: str
) -> dict[str, tuple[str, ...]]:
    """The plan's stacks, where only the note of them is lost: the committed ones are of them."""
    stacks = make_stacks(plan.runs, plan.study.folder, device=device_kind(device))
    planned = {stack.stack_id: stack.run_ids for stack in stacks}
    of_them = all(set(runs) <= set(planned.get(name, ())) for name, runs in committed.items())
    return planned if of_them else committed


def _without(stack: Stack, done: set[str]) -> Stack:
    """What is left of a stack when the readings that are done are taken away."""
    members = [
        replace(member, readings={r: rule for r, rule in member.readings.items() if r not in done})
        for member in stack.members
    ]
    return Stack(stack.stack_id, tuple(member for member in members if member.readings))


def _share(stacks: Sequence[Stack], shard: tuple[int, int] | None, folder: Path) -> list[Stack]:
    """The stacks of one shard: heavy ones first, each to the shard with the least work so far."""
    if shard is None:
        return list(stacks)
    index, shards = shard
    weighed = sorted(
        ((-_describe(stack, folder).seconds, stack.stack_id, stack) for stack in stacks),
        key=lambda each: each[:2],
    )
    work, mine = [0.0] * shards, []
    for negative_seconds, _, stack in weighed:
        least = work.index(min(work))
        work[least] -= negative_seconds
        if least == index - 1:
            mine.append(stack)
    return sorted(mine, key=lambda stack: stack.stack_id)


def _check_data(plan: Plan) -> None:
    """Load every split once before training, so that bad data costs nobody an hour."""
    seen: set[SplitKey] = set()
    asking: dict[str, list[Setting]] = {}
    for cell in plan.study.cells:
        setting = cell.setting
        if setting.regularizer.early_stopping is not None or setting.training.class_weight:
            asking.setdefault(setting.dataset.model_dump_json(), []).append(setting)
    for run in plan.runs:
        dataset = run.cell.setting.dataset
        key = split_key(dataset, run.seed, run.data)
        if key not in seen and len(seen) < _SPLITS_CHECKED:
            seen.add(key)
            split = load(dataset, run.seed, plan.study.folder, run.data)
            for setting in asking.get(key[-1], ()):
                _check_monitor(setting, split)
                if setting.training.class_weight is not None:
                    class_weights(setting.training.class_weight, split)


def _check_monitor(setting: Setting, split: Split) -> None:
    """Refuse a stopping rule that would watch nothing: it would choose the first epoch."""
    rule = setting.regularizer.early_stopping
    if rule is None or rule.monitor == "train_loss":
        return
    if len(split.val.y) == 0:
        raise BadData(
            f"early_stopping watches {rule.monitor}, but the data have no validation part: mark "
            "rows val, or monitor train_loss"
        )
    metric = METRICS[rule.monitor.removeprefix("val_")]
    distinct = len(np.unique(split.val.y))
    if metric.undefined == "targets alike" and distinct == 1:
        why = "all validation targets are alike"
    elif metric.undefined == "class missing" and distinct < split.classes:
        why = "the validation part lacks a class"
    else:
        return
    raise BadData(
        f"early_stopping watches {rule.monitor}, but {why}, so there is no {metric.title}: monitor "
        "val_loss"
    )


def _train(
    jobs: Sequence[Job],
    workers: int | None,
    progress: Progress,
    clock: Clock,
    warn: Callable[[str], None],
) -> Iterable[JobResult]:
    """The results of all jobs as they finish; torch is imported from here on only."""
    if not jobs:
        return []
    from regbench.executors.processes import choose_workers, train_here, train_in_workers

    seconds = sum(_describe(job.stack, job.study_folder).seconds for job in jobs)
    threads = max(job.stack.members[0].setting.training.threads for job in jobs)
    number = choose_workers(workers, len(jobs), seconds, threads)
    if number == 1 or jobs[0].device != "cpu":
        return train_here(jobs, progress, clock.check)
    return train_in_workers(jobs, number, progress, clock.check, warn)

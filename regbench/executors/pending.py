"""Which stacks of a plan are still to train; no torch here."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regbench.config.plan import Plan
from regbench.engine.stacks import Stack, cost, make_stacks
from regbench.executors.device import device_kind
from regbench.executors.estimate import stack_seconds
from regbench.results.store import Store


@dataclass(frozen=True)
class StackPlan:
    """A stack as `regbench plan` shows it; seconds and bytes are estimates.

    parameters: None of a module, which is not made for it.
    """

    stack_id: str
    runs: int
    trajectories: int
    parameters: int | None
    seconds: float
    memory_bytes: int


def describe(plan: Plan) -> list[StackPlan]:
    """The stacks that a plan trains in an empty folder; imports no torch for a CPU study."""
    folder = plan.study.folder
    kind = device_kind(plan.study.base.training.device)
    found = []
    for stack in make_stacks(plan.runs, folder, device=kind):
        parameters = cost(stack.members[0].setting, folder).parameters or None
        told = (len(stack.run_ids), len(stack.members), parameters)
        figures = seconds_of(stack, folder), bytes_of(stack, folder)
        found.append(StackPlan(stack.stack_id, *told, *figures))
    return found


def bytes_of(stack: Stack, folder: Path) -> int:
    """The memory that a stack takes, about."""
    each = cost(stack.members[0].setting, folder)
    return len(stack.members) * each.memory_bytes + each.shared_bytes


def seconds_of(stack: Stack, folder: Path) -> float:
    """How long a stack trains on one core, about."""
    setting = stack.members[0].setting
    each, epochs = cost(setting, folder), setting.training.epochs
    return stack_seconds(len(stack.members), epochs, each.products, each.steps)


def makespan(seconds: Iterable[float], workers: int) -> float:
    """How long so many workers take for stacks of these lengths, the longest first.

    >>> makespan([4, 3, 3, 2], 1), makespan([4, 3, 3, 2], 2), makespan([4, 3, 3, 2], 10**30)
    (12, 6, 4)
    """
    longest_first = sorted(seconds, reverse=True)
    busy = longest_first[:workers]
    heapq.heapify(busy)
    for each in longest_first[workers:]:
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy, default=0.0)


def pending(
    plan: Plan,
    store: Store,
    done: Collection[str],
    device: str,
    shard: tuple[int, int] | None = None,
) -> list[Stack]:
    """The stacks still to train, or this shard's share of them; new ones are noted in the store.

    A run that a recorded stack waits for stays in that stack, so that an interrupted command goes
    on as it was planned; runs that are new are stacked among themselves.

    Args:
        done: the ids of runs that are not trained again.
        device: as torch names it; its kind decides how large new stacks are.
        shard: the i-th of n, i from 1.
    """
    if all(run.run_id in done for run in plan.runs):
        return []
    folder, by_id = plan.study.folder, {run.run_id: run for run in plan.runs}
    kind = device_kind(device)
    known = store.known_stacks()
    if known and not store.has_note_of_stacks:
        known = _as_planned(plan, known, kind)
        store.record_stacks(known)
    stacks: list[Stack] = []
    for stack_id, run_ids in known.items():
        runs = [by_id[run_id] for run_id in run_ids if run_id in by_id]
        # One stack it was, so one it is, whatever the device's limit says now.
        members = [m for s in make_stacks(runs, folder, device=kind) for m in s.members]
        if members:
            stacks.append(Stack(stack_id, tuple(members)))
    recorded = {run_id for run_ids in known.values() for run_id in run_ids}
    fresh = [r for r in plan.runs if r.run_id not in recorded and r.run_id not in done]
    numbers = [int(name[1:]) for name in known if re.fullmatch("s[0-9]+", name)]
    new = make_stacks(fresh, folder, device=kind, first=max(numbers, default=0) + 1)
    store.record_stacks({stack.stack_id: stack.run_ids for stack in new})
    waiting = [_without(stack, done) for stack in _share(stacks + new, shard, folder)]
    return [stack for stack in waiting if stack.members]


def _as_planned(
    plan: Plan, committed: dict[str, tuple[str, ...]], kind: str
) -> dict[str, tuple[str, ...]]:
    """The plan's stacks, where only the note of them is lost: the committed ones are of them."""
    stacks = make_stacks(plan.runs, plan.study.folder, device=kind)
    planned = {stack.stack_id: stack.run_ids for stack in stacks}
    of_them = all(set(runs) <= set(planned.get(name, ())) for name, runs in committed.items())
    return planned if of_them else committed


def _without(stack: Stack, done: Collection[str]) -> Stack:
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
        ((-seconds_of(stack, folder), stack.stack_id, stack) for stack in stacks),
        key=lambda each: each[:2],
    )
    work, mine = [0.0] * shards, []
    for negative_seconds, _, stack in weighed:
        least = work.index(min(work))
        work[least] -= negative_seconds
        if least == index - 1:
            mine.append(stack)
    return sorted(mine, key=lambda stack: stack.stack_id)

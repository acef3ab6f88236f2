"""A plan's way to its results: what is done stays, the rest is trained, committed and tabled.

This process alone writes the store. Executors train what they are given and tell what came out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from regbench.config.plan import Plan
from regbench.data import require_unchanged
from regbench.engine.member import State
from regbench.engine.stacks import Stack
from regbench.errors import RegbenchError
from regbench.executors.checkpointing import parts, work_key
from regbench.executors.data_checks import check_data
from regbench.executors.estimate import disk_bytes
from regbench.executors.executor import (
    Epoch,
    Event,
    Executor,
    Failed,
    Job,
    Kept,
    Lost,
    NoWorkers,
    Run,
    Trained,
)
from regbench.executors.limits import NO_LIMITS, Clock, Limits
from regbench.executors.pending import pending, seconds_of
from regbench.executors.progress import Progress, Silent
from regbench.executors.sites import SITES, Where
from regbench.results import checkpoints
from regbench.results.store import Store
from regbench.vocabulary.words import counted

# Of a stack whose worker is lost.
_MOST_TRIES = 3


@dataclass(frozen=True)
class RunSummary:
    """How a command went: runs found done, runs trained, and of all runs those without numbers.

    Attributes:
        device: where it trained, as torch names it; as asked for, if it trained nothing.
        trained_on: the stacks that each node of a cluster has trained.
    """

    kept: int
    trained: int
    diverged: int
    failed: int
    wall_seconds: float
    device: str
    trained_on: Mapping[str, Sequence[str]] = field(default_factory=dict)


def run_plan(
    plan: Plan,
    store: Store,
    *,
    where: Where = Where(),  # noqa: B008  (it is frozen)
    limits: Limits = NO_LIMITS,
    progress: Progress | None = None,
) -> RunSummary:
    """Train every run of the plan that the store does not hold yet, and write the tables.

    Args:
        store: the study's results folder, open.
        where: who trains.
        limits: which part of the plan, and when to stop before its end.
        progress: told what happens.
    Raises:
        BadStudy: CUDA is asked for where there is none, or the cluster cannot be used.
        BadData: the data cannot be read or split, or are no longer what was planned.
        Unwritable: the folder cannot be written, or the disk is too full for what is to come.
        AnswerIsNo: as many runs as `limits` allows failed or diverged.
        TimeIsUp: the time limit was reached.
        ClusterLost: the cluster is gone.
    """
    progress, clock = progress or Silent(), Clock(limits)
    device = where.device or plan.study.base.training.device
    again = {"failed"} if limits.retry_failed else set()
    done = {r for r, record in store.records().items() if record.status not in again}
    kept = sum(run.run_id in done for run in plan.runs)
    stacks: list[Stack] = []
    todo: set[str] = set()
    trained_on: Mapping[str, Sequence[str]] = {}
    with ExitStack() as held:
        if kept < len(plan.runs):
            site = held.enter_context(SITES[where.site](where.address))
            device = site.device(device)
            stacks = pending(plan, store, done, device, limits.shard)
            todo = {run_id for stack in stacks for run_id in stack.run_ids}
            check_data(plan)
            if limits.seconds is None:  # else nobody knows how far it comes
                store.require_space(disk_bytes(stacks, plan.study.folder))
        of_interest = todo | done
        cells = {r.run_id: r.cell.name for r in plan.runs if r.run_id in of_interest}
        epochs = sum(len(s.members) * s.members[0].setting.training.epochs for s in stacks)
        try:
            progress.start(cells, kept, len(stacks), epochs)
            if stacks:
                executor = site.executor(plan, stacks, device, where.workers)
                if where.site != "local" and (where.workers or 0) > len(stacks):
                    rest = (where.workers or 0) - len(stacks)
                    store.warnings.append(
                        f"{counted(len(stacks), 'stack')} for {where.workers} workers: {rest} of "
                        "them have nothing to do"
                    )
                driver = _Driver(plan, store, device, progress, clock)
                trained_on = driver.drive(stacks, executor)
            store.require_committed(todo)
            if limits.shard is None:
                # Of stacks that were committed just before a crash.
                checkpoints.discard_all(store.folder)
        finally:
            progress.finish()
            store.write_tables(plan)
    ends = Counter(store.statuses(plan))
    lost = ends["diverged"], ends["failed"]
    return RunSummary(kept, len(todo), *lost, clock.seconds, device, trained_on)


class _Driver:
    """Gives an executor what it has room for, and commits what comes of it."""

    def __init__(
        self, plan: Plan, store: Store, device: str, progress: Progress, clock: Clock
    ) -> None:
        self._plan, self._store, self._device = plan, store, device
        self._progress, self._clock = progress, clock
        self._files = plan.study.files
        self._waiting: deque[Stack] = deque()
        self._lost: deque[Stack] = deque()
        self._training: dict[str, Stack] = {}
        self._tries = Counter[str]()
        self._trained_on: dict[str, list[str]] = {}

    def drive(self, stacks: Sequence[Stack], executor: Executor) -> dict[str, list[str]]:
        """Have all stacks trained; which of them each node of a cluster has.

        One whose worker is lost is tried again: here when no other is at work, as it may be memory
        that ran out; lost three times, its runs have failed. Where no worker starts, this process
        trains.
        """
        if executor.room > 1:  # the longest first, or one of them keeps all others waiting
            folder = self._plan.study.folder
            stacks = sorted(stacks, key=lambda stack: -seconds_of(stack, folder))
        self._waiting.extend(stacks)
        self._kept = checkpoints.stacks(self._store.folder)
        try:
            while self._waiting or self._lost or self._training:
                self._clock.check()
                self._hand_out(executor)
                try:
                    executor.wait(self._hear)
                except NoWorkers as none:
                    from regbench.executors.here import Here

                    self._warn(f"no worker process starts here ({none}): this process trains alone")
                    self._waiting.extendleft(reversed(self._training.values()))
                    self._training.clear()
                    executor = Here()
        finally:
            executor.cancel(self._hear_last)
        return self._trained_on

    def _hand_out(self, executor: Executor) -> None:
        while self._waiting and executor.room > 0:
            self._submit(self._waiting.popleft(), executor)
        if self._lost and not self._training:
            self._submit(self._lost.popleft(), executor)

    def _submit(self, stack: Stack, executor: Executor) -> None:
        kept: dict[str, tuple[int, State]] = {}
        for name, members in parts(stack.stack_id, stack.members) if self._kept else ():
            if name in self._kept:
                key, warn = work_key(members, self._device), self._store.warnings.append
                found = checkpoints.latest(self._store.folder, name, key, warn=warn)
                kept |= {} if found is None else {name: found}
        study = self._plan.study
        self._training[stack.stack_id] = stack
        executor.submit(Job(stack, study.folder, self._device, study.metrics, kept))

    def _hear(self, event: Event) -> None:
        """Act on what an executor tells.

        Raises:
            RegbenchError: it ends the command.
        """
        match event:
            case Epoch():
                if event.losses is not None:
                    self._progress.seen(event.stack_id, event.epoch, event.losses)
                self._progress.advanced(event.stack_id, event.epoch, event.trajectories)
                self._clock.check()
            case Kept() if event.stack_id in self._training:
                self._store.place.require()
                checkpoints.save(
                    self._store.folder, event.name, event.key, event.epoch, event.state
                )
            case Trained():
                self._commit(event)
            case Lost():
                self._lose(event)
            case Failed():
                raise event.error

    def _hear_last(self, event: Event) -> None:
        """Keep what still comes; what went wrong first is what counts."""
        if isinstance(event, Kept | Trained):
            with suppress(RegbenchError):
                self._hear(event)

    def _commit(self, trained: Trained) -> None:
        stack_id = trained.stack_id
        del self._training[stack_id]
        self._store.commit(
            stack_id,
            [run.record for run in trained.runs],
            weights={run.record.run_id: run.weights for run in trained.runs},
            predictions={run.record.run_id: run.predictions for run in trained.runs},
        )
        if trained.where:
            self._trained_on.setdefault(trained.where, []).append(stack_id)
        if trained.halved:
            self._store.add_provenance({"event": "split by memory", "stack": stack_id})
        ends = Counter(run.record.status for run in trained.runs)
        self._progress.stack_done(stack_id, len(trained.runs), ends["diverged"], ends["failed"])
        for dataset in self._files:  # committed is what was read before
            require_unchanged(dataset, self._plan.study.folder, self._plan.data[dataset.origin])
        self._clock.count(ends["diverged"], ends["failed"])

    def _lose(self, lost: Lost) -> None:
        stack = self._training[lost.stack_id]
        self._tries[lost.stack_id] += 1
        if self._tries[lost.stack_id] == _MOST_TRIES:
            failed = tuple(Run.failed(run_id, lost.why) for run_id in stack.run_ids)
            self._commit(Trained(lost.stack_id, failed))
            return
        self._warn(f"stack {lost.stack_id}: {lost.why}; it was tried again")
        again = self._lost if lost.alone else self._waiting
        again.append(self._training.pop(lost.stack_id))

    def _warn(self, text: str) -> None:
        self._store.warnings.append(text)

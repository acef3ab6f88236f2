"""Where a plan trains: this machine or a cluster, one entry each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from regbench.config.plan import Plan
from regbench.engine.stacks import Stack
from regbench.errors import BadStudy
from regbench.executors.device import resolve_device
from regbench.executors.estimate import WORKER_START_SECONDS
from regbench.executors.executor import Executor
from regbench.executors.pending import seconds_of


@dataclass(frozen=True)
class Where:
    """What is asked for.

    Attributes:
        site: one of `SITES`.
        address: of a cluster; None takes what is known here.
        device: instead of the study's `training.device`.
        workers: that train at once; None takes as many as are worth it.
    """

    site: str = "local"
    address: str | None = None
    device: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.site not in SITES:
            raise BadStudy(f"executor: expected one of {', '.join(SITES)}, not {self.site!r}")
        if self.address is not None and self.site == "local":
            raise BadStudy("--address is of a cluster: it goes with --executor ray")
        if self.workers is not None and (not isinstance(self.workers, int) or self.workers < 1):
            raise BadStudy(f"workers: expected a count from 1, not {self.workers!r}")


class Site(Protocol):
    """A place that can train."""

    def device(self, asked: str) -> str:
        """What `auto`, `cpu`, `cuda` or `cuda:i` stands for there, as torch names it.

        Raises:
            BadStudy: CUDA is asked for where there is none.
        """

    def executor(
        self, plan: Plan, stacks: Sequence[Stack], device: str, workers: int | None
    ) -> Executor:
        """Who trains these stacks there."""


class ThisMachine:
    """This process, or workers beside it."""

    def device(self, asked: str) -> str:
        """As `resolve_device`."""
        return resolve_device(asked)

    def executor(
        self, plan: Plan, stacks: Sequence[Stack], device: str, workers: int | None
    ) -> Executor:
        """This process, where one worker is enough and on a GPU."""
        seconds = sum(seconds_of(stack, plan.study.folder) for stack in stacks)
        threads = max(stack.members[0].setting.training.threads for stack in stacks)
        number = choose_workers(workers, len(stacks), seconds, threads)
        if number == 1 or device != "cpu":
            from regbench.executors.here import Here

            return Here()
        from regbench.data import carried
        from regbench.executors.processes import Processes

        return Processes(number, carried(plan.study))


def _cluster(address: str | None) -> AbstractContextManager[Site]:
    from regbench.executors.ray import connected

    return connected(address)


SITES: dict[str, Callable[[str | None], AbstractContextManager[Site]]] = {
    "local": lambda address: nullcontext(ThisMachine()),
    "ray": _cluster,
}


def choose_workers(asked: int | None, stacks: int, seconds: float, threads: int) -> int:
    """How many processes train: as asked, else one a core where the work is worth their start.

    >>> choose_workers(None, 8, 1.0, 1), choose_workers(3, 8, 1.0, 1), choose_workers(9, 2, 9.0, 1)
    (1, 3, 2)
    """
    if asked is None:
        asked = 1 if seconds < 2 * WORKER_START_SECONDS else max(1, cores() // threads)
    return max(1, min(asked, stacks))


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Who trains stacks, behind one protocol: work goes in, values come out; the driver commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from regbench.engine.member import Losses, State
from regbench.engine.stacks import Stack
from regbench.results.records import RunRecord


@dataclass(frozen=True)
class Job:
    """What it takes to train one stack.

    Attributes:
        device: as torch names it.
        metrics: what the study asks for.
        kept: the epoch and state to go on from, by the name of the stack or of a part of it.
    """

    stack: Stack
    study_folder: Path
    device: str
    metrics: tuple[str, ...] = ()
    kept: Mapping[str, tuple[int, State]] = field(default_factory=dict)


@dataclass(frozen=True)
class Epoch:
    """A stack has finished an epoch of so many trajectories; its losses come now and then."""

    stack_id: str
    epoch: int
    trajectories: int
    losses: Losses | None = None


@dataclass(frozen=True)
class Kept:
    """The state of a stack, or of the part `name` of it, after an epoch, and of what work it is."""

    stack_id: str
    name: str
    key: str
    epoch: int
    state: State


@dataclass(frozen=True)
class Run:
    """What is known of one run, with weights and predictions where the study saves them."""

    record: RunRecord
    weights: State = field(default_factory=dict)
    predictions: State = field(default_factory=dict)

    @classmethod
    def failed(cls, run_id: str, reason: str) -> Run:
        """A run that has no numbers."""
        return cls(RunRecord(run_id, "failed", reason, 0, None, None, None, {}))


@dataclass(frozen=True)
class Trained:
    """A stack is trained.

    Attributes:
        halved: memory forced it apart.
        where: the machine, where that may be another than the driver's.
    """

    stack_id: str
    runs: tuple[Run, ...]
    halved: bool = False
    where: str = ""


@dataclass(frozen=True)
class Lost:
    """Whoever trained the stack is no more; `alone`: try it again when no other is at work."""

    stack_id: str
    why: str
    alone: bool


@dataclass(frozen=True)
class Failed:
    """The stack cannot be trained, nor can the others be hoped for."""

    error: Exception


Event = Epoch | Kept | Trained | Lost | Failed
Tell = Callable[[Event], None]


class Executor(Protocol):
    """Trains stacks somewhere. It writes nothing: what came out is told, and the driver commits."""

    @property
    def room(self) -> int:
        """How many more jobs it would take now."""

    def submit(self, job: Job) -> None:
        """Take a job."""

    def wait(self, tell: Tell) -> None:
        """Tell what has happened, after a moment where nothing has; what `tell` raises comes out.

        Raises:
            NoWorkers: nobody is there to train what was submitted.
        """

    def cancel(self, tell: Tell) -> None:
        """End all work within seconds, and tell what still comes of it."""


class NoWorkers(Exception):
    """Nobody is there to train."""

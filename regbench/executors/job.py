"""One stack's work, and how it ended; no torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regbench.engine.stacks import Stack
from regbench.results.place import Place

__all__ = ["Job", "JobResult"]


@dataclass(frozen=True)
class Job:
    """What a worker needs to train one stack and commit it.

    Attributes:
        place: the results folder, which is not written once it is another.
        metrics: what the study asks for.
    """

    stack: Stack
    study_folder: Path
    place: Place
    device: str
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobResult:
    """How a stack ended.

    Attributes:
        halved: memory forced it apart.
        warnings: what was found damaged and set aside.
    """

    stack_id: str
    runs: int
    diverged: int
    failed: int
    halved: bool
    warnings: tuple[str, ...] = ()

"""What a progress display is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from regbench.engine.member import Losses


class Progress(Protocol):
    """A display of a study in training; run_epochs counts trajectories times epochs."""

    def start(self, cells: Mapping[str, str], kept: int, stacks: int, run_epochs: int) -> None:
        """These runs are planned (id -> name of the cell), of which so many were found done."""
        return

    def advanced(self, stack_id: str, epoch: int, run_epochs: int) -> None:
        """A stack has finished an epoch, which was so many trajectories' work."""
        return

    def seen(self, stack_id: str, epoch: int, losses: Losses) -> None:
        """The losses of a stack's runs after a scored epoch; not of each, but now and then."""
        return

    def stack_done(self, stack_id: str, runs: int, diverged: int, failed: int) -> None:
        """A stack is trained and committed."""
        return

    def finish(self) -> None:
        """Nothing more will come."""
        return


class Silent(Progress):
    """Shows nothing."""

"""Stacks one after the other in this process."""

from __future__ import annotations

from regbench.executors.executor import Job, Tell
from regbench.executors.train import Splits, train


class Here:
    """This process trains."""

    def __init__(self) -> None:
        self._job: Job | None = None
        self._splits: Splits = {}

    @property
    def room(self) -> int:
        """One at a time."""
        return int(self._job is None)

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._job = job

    def wait(self, tell: Tell) -> None:
        """Train it to its end."""
        job, self._job = self._job, None
        if job is not None:
            train(job, tell, self._splits)

    def cancel(self, tell: Tell) -> None:
        """Nothing is at work."""

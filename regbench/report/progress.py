"""What is shown while a study trains."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from regbench.analysis.words import counted

__all__ = ["BarProgress", "LineProgress", "progress_for"]

_LINE_SECONDS = 5.0
_BURST_SECONDS = 0.1  # workers' first messages come at once: no pace can be told from them


class _Counts:
    """How far a study has come."""

    def __init__(self) -> None:
        self.runs = self.done = self.diverged = self.failed = 0
        self.epochs = self.epochs_done = 0

    def start(self, runs: int, kept: int, run_epochs: int) -> None:
        self.runs, self.done, self.epochs = runs, kept, run_epochs

    def stack_done(self, runs: int, diverged: int, failed: int) -> None:
        self.done += runs
        self.diverged += diverged
        self.failed += failed

    def faults(self) -> str:
        parts = []
        if self.diverged:
            parts.append(f"{self.diverged} diverged")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return ", ".join(parts)


class BarProgress:
    """A bar on a terminal: epochs of all runs, runs done, time left, what went wrong."""

    def __init__(self, console: Console, title: str) -> None:
        self._counts = _Counts()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TextColumn("{task.fields[epochs]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[faults]}"),
            console=console,
            transient=True,
        )
        self._title = title

    def start(self, runs: int, kept: int, stacks: int, run_epochs: int) -> None:
        """Show the bar, unless there is nothing to train."""
        self._counts.start(runs, kept, run_epochs)
        if stacks:
            self._task = self._progress.add_task(
                self._title, total=runs, completed=kept, epochs="", faults=""
            )
            self._progress.start()

    def stack_started(self, stack_id: str, runs: int) -> None:
        """Nothing to show: epochs will come."""

    def advanced(self, stack_id: str, epoch: int, run_epochs: int) -> None:
        """Move on by a stack's epoch."""
        self._counts.epochs_done += run_epochs
        self._update()

    def stack_done(self, stack_id: str, runs: int, diverged: int, failed: int) -> None:
        """Count the stack's runs."""
        self._counts.stack_done(runs, diverged, failed)
        self._update()

    def _update(self) -> None:
        counts = self._counts
        # Between finished stacks, runs count by the share of their epochs, so that the time left
        # is known early; early stops make it an upper bound.
        share = counts.epochs_done / counts.epochs if counts.epochs else 1.0
        self._progress.update(
            self._task,
            completed=max(counts.done, int(share * counts.runs)),
            epochs=f"{counts.epochs_done:,} epochs",
            faults=counts.faults(),
        )

    def finish(self) -> None:
        """Take the bar away."""
        self._progress.stop()


class LineProgress:
    """A line every few seconds, for pipes and CI."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._counts = _Counts()
        self._begin: float | None = None  # of the first epoch: workers take their time to start
        self._last = time.monotonic()

    def start(self, runs: int, kept: int, stacks: int, run_epochs: int) -> None:
        """Say what will be done."""
        self._counts.start(runs, kept, run_epochs)
        if stacks:
            found = f", {kept} found done" if kept else ""
            self._say(
                f"training {counted(runs - kept, 'run')} in {counted(stacks, 'stack')}{found}"
            )

    def stack_started(self, stack_id: str, runs: int) -> None:
        """Nothing to say."""

    def advanced(self, stack_id: str, epoch: int, run_epochs: int) -> None:
        """Say how far it is, if the last line is some seconds old."""
        counts = self._counts
        now = time.monotonic()
        counts.epochs_done += run_epochs
        if self._begin is None:
            self._begin, self._first = now, counts.epochs_done
        if now - self._last < _LINE_SECONDS or now - self._begin < _BURST_SECONDS:
            return
        self._last = now
        pace = (counts.epochs_done - self._first) / (now - self._begin)
        left = (counts.epochs - counts.epochs_done) / pace
        share = counts.epochs_done / counts.epochs
        faults = f", {counts.faults()}" if counts.faults() else ""
        self._say(f"{100 * share:.0f}% of epochs, about {left:.0f} s left{faults}")

    def stack_done(self, stack_id: str, runs: int, diverged: int, failed: int) -> None:
        """Count the stack's runs, and say so if some went wrong."""
        self._counts.stack_done(runs, diverged, failed)
        if diverged or failed:
            self._say(f"stack {stack_id}: {diverged} diverged, {failed} failed")

    def finish(self) -> None:
        """Nothing to say: the table follows."""

    def _say(self, text: str) -> None:
        self._console.print(f"{self._title}: {text}", soft_wrap=True, highlight=False)


def progress_for(console: Console, title: str) -> BarProgress | LineProgress:
    """A bar on a terminal, lines elsewhere."""
    return BarProgress(console, title) if console.is_terminal else LineProgress(console, title)

"""What is shown while a study trains."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from regbench.report.live import LiveCurves, Losses
from regbench.vocabulary.words import counted

_LINE_SECONDS = 5.0
_BURST_SECONDS = 1.0  # workers' first messages come at once: no pace can be told from them
_LEAST_LINES = 12  # of a terminal that shows curves, too


class _Counts:
    """How far a study has come."""

    def __init__(self) -> None:
        self.runs = self.done = self.diverged = self.failed = 0
        self.epochs = self.epochs_done = 0

    def start(self, runs: int, kept: int, run_epochs: int) -> None:
        self.runs, self.done, self.epochs = runs, kept, run_epochs

    def share(self) -> float:
        return self.epochs_done / self.epochs if self.epochs else 1.0

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
    """On a terminal: runs done, epochs a second, time left, what went wrong; and under it the
    losses of the cells whose gaps are largest, and the best cell so far.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._counts = _Counts()
        self._curves = LiveCurves()
        self._progress = _BarAndCurves(console, self._curves)
        self._title = title

    def start(self, cells: Mapping[str, str], kept: int, stacks: int, run_epochs: int) -> None:
        """Show the bar, unless there is nothing to train."""
        self._counts.start(len(cells), kept, run_epochs)
        self._curves.start(cells)
        if stacks:
            self._task = self._progress.add_task(
                self._title, total=len(cells), completed=kept, pace="", faults=""
            )
            self._begin = time.monotonic()
            self._progress.start()

    def advanced(self, stack_id: str, epoch: int, run_epochs: int) -> None:
        """Move on by a stack's epoch."""
        self._counts.epochs_done += run_epochs
        self._update()

    def seen(self, stack_id: str, epoch: int, losses: Losses) -> None:
        """Draw the losses on."""
        self._curves.add(stack_id, losses)

    def stack_done(self, stack_id: str, runs: int, diverged: int, failed: int) -> None:
        """Count the stack's runs."""
        self._counts.stack_done(runs, diverged, failed)
        self._update()

    def _update(self) -> None:
        counts = self._counts
        pace = counts.epochs_done / max(time.monotonic() - self._begin, 1e-9)
        # Between finished stacks, runs count by the share of their epochs, so that the time left
        # is known early; early stops make it an upper bound.
        self._progress.update(
            self._task,
            completed=max(counts.done, int(counts.share() * counts.runs)),
            pace=f"{pace:,.0f} epochs/s",
            faults=counts.faults(),
        )

    def finish(self) -> None:
        """Take the display away."""
        self._progress.stop()


class _BarAndCurves(Progress):
    """Rich's bar with the curves under it, redrawn together: so nothing flickers."""

    def __init__(self, console: Console, curves: LiveCurves) -> None:
        self._live_curves, self._room = curves, console
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TextColumn("{task.fields[pace]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[faults]}"),
            console=console,
            transient=True,
            refresh_per_second=4,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the curves where there is room for them."""
        yield from super().get_renderables()
        room = self._room.size
        if room.height >= _LEAST_LINES:
            yield from self._live_curves.lines(
                room.width, ascii_only=not self._room.encoding.lower().startswith("utf")
            )


class LineProgress:
    """A line every few seconds, for pipes and CI."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._counts = _Counts()
        self._begin: float | None = None  # of the first epoch: workers take their time to start
        self._last = time.monotonic()

    def start(self, cells: Mapping[str, str], kept: int, stacks: int, run_epochs: int) -> None:
        """Say what will be done."""
        runs = len(cells)
        self._counts.start(runs, kept, run_epochs)
        if stacks:
            found = f", {kept} found done" if kept else ""
            self._say(
                f"training {counted(runs - kept, 'run')} in {counted(stacks, 'stack')}{found}"
            )

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
        faults = f", {counts.faults()}" if counts.faults() else ""
        self._say(f"{100 * counts.share():.0f}% of epochs, about {left:.0f} s left{faults}")

    def seen(self, stack_id: str, epoch: int, losses: Losses) -> None:
        """Nothing to say: lines are for how far it is."""

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

"""Curves of a study in training: the cells whose gaps are largest, and the best so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from rich.cells import cell_len, set_cell_size
from rich.text import Text

# Training and validation loss of runs by id; NaN where there is none.
Losses = Mapping[str, tuple[float, float]]

_CELLS = 4
_POINTS = 16  # of a sparkline
_NAME_MOST, _NAME_LEAST = 32, 8
_NUMBERS = 3 * 12 + 2 * (_POINTS + 3)  # columns that the rest of a line takes
_BLOCKS, _ASCII = "▁▂▃▄▅▆▇█", "._-~=+*#"


@dataclass
class _History:
    """A cell's mean losses over the seeds that one stack trains."""

    cell: str
    train: list[float] = field(default_factory=list)
    val: list[float] = field(default_factory=list)

    @property
    def gap(self) -> float:
        return self.val[-1] - self.train[-1]


class LiveCurves:
    """What the losses seen so far say."""

    def __init__(self) -> None:
        self._cells: Mapping[str, str] = {}
        self._latest: dict[str, _History] = {}
        self._stack_of: dict[str, str] = {}
        self._best: tuple[float, str] | None = None

    def start(self, cells: Mapping[str, str]) -> None:
        """Take the name of each run's cell."""
        self._cells = cells

    def add(self, stack_id: str, losses: Losses) -> None:
        """Take in an epoch of a stack. A cell that several stacks train shows the latest."""
        pairs: dict[str, list[tuple[float, float]]] = {}
        for run_id, pair in losses.items():
            if run_id in self._cells and all(map(isfinite, pair)):
                pairs.setdefault(self._cells[run_id], []).append(pair)
        for cell, found in pairs.items():
            if self._stack_of.get(cell) != stack_id:
                self._stack_of[cell] = stack_id
                self._latest[cell] = _History(cell)
            history = self._latest[cell]
            train, val = (sum(part) / len(found) for part in zip(*found, strict=True))
            history.train.append(train)
            history.val.append(val)
            if self._best is None or val < self._best[0]:
                self._best = val, cell

    def lines(self, width: int, *, ascii_only: bool) -> Iterator[Text]:
        """A line for each of the largest gaps, then the best validation loss."""
        room = min(_NAME_MOST, width - _NUMBERS)
        shown = sorted(self._latest.values(), key=lambda history: -history.gap)[:_CELLS]
        if shown and room >= _NAME_LEAST:
            name = min(room, max(cell_len(history.cell) for history in shown))
            for history in shown:
                yield _line(history, name, ascii_only)
        if self._best is not None:
            loss, cell = self._best
            text = f"least validation loss so far: {loss:.4g} in {cell}"
            yield Text(set_cell_size(text, min(width - 1, cell_len(text))), "dim")


def _line(history: _History, name: int, ascii_only: bool) -> Text:
    top = max(*history.train, *history.val)
    return Text.assemble(
        set_cell_size(history.cell, name),
        ("  train ", "dim"),
        (sparkline(history.train, top, ascii_only=ascii_only), "blue"),
        f" {history.train[-1]:.3f}",
        ("  val ", "dim"),
        (sparkline(history.val, top, ascii_only=ascii_only), "yellow"),
        f" {history.val[-1]:.3f}",
        ("  gap ", "dim"),
        f"{history.gap:.3f}",
    )


def sparkline(values: Sequence[float], top: float, *, ascii_only: bool) -> str:
    """The values from 0 to top as blocks, the whole course in a fixed width.

    >>> sparkline([1.0, 0.5, 0.25, 0.0], 1.0, ascii_only=False).strip()
    '█▅▃▁'
    >>> len(sparkline([1.0] * 500, 1.0, ascii_only=True))
    16
    """
    marks = _ASCII if ascii_only else _BLOCKS
    count = min(len(values), _POINTS)
    picked = [values[(i + 1) * len(values) // count - 1] for i in range(count)]
    heights = [round(value / top * (len(marks) - 1)) if top > 0 else 0 for value in picked]
    return "".join(marks[min(max(height, 0), len(marks) - 1)] for height in heights).ljust(_POINTS)

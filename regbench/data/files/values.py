"""From the cells of columns that are decided to a table of numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.data.description import Column, Description
from regbench.data.files.columns import Cells, narrowest
from regbench.data.table import Floats, Ints, Table

# Of some rows, from this one on, a column's cells: as the format has them, or numbers already.
Piece = tuple[int, int, Any]


class Values:
    """(N, K) numbers in the narrowest type that holds them all exactly, of which N grows."""

    def __init__(self, columns: int) -> None:
        self._rows, self._array = 0, np.empty((0, columns), np.uint8)

    def put(self, row: int, column: int, numbers: npt.NDArray[Any]) -> None:
        """Numbers of a column, from this row on."""
        kind, end = self._array.dtype, row + len(numbers)
        if kind != np.float64:
            kind = np.promote_types(kind, narrowest(numbers))
            self._array = self._array.astype(kind, copy=False)
        if end > len(self._array):
            self._resize(end + end // 8)
        self._array[row:end, column] = numbers
        self._rows = max(self._rows, end)

    def whole(self) -> npt.NDArray[Any]:
        """All of them; nothing is put any more."""
        self._resize(self._rows)
        return self._array

    def _resize(self, rows: int) -> None:
        # In place: a system that can move pages copies nothing, nor has both for a while.
        self._array.resize((rows, self._array.shape[1]), refcheck=False)


class Held:
    """What the first look at a file has seen of it: numbers, and other cells as they are.

    Args:
        features: numbers of the columns that are features.
    """

    def __init__(self, features: Sequence[int]) -> None:
        self.values = Values(len(features))
        self._place = {j: k for k, j in enumerate(features)}
        self._cells: deque[Piece] = deque()

    def add(self, row: int, j: int, cells: Any) -> None:
        """A column's cells, from this row on."""
        if j in self._place and isinstance(cells, np.ndarray):
            self.values.put(row, self._place[j], cells)
        else:
            self._cells.append((row, j, cells))

    def pieces(self) -> Iterator[Piece]:
        """What is no number of a feature; it is held no longer."""
        while self._cells:
            yield self._cells.popleft()


def table_of(
    known: Mapping[int, tuple[Cells, Column]],
    features: Sequence[int],
    target: int,
    described: Description,
    max_categories: int | None,
    pieces: Iterable[Piece],
    values: Values | None = None,
) -> Table:
    """The table that columns make.

    Args:
        known: of each column that is wanted.
        features, target: numbers of the columns.
        pieces: all of their cells but what the values hold.
    """
    values = values or Values(len(features))
    place = {j: k for k, j in enumerate(features)}
    others = {j: np.empty(described.rows) for j in known if j not in place}
    for row, j, piece in pieces:
        cells, column = known[j]
        numbers = cells.values(column, piece)
        if j in place:
            values.put(row, place[j], numbers)
        else:
            others[j][row : row + len(numbers)] = numbers
    columns, y = described.columns, others[target]
    classes = tuple(described.target.texts)

    def of(role: str) -> tuple[Column, Floats] | None:
        return next(((known[j][1], o) for j, o in others.items() if known[j][0].role == role), None)

    def numbered(role: str) -> Ints | None:
        found = of(role)
        return None if found is None else found[1].astype(np.int64)

    parts, time, codes = of("parts"), of("time"), numbered("parts")
    return Table(
        values=values.whole(),
        target=y.astype(np.int64) if classes else y,
        column_names=tuple(column.name for column in columns),
        class_names=classes,
        categories={k: tuple(c.texts) for k, c in enumerate(columns) if c.kind == "category"},
        parts=None if parts is None else np.array(list(parts[0].texts))[codes],
        groups=numbered("groups"),
        time=None if time is None else time[1],
        indicators=frozenset(k for k, c in enumerate(columns) if c.kind == "indicator"),
        max_categories=max_categories,
    )

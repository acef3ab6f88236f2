"""What was made of a data set, as a value: each column's kind, range, categories, missing cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from regbench.data.table import DataShape, Table

if TYPE_CHECKING:
    import numpy.typing as npt


# number: scaled. indicator: 0 and 1 only, left as it is. category: one indicator a text.
Kind = Literal["number", "indicator", "category"]


@dataclass(frozen=True)
class Column:
    """One column as it was understood; of images one channel.

    missing: cells taken as missing, by the word that stands there ("" is a blank).
    low, high: the range of a number; None where there is none, or it was not looked at.
    texts: of a category, or of classes: text -> cells, in the order of their numbers.
    most: inputs that it may make of them; None: one for each.
    """

    name: str
    kind: Kind
    missing: Mapping[str, int] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    texts: Mapping[str, int] = field(default_factory=dict)
    most: int | None = None

    @property
    def inputs(self) -> int:
        """How many inputs of the network it makes."""
        if self.kind != "category":
            return 1
        return min(len(self.texts), self.most or len(self.texts))


@dataclass(frozen=True)
class Description:
    """A data set before it is split.

    rows: those that are used.
    columns: the features, in their order.
    target: a number, or a category: its texts are the classes.
    left_out: columns that are no features -> why.
    notes: what a user should know of how it was read, a sentence each.
    example: the shape of one row's inputs, channels first; None: (I,).
    as_bytes: images, see `DataShape`.
    """

    rows: int
    columns: tuple[Column, ...]
    target: Column
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    example: tuple[int, ...] | None = None
    as_bytes: bool = False

    @property
    def shape(self) -> DataShape:
        """Rows, inputs (one for each category) and outputs."""
        example = self.example or (sum(column.inputs for column in self.columns),)
        return DataShape(self.rows, example, len(self.target.texts) or 1, self.as_bytes)


def described(table: Table, target: str = "target") -> Description:
    """The description of a table that is at hand.

    >>> import numpy as np
    >>> table = Table(np.array([[1.5, 0.0], [np.nan, 1.0]]), np.array([0, 1]), ("a", "b"),
    ...               ("no", "yes"), indicators=frozenset([1]))
    >>> found = described(table)
    >>> found.shape, [c.kind for c in found.columns]
    (DataShape(rows=2, example=(2,), outputs=2), ['number', 'indicator'])
    >>> found.columns[0].missing, found.target.texts
    ({'': 1}, {'no': 1, 'yes': 1})
    """
    import numpy as np

    def column(j: int, name: str) -> Column:
        cells = table.column(j)
        there = cells[~np.isnan(cells)]
        missing = {"": len(cells) - len(there)} if len(there) < len(cells) else {}
        if j in table.categories:
            return Column(name, "category", missing, texts=_counted(there, table.categories[j]))
        kind: Kind = "indicator" if j in table.indicators else "number"
        low, high = (float(there.min()), float(there.max())) if len(there) else (None, None)
        return Column(name, kind, missing, low, high)

    y = table.target
    if table.class_names:
        made = Column(target, "category", texts=_counted(y, table.class_names))
    else:
        made = Column(target, "number", {}, float(y.min()), float(y.max()))
    if table.by_channel:
        columns = tuple(_channel(name, values) for name, values in channels(table))
    else:
        columns = tuple(column(j, name) for j, name in enumerate(table.column_names))
    shape = table.shape
    return Description(len(y), columns, made, example=table.example, as_bytes=shape.as_bytes)


def channels(table: Table) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Each channel of images or signals: its name and (N, points) values.

    >>> import numpy as np
    >>> pixels = np.arange(12, dtype=np.uint8).reshape(1, 12)
    >>> table = Table(pixels, np.array([0]), (), ("a", "b"), example=(3, 2, 2), by_channel=True)
    >>> [(name, values.tolist()) for name, values in channels(table)][1]
    ('green', [[4, 5, 6, 7]])
    """
    shape = table.shape.example
    names = [f"channel {c}" for c in range(shape[0])]
    if len(shape) == 3:
        names = {1: ["grey"], 3: ["red", "green", "blue"]}.get(shape[0], names)
    values = table.values.reshape(len(table.values), shape[0], -1)
    for c, name in enumerate(names):
        yield name, values[:, c]


def _channel(name: str, values: npt.NDArray[Any]) -> Column:
    import numpy as np

    missing = int(np.isnan(values).sum()) if values.dtype != np.uint8 else 0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return Column(name, "number", {"": missing} if missing else {}, low, high)


def _counted(codes: object, texts: tuple[str, ...]) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(np.asarray(codes, dtype=np.int64), minlength=len(texts))
    return dict(zip(texts, counts.tolist(), strict=True))

"""What passes through this room: a whole data set (`Table`) in, three parts (`Split`) out."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from regbench.vocabulary.metrics import Task

if TYPE_CHECKING:
    from regbench.data.pixels import Pixels
    from regbench.data.transform import Transform, Transformed


Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DataShape:
    """How large a data set is, known without loading it.

    rows: N.
    example: the shape of one example, channels first: (I,) of a table, (channels, points) of a
        signal, (channels, height, width) of an image.
    outputs: O.
    as_bytes: images, of which all splits share one copy, a byte a number.

    >>> DataShape(rows=1797, example=(1, 8, 8), outputs=10).inputs
    64
    """

    rows: int
    example: tuple[int, ...]
    outputs: int
    as_bytes: bool = field(default=False, repr=False)

    @property
    def inputs(self) -> int:
        """I, the numbers that an example holds."""
        return prod(self.example)


@dataclass(frozen=True)
class Table:
    """A whole data set before it is split: N rows, K columns.

    values: (N, K) in a type that holds them exactly, float64 or a narrower one; NaN where one is
        missing; a text column holds category numbers (-1: a text that is none of its categories).
    target: (N,); class numbers 0..C-1 (int64), or the value to predict (float64).
    column_names: K names.
    class_names: C names; empty for regression.
    categories: column number -> its texts, for the text columns only.
    parts: (N,) of "train", "val", "test", where the data set brings its own split.
    fingerprint: of what it was parsed from; empty where nothing was read.
    indicators: numbers of the columns that hold 0 and 1 only: made of a category, so not scaled.
    max_categories: inputs that a text column may make; None: one for each of its texts.
    rows: (N,) the numbers of these rows in the file, from 0, where some were left out.
    groups, time: (N,) what is equal for rows of one group, and what orders rows by time; where the
        data set says so.
    example: the shape of one row's inputs, channels first; None: (I,).
    by_channel: scaled by channel, not by column; `example` tells the channels.
    own_test: (N,) true for the rows that the data set itself sets aside for the test.
    """

    values: npt.NDArray[Any]
    target: Floats | Ints
    column_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)
    parts: npt.NDArray[np.str_] | None = None
    fingerprint: str = ""
    indicators: frozenset[int] = frozenset()
    max_categories: int | None = None
    rows: Ints | None = None
    groups: npt.NDArray[np.generic] | None = None
    time: npt.NDArray[np.generic] | None = None
    example: tuple[int, ...] | None = None
    by_channel: bool = False
    own_test: npt.NDArray[np.bool_] | None = None

    @property
    def task(self) -> Task:
        """What the target asks for."""
        return "classification" if self.class_names else "regression"

    @property
    def shape(self) -> DataShape:
        """Rows, inputs (one for each category of a text column, up to a bound) and outputs."""
        most = self.max_categories or max(map(len, self.categories.values()), default=0)
        one_hot = sum(min(len(texts), most) - 1 for texts in self.categories.values())
        rows, columns = self.values.shape
        example, outputs = self.example or (columns + one_hot,), len(self.class_names) or 1
        return DataShape(rows, example, outputs, self.as_bytes)

    @property
    def as_bytes(self) -> bool:
        """Whether these are images, a byte a number."""
        return self.by_channel and self.values.dtype == np.uint8

    def column(self, j: int) -> Floats:
        """(N,) of a table's columns one."""
        return self.values[:, j].astype(np.float64)


@dataclass(frozen=True)
class Part:
    """The training, validation or test part: n rows in the order of the whole data set.

    inputs: what makes x: x itself, or what it is made of where it is read.
    y: (n,) as trained on: with label noise, the noisy labels.
    y_clean: (n,) the true labels; y itself where there is no noise.
    ids: (n,) row numbers in the whole data set.
    """

    inputs: Floats | Pixels | Transformed
    y: Floats | Ints
    y_clean: Floats | Ints
    ids: Ints

    @property
    def x(self) -> Floats:
        """(n, I) as the model sees it: no missing value, text one-hot, scaled."""
        return np.asarray(self.inputs, np.float64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Split:
    """A data set as one seed sees it.

    classes: C; 0 for regression.
    example: the shape of one example, channels first; the same for every seed, so that runs can be
        stacked.
    flip_rate: share of the training labels that label noise changed; None without label noise.
    target_mean, target_scale: y = (raw - target_mean) / target_scale; 0 and 1 for classification
        and without standardising.
    transform: what made x of the table's values; None where the split was made by hand.
    """

    train: Part
    val: Part
    test: Part
    task: Task
    classes: int
    example: tuple[int, ...]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    flip_rate: float | None = None
    target_mean: float = 0.0
    target_scale: float = 1.0
    transform: Transform | None = None

    @property
    def inputs(self) -> int:
        """I, the numbers that an example holds."""
        return prod(self.example)

"""Which row belongs to which part: stratified, by seed, nested."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regbench.config.crosschecks import part_count
from regbench.config.schema import DatasetConfig
from regbench.data.table import Ints, Table
from regbench.errors import BadData
from regbench.streams import Purpose, raw

__all__ = ["PartIds", "part_sizes", "require_classes", "split_by_column", "split_by_seed"]


class PartIds(NamedTuple):
    """Row numbers of the three parts, each ascending: `shuffle: false` is the order of the file."""

    train: Ints
    val: Ints
    test: Ints


def split_by_seed(config: DatasetConfig, table: Table, seed: int) -> PartIds:
    """Test rows first, then validation, then training, from one order of all rows.

    So a larger train_size holds the smaller one, and neither it nor val_size moves a test row.
    """
    labels = table.target if table.class_names else np.zeros(len(table.target), dtype=np.int64)
    order = stratified_order(labels, seed)
    n_train, n_val, n_test = part_sizes(config, len(order))
    test, val, train, _ = np.split(order, np.cumsum([n_test, n_val, n_train]))
    return PartIds(np.sort(train), np.sort(val), np.sort(test))


def split_by_column(parts: npt.NDArray[np.str_]) -> PartIds:
    """The split that the data set brings: one of train, val, test a row."""
    return PartIds(*(np.flatnonzero(parts == name) for name in PartIds._fields))


def stratified_order(labels: npt.NDArray[np.generic], seed: int) -> Ints:
    """(N,) an order of the rows in which every prefix holds the classes in proportion.

    Each row gets a random 64-bit key. The k-th row of a class (k = 0, 1, ... by key) has the place
    (k + 1/2) / n_c, where n_c is the size of the class; rows stand by place, then by key.
    This is Sainte-Lague's method of sharing out seats.

    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    >>> [int((labels[stratified_order(labels, seed=5)[:n]] == 0).sum()) for n in (3, 6, 9)]
    [2, 4, 6]
    """
    keys = raw(seed, Purpose.SPLIT, len(labels))
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    by_class = np.lexsort((keys, classes))
    # How many rows stand before each one in its class: k.
    before = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.empty(len(labels))
    place[by_class] = (before + 0.5) / np.repeat(sizes, sizes)
    return np.lexsort((keys, place)).astype(np.int64, copy=False)


def part_sizes(config: DatasetConfig, rows: int) -> tuple[int, int, int]:
    """How many rows train, validate and test: a fraction is a share of all rows (half rounds up).

    Raises:
        BadData: a part that was asked for gets no row, or the parts ask for more than there are.

    >>> from regbench.config.schema import Digits
    >>> part_sizes(Digits(name="digits", train_size=300), rows=1797)
    (300, 359, 359)
    """
    n_test = _count(config, "test_size", rows)
    n_val = _count(config, "val_size", rows)
    rest = rows - n_test - n_val
    n_train = rest if config.train_size is None else _count(config, "train_size", rows)
    if n_train > rest or n_train <= 0:
        asked = "" if n_train <= 0 else f"; train_size {config.train_size} asks for {n_train}"
        raise BadData(
            f"{config.label}: of {rows} rows test takes {n_test} and validation {n_val}, "
            f"which leaves {max(rest, 0)} to train on{asked}"
        )
    return n_train, n_val, n_test


def require_classes(config: DatasetConfig, table: Table, ids: PartIds) -> None:
    """Refuse to score a class that training never shows, and to train on a single class."""
    if not table.class_names:
        return
    labels, classes = table.target.astype(np.int64), len(table.class_names)
    in_train, in_val, in_test = (np.bincount(labels[part], minlength=classes) for part in ids)
    for c in np.flatnonzero((in_train == 0) & (in_val + in_test > 0)):
        raise BadData(
            f"{config.label}: class '{table.class_names[c]}' has {in_val[c]} rows in validation, "
            f"{in_test[c]} in test and none in training: train on more rows, or leave it out"
        )
    if np.count_nonzero(in_train) < 2:
        raise BadData(f"{config.label}: one class only in training: train on more rows")


def _count(config: DatasetConfig, key: str, rows: int) -> int:
    size: int | float = getattr(config, key)
    count = part_count(size, rows)
    if count == 0 and (size > 0 or key == "train_size"):
        raise BadData(f"{config.label}: {key} {size} of {rows} rows leaves no example")
    return count

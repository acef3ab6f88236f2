"""Which row belongs to which part: stratified, by seed, nested."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regbench.config.schema import DatasetConfig
from regbench.data.table import Ints, Table
from regbench.errors import BadData
from regbench.streams import Purpose, raw

__all__ = ["PartIds", "part_sizes", "split_by_column", "split_by_seed"]


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
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        by_key = members[np.argsort(keys[members], kind="stable")]
        place[by_key] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((keys, place)).astype(np.int64, copy=False)


def part_sizes(config: DatasetConfig, rows: int) -> tuple[int, int, int]:
    """How many rows train, validate and test: a fraction is a share of all rows (half rounds up).

    Raises:
        BadData: the parts ask for more rows than there are, or leave none to train on.
    """
    n_test = _count(config.test_size, rows)
    n_val = _count(config.val_size, rows)
    for key, size, count in (
        ("val_size", config.val_size, n_val),
        ("test_size", config.test_size, n_test),
    ):
        if size > 0 and count == 0:
            raise BadData(f"{key} {size} of {rows} rows leaves no example; 0 asks for none")
    rest = rows - n_test - n_val
    what = f"dataset {config.name} has {rows} rows; test_size {config.test_size} takes {n_test} "
    what += f"and val_size {config.val_size} takes {n_val}"
    if rest <= 0:
        raise BadData(f"{what}, which leaves none to train on")
    if config.train_size is None:
        return rest, n_val, n_test
    n_train = _count(config.train_size, rows)
    if n_train == 0:
        raise BadData(f"train_size {config.train_size} of {rows} rows leaves none to train on")
    if n_train > rest:
        raise BadData(
            f"{what}, which leaves {rest} to train on: train_size {config.train_size} asks for "
            f"{n_train}"
        )
    return n_train, n_val, n_test


def _count(size: int | float, rows: int) -> int:
    if isinstance(size, int):
        return size
    # Exact on the number as written: 0.29 of 50 rows is 14.5 and rounds up, as a float it is less.
    return int(Fraction(repr(size)) * rows + Fraction(1, 2))

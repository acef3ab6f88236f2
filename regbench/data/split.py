"""Which row belongs to which part: stratified, by seed, nested; groups and times stay whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.crosschecks import part_count
from regbench.data.folds import folds_of_groups, folds_of_rows
from regbench.data.table import Ints, Table
from regbench.errors import BadData
from regbench.streams import Purpose, raw

Keys = npt.NDArray[np.uint64]

# Streams within Purpose.SPLIT: a key for each row, for each group.
_ROWS, _GROUPS = 0, 1


class PartIds(NamedTuple):
    """Row numbers of the three parts, each ascending: `shuffle: false` is the order of the file."""

    train: Ints
    val: Ints
    test: Ints


class _Order(NamedTuple):
    """All rows in an order from which parts are taken.

    rows: (N,) row numbers, those of a unit (a row, a group, a time) side by side.
    ends: (U,) how many rows stand up to the end of each unit.
    """

    rows: Ints
    ends: Ints


def part_ids(config: DatasetConfig, table: Table, seed: int) -> PartIds:
    """The parts as a run's seed sees them.

    Test rows are taken first, then validation, then training, from one order of all rows. So a
    larger train_size holds the smaller one, and neither it nor val_size moves a test row. With
    folds seed s validates on fold s % K of repeat s // K, and all seeds have one test part.

    Raises:
        BadData: there are too few rows, groups or times for what is asked.
    """
    if table.parts is not None:
        return PartIds(*(np.flatnonzero(table.parts == name) for name in PartIds._fields))
    rows = len(table.target)
    own = _own_test(config, table)
    sizes = part_sizes(config, rows, seed, None if own is None else len(own))
    labels = table.target.astype(np.int64) if table.class_names else np.zeros(rows, dtype=np.int64)
    units = _units(config, table)
    if own is None:
        order = _order(config, labels, units, split_seed(config, seed))
        _require_units(config, order, sizes)
        test, rest = _cut(order, sizes[2], spare=config.folds or 1 + (sizes[1] > 0))
    else:
        test, others = own, np.delete(np.arange(rows), own)
        order = _order(config, labels[others], None, split_seed(config, seed))
        rest = order._replace(rows=others[order.rows])
    if config.folds is None:
        val, rest = _cut(rest, sizes[1], spare=1)
        pool = rest.rows
    else:
        repeat = seed // config.folds if config.split_seed is None else config.split_seed
        val, pool = _fold(config, labels, units, np.sort(rest.rows), seed % config.folds, repeat)
    n_train = len(pool) if config.train_size is None else sizes[0]
    if n_train > len(pool):
        raise BadData(
            f"{config.label}: whole {_NAMES[config.unit]} make {len(test)} rows of test and "
            f"{len(val)} of validation, which leaves {len(pool)} to train on; train_size "
            f"{config.train_size} asks for {n_train}"
        )
    return PartIds(np.sort(pool[:n_train]), np.sort(val), np.sort(test))


def _own_test(config: DatasetConfig, table: Table) -> Ints | None:
    """(n,) the rows of the test part that the data bring; None where it is drawn."""
    if not config.brings_test:
        return None
    if table.own_test is None or not table.own_test.any():
        raise BadData(
            f"{config.label}: has no test part of its own: set own_test: false, and one is drawn "
            "(test_size)"
        )
    return np.flatnonzero(table.own_test)


_NAMES = {"groups": "groups", "time": "times", None: "rows"}


def split_seed(config: DatasetConfig, seed: int) -> int:
    """What the data, the test part and a split without folds are drawn by.

    With folds all seeds share the data and the test part.
    """
    if config.split_seed is not None:
        return config.split_seed
    return seed if config.folds is None else 0


def _units(config: DatasetConfig, table: Table) -> Ints | None:
    """(N,) numbers of the groups, as they come in the table, or of the times; None for rows."""
    if config.unit is None:
        return None
    column = table.groups if config.unit == "groups" else table.time
    if column is None:
        raise BadData(f"{config.label}: has no {config.unit} to split by")
    _, first, units = np.unique(column, return_index=True, return_inverse=True)
    numbers = np.arange(len(first)) if config.unit == "time" else np.argsort(np.argsort(first))
    result: Ints = numbers[units]
    return result


def _order(config: DatasetConfig, labels: Ints, units: Ints | None, seed: int) -> _Order:
    keys = raw(seed, Purpose.SPLIT, len(labels), layer=_ROWS)
    if units is None:
        return _Order(spread(labels, keys), np.arange(1, len(labels) + 1))
    sizes = np.bincount(units)
    if config.unit == "time":
        rank = np.arange(len(sizes))[::-1]  # the latest first
    else:
        strata, weights = _strata(labels, units)
        by_rank = spread(strata, raw(seed, Purpose.SPLIT, len(sizes), layer=_GROUPS), weights)
        rank = np.argsort(by_rank)
    rows = np.lexsort((keys, rank[units]))
    return _Order(rows, np.cumsum(sizes[np.argsort(rank)]))


def _strata(labels: Ints, groups: Ints) -> tuple[Ints, Ints]:
    """(G,) the class that a group holds the largest share of, and how many rows of it it has.

    By the share of a class, not of the group, so that the rows of a rare class are spread, too.

    >>> _strata(np.array([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2]))
    (array([0, 1, 0]), array([3, 1, 4]))
    """
    _, classes, in_all = np.unique(labels, return_inverse=True, return_counts=True)
    pairs, counts = np.unique(groups * len(in_all) + classes, return_counts=True)
    group, label = np.divmod(pairs, len(in_all))
    best = np.lexsort((-counts / in_all[label], group))
    best = best[np.unique(group[best], return_index=True)[1]]
    return label[best], counts[best]


def spread(strata: Ints, keys: Keys, weights: Ints | None = None) -> Ints:
    """(U,) an order of rows or groups in which every prefix holds the strata in proportion.

    Each has a random 64-bit key. The k-th of a stratum (k = 0, 1, ... by key) has the place
    (k + 1/2) / n, where n is the size of the stratum; with weights, k and n count those, and 1/2 is
    half of its own. They stand by place, then by key. This is Sainte-Lague's method of sharing out
    seats.

    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    >>> order = spread(labels, raw(5, Purpose.SPLIT, 9))
    >>> [int((labels[order[:n]] == 0).sum()) for n in (3, 6, 9)]
    [2, 4, 6]
    """
    _, numbers = np.unique(strata, return_inverse=True)
    weights = np.ones(len(strata), dtype=np.int64) if weights is None else weights
    sizes = np.bincount(numbers, weights)
    by_stratum = np.lexsort((keys, numbers))
    own, number = weights[by_stratum], numbers[by_stratum]
    before = np.cumsum(own) - own - (np.cumsum(sizes) - sizes)[number]
    place = np.empty(len(strata))
    place[by_stratum] = (before + own / 2) / sizes[number]
    return np.lexsort((keys, place)).astype(np.int64, copy=False)


def _cut(order: _Order, wanted: int, *, spare: int) -> tuple[Ints, _Order]:
    """The first units that together have as many rows as wanted, or nearly so; and the rest.

    At least one unit, where any is wanted, and never the last `spare` ones.
    """
    if wanted == 0:
        return order.rows[:0], order
    ends = order.ends[: len(order.ends) - spare]
    end = int(ends[np.argmin(np.abs(ends - wanted))])
    return order.rows[:end], _Order(order.rows[end:], order.ends[order.ends > end] - end)


def _fold(
    config: DatasetConfig,
    labels: Ints,
    units: Ints | None,
    rows: Ints,
    fold: int,
    repeat: int,
) -> tuple[Ints, Ints]:
    """The rows of a fold, and all others in the order in which a train_size takes them."""
    assert config.folds is not None
    keys = raw(repeat, Purpose.SPLIT, len(labels), layer=_ROWS)
    if units is None:
        folds = folds_of_rows(labels[rows], keys[rows], config.folds)
    else:
        of_groups = raw(repeat, Purpose.SPLIT, int(units.max()) + 1, layer=_GROUPS)
        folds = folds_of_groups(labels[rows], units[rows], of_groups, config.folds)
    val, others = rows[folds == fold], rows[folds != fold]
    if config.train_size is None:
        return val, others
    if units is not None:
        _, units = np.unique(units[others], return_inverse=True)
    order = _order(config, labels[others], units, repeat)
    return val, others[order.rows]


def part_sizes(
    config: DatasetConfig, rows: int, seed: int = 0, own_test: int | None = None
) -> tuple[int, int, int]:
    """How many rows train, validate and test: a fraction is a share of all rows (half rounds up).

    Groups and times are not divided, so with them validation and test only come near it.

    Args:
        own_test: how many rows the data themselves set aside for the test.
    Raises:
        BadData: a part that was asked for gets no row, or the parts ask for more than there are.

    >>> from regbench.config.blocks.bundled import Digits
    >>> part_sizes(Digits(name="digits", train_size=300), rows=1797)
    (300, 359, 359)
    >>> [part_sizes(Digits(name="digits", folds=5), 1797, seed) for seed in (0, 6, 7)]
    [(1437, 360, 0), (1437, 360, 0), (1438, 359, 0)]
    """
    n_test = _count(config, "test_size", rows) if own_test is None else own_test
    if config.folds is None:
        n_val = _count(config, "val_size", rows)
    else:
        left = rows - n_test
        if left < config.folds:
            raise BadData(f"{config.label}: {left} rows are too few for {config.folds} folds")
        n_val = left // config.folds + (seed % config.folds < left % config.folds)
    rest = rows - n_test - n_val
    n_train = rest if config.train_size is None else _count(config, "train_size", rows)
    if n_train > rest or n_train <= 0:
        asked = "" if n_train <= 0 else f"; train_size {config.train_size} asks for {n_train}"
        raise BadData(
            f"{config.label}: of {rows} rows test takes {n_test} and validation {n_val}, "
            f"which leaves {max(rest, 0)} to train on{asked}"
        )
    return n_train, n_val, n_test


def _require_units(config: DatasetConfig, order: _Order, sizes: tuple[int, int, int]) -> None:
    """Refuse fewer groups or times than parts or folds."""
    there, test = len(order.ends), sizes[2] > 0
    if config.folds is not None:
        parts, what = config.folds + test, f"{config.folds} folds" + (" and a test part" * test)
    else:
        parts = sum(size > 0 for size in sizes)
        what = f"{parts} parts"
    if there < parts:
        assert config.unit is not None
        raise BadData(
            f"{config.label}: column '{getattr(config, config.unit)}' has {there} different "
            f"{_NAMES[config.unit]}, too few for {what}"
        )


def require_classes(config: DatasetConfig, table: Table, ids: PartIds) -> None:
    """Refuse to score a class that training never shows, and to train on a single class."""
    if not table.class_names:
        return
    labels, classes = table.target.astype(np.int64), len(table.class_names)
    in_train, in_val, in_test = (np.bincount(labels[part], minlength=classes) for part in ids)
    for c in np.flatnonzero((in_train == 0) & (in_val + in_test > 0)):
        together = f" (whole {_NAMES[config.unit]} stand in one part)" if config.unit else ""
        raise BadData(
            f"{config.label}: class '{table.class_names[c]}' has {in_val[c]} rows in validation, "
            f"{in_test[c]} in test and none in training: train on more rows, or leave it "
            f"out{together}"
        )
    if np.count_nonzero(in_train) < 2:
        raise BadData(f"{config.label}: one class only in training: train on more rows")


def _count(config: DatasetConfig, key: str, rows: int) -> int:
    size: int | float = getattr(config, key)
    count = part_count(size, rows)
    if count == 0 and (size > 0 or key == "train_size"):
        raise BadData(f"{config.label}: {key} {size} of {rows} rows leaves no example")
    return count

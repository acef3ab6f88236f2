"""Splits: proportional, nested, the same for every member of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regbench.config.blocks.bundled import BreastCancer, Diabetes, Digits, Iris, Wine
from regbench.config.blocks.synthetic import Moons
from regbench.data import Split, load
from regbench.data.bundled import load as bundled
from regbench.data.split import PartIds, part_ids, part_sizes, require_classes, spread
from regbench.data.table import Table
from regbench.errors import BadData
from regbench.streams import Purpose, raw


def digits(seed: int = 0, **keys: Any) -> Split:
    return load(Digits(name="digits", **keys), seed, Path())


def test_order_is_sainte_lague_by_hand() -> None:
    labels = np.array([0, 0, 2, 0, 1, 1, 0, 1, 0])
    keys = raw(3, Purpose.SPLIT, 9)
    place = {}
    for label in (0, 1, 2):
        members = sorted(np.flatnonzero(labels == label), key=lambda row: keys[row])
        place |= {row: ((k + 0.5) / len(members), keys[row]) for k, row in enumerate(members)}
    assert spread(labels, keys).tolist() == sorted(place, key=place.__getitem__)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "iris"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_prefix_is_within_one_example_a_class_of_proportional(name: str, seed: int) -> None:
    labels = bundled(name).target.astype(np.int64)
    order = spread(labels, raw(seed, Purpose.SPLIT, len(labels)))
    assert sorted(order) == list(range(len(labels)))
    one_hot = np.eye(labels.max() + 1)[labels]
    held = np.cumsum(one_hot[order], axis=0)
    proportional = np.arange(1, len(labels) + 1)[:, None] * one_hot.mean(axis=0)
    assert np.abs(held - proportional).max() <= 1


@pytest.mark.parametrize("config", [Digits(name="digits"), Diabetes(name="diabetes")])
def test_parts_are_disjoint_cover_all_rows_and_keep_the_order_of_the_file(config: Any) -> None:
    split = load(config, 4, Path())
    parts = [part.ids for part in (split.train, split.val, split.test)]
    for ids in parts:
        assert (np.diff(ids) > 0).all()
    assert np.sort(np.concatenate(parts)).tolist() == list(range(sum(map(len, parts))))


def test_a_larger_train_size_holds_the_smaller_and_moves_nothing_else() -> None:
    splits = [digits(train_size=size) for size in (50, 300, 0.4, None)]
    for small, large in pairwise(splits):
        assert set(small.train.ids) < set(large.train.ids)
        assert small.val.ids.tolist() == large.val.ids.tolist()
        assert small.test.ids.tolist() == large.test.ids.tolist()


def test_val_size_moves_no_test_row() -> None:
    small, large = digits(val_size=0.1), digits(val_size=0.3)
    assert small.test.ids.tolist() == large.test.ids.tolist()
    assert set(small.val.ids) < set(large.val.ids)


def test_seeds_differ_and_split_seed_takes_their_place() -> None:
    free, other, pinned = digits(0), digits(1), digits(1, split_seed=0)
    assert free.train.ids.tolist() != other.train.ids.tolist()
    assert free.train.ids.tolist() == pinned.train.ids.tolist()
    one, two = (load(Moons(name="moons", split_seed=9), seed, Path()) for seed in (0, 1))
    assert one.train.x.tolist() == two.train.x.tolist()


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ({}, (1079, 359, 359)),
        ({"val_size": 0.25, "test_size": 0}, (1348, 449, 0)),
        ({"train_size": 300, "val_size": 0, "test_size": 5}, (300, 0, 5)),
        ({"train_size": 0.5, "val_size": 1, "test_size": 1}, (899, 1, 1)),
        ({"train_size": 1795, "val_size": 1, "test_size": 1}, (1795, 1, 1)),
    ],
)
def test_sizes(keys: dict[str, Any], sizes: tuple[int, int, int]) -> None:
    assert part_sizes(Digits(name="digits", **keys), 1797) == sizes


@pytest.mark.parametrize("share", [0.01, 0.03, 0.07, 0.15, 0.29, 0.35, 0.45])
def test_a_half_rounds_up_as_written(share: float) -> None:
    config = Digits(name="digits", train_size=1, val_size=share, test_size=0)
    assert part_sizes(config, 50)[1] == (round(share * 100) + 1) // 2


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (
        lambda: digits(train_size=1500),
        "dataset digits: of 1797 rows test takes 359 and validation 359, "
        "which leaves 1079 to train on; train_size 1500 asks for 1500",
    ),
    (
        lambda: digits(val_size=1000, test_size=797),
        "dataset digits: of 1797 rows test takes 797 and validation 1000, "
        "which leaves 0 to train on",
    ),
    (
        lambda: digits(val_size=1000, test_size=1000),
        "dataset digits: of 1797 rows test takes 1000 and validation 1000, "
        "which leaves 0 to train on",
    ),
    (
        lambda: digits(val_size=1e-4),
        "dataset digits: val_size 0.0001 of 1797 rows leaves no example",
    ),
    (
        lambda: digits(test_size=1e-4),
        "dataset digits: test_size 0.0001 of 1797 rows leaves no example",
    ),
    (
        lambda: digits(train_size=0),
        "dataset digits: train_size 0 of 1797 rows leaves no example",
    ),
    (
        lambda: load(Wine(name="wine", train_size=2), 0, Path()),
        "dataset wine: class 'class_1' has 15 rows in validation, 14 in test and none in training: "
        "train on more rows, or leave it out",
    ),
    (
        lambda: load(Iris(name="iris", train_size=1, val_size=0, test_size=0), 0, Path()),
        "dataset iris: one class only in training: train on more rows",
    ),
]


@pytest.mark.parametrize(("call", "message"), MISTAKES)
def test_mistakes(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadData) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_class_that_training_never_shows_is_refused_in_either_part(part: str) -> None:
    table = Table(np.zeros((5, 1)), np.array([0, 0, 1, 1, 2]), ("x",), ("a", "b", "c"))
    val, test = (np.array([1, 4]), np.array([3])) if part == "validation" else ([1], [3, 4])
    ids = PartIds(np.array([0, 2]), np.array(val), np.array(test))
    with pytest.raises(BadData) as caught:
        require_classes(Digits(name="digits"), table, ids)
    rows = "1 rows in validation, 0" if part == "validation" else "0 rows in validation, 1"
    assert str(caught.value) == (
        f"dataset digits: class 'c' has {rows} in test and none in training: "
        "train on more rows, or leave it out"
    )


def test_the_split_that_a_file_brings_is_kept() -> None:
    parts = np.array(["val", "train", "test", "train"])
    table = Table(np.zeros((4, 1)), np.arange(4.0), ("x",), parts=parts)
    ids = part_ids(Iris(name="iris"), table, 0)
    assert [part.tolist() for part in ids] == [[1, 3], [0], [2]]


def test_each_part_of_a_stratified_split_is_proportional() -> None:
    split = load(BreastCancer(name="breast_cancer", train_size=100), 2, Path())
    share = (bundled("breast_cancer").target == 1).mean()
    for part in (split.train, split.val, split.test):
        assert abs((part.y == 1).sum() - share * len(part)) <= 2

"""Folds, groups and times: what scikit-learn's splitters promise, nested, keyed by row or group."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from regbench.config.blocks.bundled import Diabetes, Digits, Wine
from regbench.config.blocks.files import Csv, Npz
from regbench.config.blocks.synthetic import Friedman1
from regbench.data import describe, load, split_key
from regbench.data.bundled import load as bundled
from regbench.data.split import PartIds, part_ids
from regbench.data.table import Table
from regbench.errors import BadData


def block(task: str = "classification", **keys: Any) -> Csv:
    return Csv(name="csv", path="t.csv", target="y", task=task, **keys)


def table(y: Any, groups: Any = None, time: Any = None, classes: int = 0) -> Table:
    y = np.asarray(y)
    names = tuple(map(str, range(classes or y.max() + 1))) if y.dtype.kind == "i" else ()
    return Table(np.zeros((len(y), 1)), y, ("x",), names, groups=groups, time=time)


def val_of_repeat(config: Any, data: Table, repeat: int = 0) -> list[np.ndarray]:
    seeds = range(config.folds * repeat, config.folds * (repeat + 1))
    return [part_ids(config, data, seed).val for seed in seeds]


def grouped(rng: np.random.Generator, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Classes that hang on groups of very different sizes, named by texts."""
    groups = rng.choice(40, rows, p=rng.dirichlet(np.full(40, 2.0)))
    y = (rng.random(rows) < rng.beta(0.5, 1, 40)[groups]).astype(np.int64)
    return y, np.array([f"g{g}" for g in groups])


# --- folds of rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config", [Digits(name="digits", folds=7), Diabetes(name="diabetes", folds=5)]
)
def test_folds_are_as_even_as_those_of_scikit_learn(config: Any) -> None:
    data = bundled(config.name)
    rows, every = len(data.target), np.arange(len(data.target))
    stratified = bool(data.class_names)
    theirs = (StratifiedKFold if stratified else KFold)(config.folds, shuffle=True, random_state=0)
    labels = data.target if stratified else np.zeros(rows, np.int64)
    expected = [labels[val] for _, val in theirs.split(every, labels)]
    for repeat in (0, 3):
        found = [part_ids(config, data, config.folds * repeat + f) for f in range(config.folds)]
        assert np.sort(np.concatenate([ids.val for ids in found])).tolist() == every.tolist()
        for ids in found:
            assert np.setdiff1d(every, ids.val).tolist() == ids.train.tolist()
            assert len(ids.test) == 0
        for c in range(int(labels.max()) + 1):
            ours = sorted(int((labels[ids.val] == c).sum()) for ids in found)
            assert ours == sorted(int((each == c).sum()) for each in expected)
        assert sorted(len(ids.val) for ids in found) == sorted(map(len, expected))


def test_the_test_part_is_drawn_once_outside_all_folds() -> None:
    config, data = Digits(name="digits", folds=4, test_size=0.1), bundled("digits")
    found = [part_ids(config, data, seed) for seed in range(8)]
    assert {tuple(ids.test) for ids in found} == {tuple(found[0].test)}
    # That of seed 0 without folds.
    alone = part_ids(Digits(name="digits", test_size=0.1), data, 0)
    assert found[0].test.tolist() == alone.test.tolist()
    rest = np.setdiff1d(np.arange(1797), alone.test).tolist()
    for repeat in (found[:4], found[4:]):
        assert np.sort(np.concatenate([ids.val for ids in repeat])).tolist() == rest
    assert found[0].val.tolist() != found[4].val.tolist()


def test_split_seed_pins_the_folds_of_all_repeats() -> None:
    data = bundled("wine")
    pinned, other = (Wine(name="wine", folds=3, split_seed=s, test_size=9) for s in (4, 5))
    for seed in range(3):
        first, again = (part_ids(pinned, data, s) for s in (seed, seed + 3))
        assert [p.tolist() for p in first] == [p.tolist() for p in again]
    assert part_ids(pinned, data, 0).test.tolist() != part_ids(other, data, 0).test.tolist()
    # By this splits are told apart: with a pinned one a seed is its fold.
    keys = [split_key(pinned, seed, "wine 1") for seed in range(6)]
    assert keys[:3] == keys[3:]
    assert len(set(keys)) == 3


def test_in_a_fold_a_larger_train_size_holds_the_smaller_and_is_stratified() -> None:
    data = bundled("digits")
    sizes = (60, 500, 0.6, None)
    found = [part_ids(Digits(name="digits", folds=5, train_size=n), data, 7) for n in sizes]
    for small, large in pairwise(found):
        assert set(small.train) < set(large.train)
        assert small.val.tolist() == large.val.tolist()
    counts = np.bincount(data.target[found[0].train].astype(np.int64))
    assert (len(found[0].train), counts.min() >= 5, counts.max() <= 7) == (60, True, True)


def test_made_data_are_the_same_for_all_folds() -> None:
    keys: dict[str, Any] = {"n_samples": 31, "folds": 5, "standardize": False}
    seeds = [load(Friedman1(name="friedman1", **keys), seed, Path()) for seed in range(10)]
    for repeat in (seeds[:5], seeds[5:]):
        rows = {int(i): x.tolist() for s in repeat for i, x in zip(s.val.ids, s.val.x, strict=True)}
        assert len(rows) == 31
        for split in repeat:
            for i, x in zip(split.train.ids, split.train.x, strict=True):
                assert rows[int(i)] == x.tolist()
    assert seeds[0].train.x.tolist() != seeds[5].train.x.tolist()


def test_label_noise_of_a_fold_is_that_of_its_seed_row_by_row() -> None:
    noise = {"label_noise": 0.4}
    fold = load(Digits(name="digits", folds=5, **noise), 3, Path()).train
    plain = load(Digits(name="digits", val_size=0, test_size=0, **noise), 3, Path()).train
    assert fold.y.tolist() == plain.y[fold.ids].tolist()
    assert 0.3 < (fold.y != fold.y_clean).mean() < 0.42
    other = load(Digits(name="digits", folds=5, **noise), 8, Path()).train
    both = np.intersect1d(fold.ids, other.ids)
    assert (fold.y[np.isin(fold.ids, both)] != other.y[np.isin(other.ids, both)]).any()


# --- groups ---------------------------------------------------------------------------------------


def require_whole(groups: np.ndarray, ids: PartIds) -> None:
    for group in np.unique(groups):
        assert sum(bool((groups[part] == group).any()) for part in ids) <= 1


def test_every_group_stays_on_one_side_and_sizes_come_as_near_as_groups_allow() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        y, groups = grouped(rng)
        largest = np.unique(groups, return_counts=True)[1].max()
        ids = part_ids(block(groups="g", val_size=80, test_size=0.2), table(y, groups), seed)
        require_whole(groups, ids)
        assert np.sort(np.concatenate(ids)).tolist() == list(range(len(y)))
        for part in (ids.val, ids.test):
            assert abs(len(part) - 80) <= max(80, largest) / 2 + largest / 2


def test_no_part_that_is_asked_for_stays_empty_however_large_a_group_is() -> None:
    groups = np.repeat(np.arange(4), [1, 1, 1, 97])
    for seed in range(30):
        y = np.arange(100) % 2
        ids = part_ids(block(groups="g", val_size=0.4, test_size=0.4), table(y, groups), seed)
        assert min(map(len, ids)) >= 1
        config = block(groups="g", folds=3, test_size=0.4)
        assert min(map(len, part_ids(config, table(y, groups), seed))) >= 1


def test_sizes_of_parts_nest_by_group() -> None:
    y, groups = grouped(np.random.default_rng(1))
    data = table(y, groups)
    trained = [
        part_ids(block(groups="g", train_size=n), data, 5) for n in (30, 31, 150, 0.45, None)
    ]
    for small, large in pairwise(trained):
        assert set(small.train) < set(large.train)
        assert [small.val.tolist(), small.test.tolist()] == [
            large.val.tolist(),
            large.test.tolist(),
        ]
    # To the row: rows that are left out of a group are in no other part.
    assert [len(ids.train) for ids in trained[:4]] == [30, 31, 150, 180]
    small, large = (part_ids(block(groups="g", val_size=n), data, 5) for n in (0.1, 0.3))
    assert small.test.tolist() == large.test.tolist()
    assert set(small.val) < set(large.val)


def test_groups_are_keyed_as_they_come_whatever_they_are_called() -> None:
    y, groups = grouped(np.random.default_rng(2))
    names, numbers = np.unique(groups, return_inverse=True)
    called = np.random.default_rng(3).permutation(len(names))[numbers]
    config = block(groups="g")
    one, two = (part_ids(config, table(y, each), 3) for each in (groups, called))
    other = part_ids(config, table(y, groups), 4)
    assert [p.tolist() for p in one] == [p.tolist() for p in two]
    assert one.val.tolist() != other.val.tolist()


def test_parts_of_pure_groups_are_stratified_to_a_group_and_single_rows_as_without_groups() -> None:
    groups = np.arange(300) % 30
    y = groups % 3  # as in families of equal size, ten of each class
    for seed in range(10):
        for part in part_ids(block(groups="g"), table(y, groups), seed):
            assert np.ptp(np.bincount(y[part], minlength=3)) <= 10
    data = bundled("digits")
    alone = Table(data.values, data.target, data.column_names, data.class_names)
    own = Table(
        *(data.values, data.target, data.column_names, data.class_names), groups=np.arange(1797)
    )
    counts = [
        [np.bincount(data.target[part].astype(int)) for part in part_ids(config, each, 2)]
        for config, each in ((block(), alone), (block(groups="g"), own))
    ]
    for rows, singles in zip(*counts, strict=True):
        assert np.abs(rows - singles).max() <= 1


def test_the_rows_of_a_rare_class_are_spread_over_the_parts() -> None:
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(100), 10)
    y = np.zeros(1000, np.int64)
    y[rng.choice(100, 20, replace=False) * 10] = 1  # one row in each of twenty groups
    for seed in range(10):
        ids = part_ids(block(groups="g"), table(y, groups), seed)
        assert [int(y[part].sum()) for part in ids] == pytest.approx([12, 4, 4], abs=1)


def test_folds_keep_groups_whole_and_are_as_even_as_those_of_scikit_learn() -> None:
    rng, ours, theirs = np.random.default_rng(4), [], []

    def unevenness(folds: list[np.ndarray], y: np.ndarray) -> float:
        """The largest difference between the shares of a class, or of all rows, that folds hold."""
        shares = [[(y[f] == c).sum() / (y == c).sum() for c in (0, 1)] for f in folds]
        return float(
            np.ptp([[*row, len(f) / len(y)] for row, f in zip(shares, folds, strict=True)], 0).max()
        )

    for repeat in range(20):
        y, groups = grouped(rng)
        config, data = block(groups="g", folds=5), table(y, groups)
        folds = val_of_repeat(config, data, repeat)
        assert np.sort(np.concatenate(folds)).tolist() == list(range(400))
        for fold in range(5):
            require_whole(groups, part_ids(config, data, 5 * repeat + fold))
        ours.append(unevenness(folds, y))
        sgkf = StratifiedGroupKFold(5, shuffle=True, random_state=repeat)
        theirs.append(unevenness([val for _, val in sgkf.split(y, y, groups)], y))
    assert np.mean(ours) <= np.mean(theirs)


def test_folds_of_a_regression_differ_by_no_more_than_the_largest_group() -> None:
    rng = np.random.default_rng(5)
    for repeat in range(10):
        _, groups = grouped(rng)
        config = block("regression", groups="g", folds=4, test_size=0.1)
        data = table(rng.normal(size=400), groups)
        sizes = [len(val) for val in val_of_repeat(config, data, repeat)]
        largest = np.unique(groups, return_counts=True)[1].max()
        assert np.ptp(sizes) <= largest
        tests = {tuple(part_ids(config, data, seed).test) for seed in range(3)}
        assert len(tests) == 1
    # Where all groups are equal there is one way, theirs and ours.
    groups = np.arange(120) % 12
    config = block("regression", groups="g", folds=4)
    found = [len(val) for val in val_of_repeat(config, table(rng.normal(size=120), groups))]
    assert found == [len(v) for _, v in GroupKFold(4).split(groups, groups, groups)] == [30] * 4


def test_repeats_deal_the_groups_anew() -> None:
    y, groups = grouped(np.random.default_rng(6))
    config, data = block(groups="g", folds=5), table(y, groups)
    pairs = np.zeros((2, 400, 400), bool)
    for repeat in (0, 1):
        for val in val_of_repeat(config, data, repeat):
            pairs[repeat][np.ix_(val, val)] = True
    together = (pairs[0] & pairs[1]).sum() / pairs[0].sum()
    assert together < 0.6  # of the rows of one fold; those of one group stay


# --- time -----------------------------------------------------------------------------------------


def test_validation_is_later_than_training_and_test_later_still() -> None:
    rng = np.random.default_rng(7)
    for seed in range(10):
        time = rng.integers(0, 60, 300)  # with ties
        y = rng.integers(0, 2, 300)
        ids = part_ids(block(time="t"), table(y, time=time), seed)
        assert time[ids.train].max() < time[ids.val].min()
        assert time[ids.val].max() < time[ids.test].min()
        most = np.bincount(time).max()
        assert [len(ids.val), len(ids.test)] == pytest.approx([60, 60], abs=int(most))
        again = part_ids(block(time="t"), table(y, time=time), seed + 1)
        assert [p.tolist() for p in again] == [p.tolist() for p in ids]


def test_a_smaller_train_size_takes_the_latest_rows_before_validation() -> None:
    time = np.random.default_rng(8).permutation(100)
    found = [
        part_ids(block(time="t", train_size=n), table(np.arange(100) % 2, time=time), 0)
        for n in (10, 40)
    ]
    assert [sorted(time[ids.train].tolist()) for ids in found] == [
        [*range(50, 60)],
        [*range(20, 60)],
    ]
    assert sorted(time[found[0].val].tolist()) == [*range(60, 80)]


# --- files ----------------------------------------------------------------------------------------


def read(folder: Path, rows: list[str], header: str = "a,k,y", seed: int = 0, **keys: Any) -> Any:
    (folder / "t.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return load(block(**keys), seed, folder)


def test_columns_of_groups_and_of_time_are_no_features(tmp_path: Path) -> None:
    rows = [f"{i % 7},p{i // 3},{i % 2}" for i in range(60)]
    split = read(tmp_path, rows, groups="k", val_size=0.3)
    assert split.feature_names == ("a",)
    for ids in (split.val.ids, split.test.ids):
        assert {int(i) // 3 for i in ids} == {i // 3 for i in range(60) if i in ids}
        assert all(sum(i // 3 == g for i in ids) == 3 for g in {int(i) // 3 for i in ids})
    dates = [f"{i % 7},2024-{i % 12 + 1:02d}-{i // 12 + 1:02d},{i % 2}" for i in range(60)]
    numbers = [f"{i % 7},{(i % 12) * 31 + i // 12},{i % 2}" for i in range(60)]
    stamps = [row.replace(",2024", ", 2024").replace("-01,", "-01T08:30:00Z,") for row in dates]
    found = [read(tmp_path, each, time="k") for each in (dates, numbers, stamps)]
    assert found[0].feature_names == ("a",)
    for other in found[1:]:
        assert found[0].test.ids.tolist() == other.test.ids.tolist()
    assert {i % 12 for i in found[0].test.ids.tolist()} <= {9, 10, 11}


GOOD = [f"{i % 7},{i % 6},{i % 2}" for i in range(60)]
MISTAKES: list[tuple[list[str], dict[str, Any], str]] = [
    (GOOD, {"groups": "kk"}, "t.csv: has no column 'kk' for groups (did you mean 'k'?)"),
    (GOOD, {"time": "y"}, "t.csv: column 'y' cannot be both target and time"),
    (GOOD, {"groups": "k", "drop": ("k",)}, "t.csv: column 'k' cannot be both groups and drop"),
    ([*GOOD[:3], "1,,0"], {"groups": "k"}, "t.csv: line 5, column 'k': an empty cell is no group"),
    ([*GOOD[:3], "1, ,0"], {"time": "k"}, "t.csv: line 5, column 'k': an empty cell is no time"),
    (
        [*GOOD[:3], "1,May,0"],
        {"time": "k"},
        "t.csv: line 5, column 'k': 'May' is neither a number nor an ISO date (2024-05-31, "
        "2024-05-31T08:00)",
    ),
    (
        ["1,2024-05-01,0", "1,17,0", "1,2024-05-02,1"],
        {"time": "k"},
        "t.csv: line 3, column 'k': '17' is a number, where others are dates",
    ),
    (
        ["1,17,0", "1,2024-05-01,0", "1,2024-05-02,1"],
        {"time": "k"},
        "t.csv: line 2, column 'k': '17' is a number, where others are dates",
    ),
    (
        ["1,2024-05-01,0", "1,01/06/2024,1"],
        {"time": "k"},
        "t.csv: line 3, column 'k': '01/06/2024' is neither a number nor an ISO date "
        "(2024-05-31, 2024-05-31T08:00)",
    ),
    (
        ["1,1,0", "2,inf,1"],
        {"time": "k"},
        "t.csv: line 3, column 'k': inf is infinite or beyond single precision",
    ),
    (
        [f"{i},{i % 2},{i % 2}" for i in range(60)],
        {"groups": "k"},
        "t.csv: column 'k' has 2 different groups, too few for 3 parts",
    ),
    (
        [f"{i},7,{i % 2}" for i in range(60)],
        {"time": "k"},
        "t.csv: column 'k' has 1 different times, too few for 3 parts",
    ),
    (
        GOOD,
        {"groups": "k", "folds": 6, "test_size": 10},
        "t.csv: column 'k' has 6 different groups, too few for 6 folds and a test part",
    ),
    (GOOD, {"folds": 61}, "t.csv: 60 rows are too few for 61 folds"),
    (
        ["1,1,2", *GOOD],
        {"folds": 5, "seed": 5},
        "t.csv: class '2' has 1 rows in validation, 0 in test and none in training: train on more "
        "rows, or leave it out",
    ),
    (
        [f"{i},{i // 10},{i // 30}" for i in range(60)],
        {"groups": "k", "val_size": 16, "train_size": 31},
        "t.csv: whole groups make 10 rows of test and 20 of validation, which leaves 30 to train "
        "on; train_size 31 asks for 31",
    ),
]


@pytest.mark.parametrize(("rows", "keys", "message"), MISTAKES)
def test_mistakes(tmp_path: Path, rows: list[str], keys: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData) as caught:
        read(tmp_path, rows, **keys)
    assert str(caught.value) == message


def test_every_empty_cell_of_a_key_is_named(tmp_path: Path) -> None:
    rows = [f"1,{'' if i % 2 else 2},{i // 2 % 2}" for i in range(60)]
    for key in ("groups", "time"):
        every = [
            f"t.csv: line {i + 2}, column 'k': an empty cell is no {key[:5]}"
            for i in range(1, 60, 2)
        ]
        with pytest.raises(BadData) as caught:
            read(tmp_path, rows[:24], **{key: "k"})
        assert str(caught.value).splitlines() == every[:12]
        with pytest.raises(BadData) as caught:
            read(tmp_path, rows, **{key: "k"})
        more = "t.csv: and more: these are the first 20"
        assert str(caught.value).splitlines() == [*every[:20], more]


def test_a_class_that_stands_in_one_group_is_named_with_it(tmp_path: Path) -> None:
    rows = [f"{i},{i // 6},{int(i < 6) or 2 * (i % 2)}" for i in range(60)]
    told = set()
    for seed in range(10):
        try:
            read(tmp_path, rows, groups="k", folds=5, seed=seed)
        except BadData as error:
            told.add(str(error))
    assert told == {
        "t.csv: class '1' has 6 rows in validation, 0 in test and none in training: train on more "
        "rows, or leave it out (whole groups stand in one part)"
    }


def test_an_array_of_groups_keeps_rows_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    y, groups = grouped(rng)
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(400, 2)), y=y, groups=groups)
    keys: dict[str, Any] = {"name": "npz", "path": "t.npz", "task": "classification"}
    split = load(Npz(**keys, groups="groups"), 1, tmp_path)
    expected = part_ids(block(groups="g"), table(y, groups), 1)
    assert [part.ids.tolist() for part in (split.train, split.val, split.test)] == [
        ids.tolist() for ids in expected
    ]
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(400, 2)), y=y)
    with pytest.raises(BadData, match=r"t\.npz: has no groups to split by"):
        load(Npz(**keys, groups="groups"), 1, tmp_path)
    # Where it is not asked for, it is told that there is one.
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(400, 2)), y=y, groups=groups)
    notes = describe(Npz(**keys), tmp_path).notes
    assert notes == ("array groups is not used: groups: groups would keep each in one part",)

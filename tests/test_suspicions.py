"""What looks wrong with a table is told, and nothing of one that is sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import regbench, study

from regbench.config.load import study_from_mapping
from regbench.data import suspicions


def found(tmp_path: Path, columns: dict, task: str = "regression", **keys: object) -> dict:
    """kind -> column of what is told of a table of these columns; the target is y."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    block = {"name": "csv", "path": "t.csv", "target": "y", "task": task, **keys}
    config = study_from_mapping({"dataset": block}).base.dataset
    return {(each.kind, each.column): each.text for each in suspicions(config, tmp_path)}


def noise(n: int = 300, seed: int = 0) -> dict:
    """A sound table: four normal columns, a category, and a target of some of them."""
    draw = np.random.default_rng(seed)
    columns: dict = {name: draw.normal(size=n).round(4) for name in "abcd"}
    columns["colour"] = draw.choice(["red", "green", "blue"], n)
    columns["y"] = (columns["a"] + columns["b"] + draw.normal(size=n)).round(4)
    return columns


def with_y(columns: dict, y: object) -> dict:
    return {**columns, "y": y}


def test_nothing_is_told_of_a_sound_table(tmp_path):
    draw, sound = np.random.default_rng(5), noise()
    assert found(tmp_path, sound) == {}
    assert found(tmp_path, with_y(sound, (sound["y"] > 0).astype(int)), "classification") == {}
    rare = (sound["y"] > 4).astype(int)  # a constant is right in 98.7% of the rows
    assert 0 < rare.sum() < 5
    assert found(tmp_path, with_y(sound, rare), "classification") == {}
    # Few different rows are alike by chance; many texts need be no groups.
    flags = {name: draw.integers(0, 2, 300) for name in "pqr"}
    assert found(tmp_path, {**flags, "y": draw.integers(0, 2, 300)}, "classification") == {}
    assert found(tmp_path, {"place": [f"p{k}" for k in draw.integers(0, 60, 300)], **sound}) == {}
    days = draw.choice(["Thu", "Fri", "Sat", "Sun"], 300)
    assert found(tmp_path, {"day": days, "year": draw.integers(1990, 1995, 300), **sound}) == {}
    assert found(tmp_path, {name: [*v, v[0]] for name, v in sound.items()}) == {}  # one copy
    assert found(tmp_path, {"age": draw.integers(0, 100, 300), **sound}) == {}


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e37])
def test_numbers_whose_squares_are_none(tmp_path, scale):
    sound = noise()
    scaled = {name: v * scale if name in "ay" else v for name, v in sound.items()}
    assert found(tmp_path, scaled) == {}
    assert ("tells", "a") in found(tmp_path, with_y(scaled, sound["a"] * 2))


def test_rare_categories(tmp_path):
    draw, sound = np.random.default_rng(1), noise()
    codes = [f"c{k}" for k in draw.integers(0, 150, 300)]
    told = found(tmp_path, {"code": codes, **sound})
    assert list(told) == [("rare", "code")]
    rare = sum(codes.count(code) < 3 for code in set(codes))
    many, most = len(set(codes)), len(set(codes)) - rare + 1
    assert told["rare", "code"] == (
        f"column 'code': {rare} of {many} texts stand in fewer than 3 rows each: max_categories: "
        f"{most} lets them share one input"
    )
    assert found(tmp_path, {"code": codes, **sound}, max_categories=most) == {}


def test_columns(tmp_path):
    sound, n = noise(), 300
    for name, values, kind, words in (
        ("x", np.full(n, 7), "constant", "is 7 in every row: drop it"),
        ("x", np.full(n, "one"), "constant", "is the same in every row"),
        ("x", 100 + np.random.default_rng(1).permutation(n), "id", "counts the rows (100 to 399)"),
        ("x", [-999] * 7 + [5.5, 6.5, 9] * 97 + [5.5, 6.5], "sentinel", "-999 stands in 7 rows"),
        ("x", [-3.4028234e38] + [0.5, 2] * 149 + [1], "sentinel", "e+38 stands in 1 row, far"),
        ("x", [9999] + [0.5, 2] * 149 + [1], "sentinel", "9999 stands in 1 row, far from all"),
        ("x", sound["y"] * 3 + 1, "tells", "(correlation 1.0000)"),
        ("x", np.where(sound["y"] > 0, 99, sound["a"].clip(0, 98)), "", ""),  # an age of 99
    ):
        told = found(tmp_path, {name: values, **sound})
        if kind:
            assert list(told) == [(kind, name)], told
            assert words in told[kind, name]


def test_a_column_that_tells_the_classes(tmp_path):
    sound = noise()
    cuts = np.digitize(sound["y"], [-1, 1])
    told = found(tmp_path, {"x": sound["y"], **with_y(sound, cuts)}, "classification")
    assert list(told) == [("tells", "x")]
    # Three rows in a hundred that lie elsewhere are too many.
    wrong = np.where(np.arange(300) % 33 == 0, -sound["y"], sound["y"])
    assert found(tmp_path, {"x": wrong, **with_y(sound, cuts)}, "classification") == {}
    named = {"x": np.array(["low", "middle", "high"])[cuts], **with_y(sound, cuts)}
    told = found(tmp_path, named, "classification")
    assert "its most frequent class is right in 100.0%" in told["tells", "x"]


def test_rows_in_two_parts(tmp_path):
    sound = {name: np.tile(values[:100], 3) for name, values in noise().items()}
    text = found(tmp_path, sound)["copies", ""]
    share = int(text.split("%")[0])
    # 180 of 300 rows train: a validation row lacks both its twins there with chance about .16.
    assert 75 <= share <= 93
    assert "groups: COLUMN" in text
    kept = {"family": np.tile(np.arange(100), 3), **sound}
    assert found(tmp_path, kept, groups="family") == {}


def test_groups_across_parts(tmp_path):
    sound, family = noise(), np.repeat(np.arange(30), 10)
    near = np.random.default_rng(1).normal(size=30)[family]
    alike = {"village": [f"v{k}" for k in family], **sound}
    alike |= {name: (near + 0.1 * sound[name]).round(4) for name in "abcd"}
    order = np.random.default_rng(2).permutation(300)  # in order, rows would follow each other
    alike = {name: np.asarray(values)[order] for name, values in alike.items()}
    told = found(tmp_path, alike)
    assert list(told) == [("groups", "village")], told
    assert "100% of the validation rows share its value" in told["groups", "village"]
    assert found(tmp_path, alike, groups="village") == {}
    # By its name alone.
    named = {"patient_id": family[order], **sound}
    assert list(found(tmp_path, named)) == [("groups", "patient_id")]


def test_order(tmp_path):
    sound = noise()
    walk = np.cumsum(np.random.default_rng(3).normal(size=300)).round(3)
    assert "autocorrelation 0.9" in found(tmp_path, with_y(sound, walk))["order", ""]
    days = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(300)]
    dated = {"day": days, **sound}
    text = found(tmp_path, dated, drop=["day"])["order", "day"]
    assert text.endswith("time: day (not drop) validates on later rows")
    assert found(tmp_path, dated, time="day") == {}
    years = {"year": 1990 + np.arange(300) // 30, **sound}
    assert list(found(tmp_path, years)) == [("order", "year")]
    ranked = with_y(sound, np.sort(sound["y"]))
    assert "sorted by the target" in found(tmp_path, ranked)["order", ""]


@pytest.mark.parametrize("command", ["run", "data"])
def test_commands_warn(command, tmp_path):
    found(tmp_path, {"x": np.full(300, 7), **noise()})
    one = study(
        tmp_path,
        "dataset: {name: csv, path: t.csv, target: y, task: regression}\n"
        "training: {epochs: 1}\nseeds: 2\n",
    )
    done = regbench(command, one, *(["-q"] if command == "run" else []), cwd=tmp_path)
    told = done.err if command == "run" else done.out
    assert done.code == 0
    assert told.count("warning: ") == 1
    assert "column 'x' is 7 in every row: drop it" in told

"""CSV files: types, gaps and categories, fitted on the training part, the same I for every seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from regbench.config.blocks.files import Csv
from regbench.data import DataShape, Split, load, shape

# train: 1, 3, nan, 8 | red, red, blue, nan;   green is in validation only, test lacks a number
BROUGHT = """size,colour,part,y
1,red,train,p
3, red ,train,q
,blue,train,p
8,,train,q
100,green,val,p
NA,blue,test,q
"""


def write(folder: Path, text: str, name: str = "d.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def csv(folder: Path, text: str, seed: int = 0, **keys: Any) -> Split:
    write(folder, text)
    keys = {"target": "y", "task": "classification", **keys}
    return load(Csv(name="csv", path="d.csv", **keys), seed, folder)


def test_imputation_and_one_hot_by_hand(tmp_path: Path) -> None:
    split = csv(tmp_path, BROUGHT, split_column="part", standardize=False)
    assert split.feature_names == ("size", "colour=blue", "colour=green", "colour=red")
    assert split.train.x.tolist() == [
        [1, 0, 0, 1],
        [3, 0, 0, 1],
        [3, 1, 0, 0],  # the median of 1, 3, 8
        [8, 0, 0, 1],  # red is the most frequent
    ]
    assert split.val.x.tolist() == [[100, 0, 0, 0]]  # training never shows green
    assert split.test.x.tolist() == [[3, 1, 0, 0]]
    assert split.class_names == ("p", "q")
    assert split.train.y.tolist() == [0, 1, 0, 1]
    assert split.train.ids.tolist() == [0, 1, 2, 3]


def test_numbers_are_standardised_and_categories_are_not(tmp_path: Path) -> None:
    split = csv(tmp_path, BROUGHT, split_column="part")
    plain = csv(tmp_path, BROUGHT, split_column="part", standardize=False)
    mean, sd = plain.train.x[:, 0].mean(), plain.train.x[:, 0].std()
    for one, other in (
        (split.train, plain.train),
        (split.val, plain.val),
        (split.test, plain.test),
    ):
        np.testing.assert_allclose(one.x[:, 0], (other.x[:, 0] - mean) / sd, rtol=1e-12)
        assert (one.x[:, 1:] == other.x[:, 1:]).all()
    assert split.val.x[0, 1:].tolist() == [0, 0, 0]


def mixed(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(5, 3, rows).round(3),
            "b": rng.choice(["x", "y", "z", "w"], rows),
            "c": rng.integers(0, 9, rows).astype(float),
            "d": rng.choice(["left", "right"], rows),
            "y": rng.choice(["no", "yes"], rows),
        }
    )
    for column in "abcd":
        frame.loc[rng.choice(rows, 7, replace=False), column] = None
    frame.loc[rows - 1, "b"] = "rare"
    return frame


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_scikit_learn_pipeline_on_the_training_rows(
    tmp_path: Path, seed: int
) -> None:
    frame = mixed()
    split = csv(tmp_path, frame.to_csv(index=False), seed)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    reference = ColumnTransformer([("a, c", numbers, ["a", "c"]), ("b, d", texts, ["b", "d"])])
    features = frame.drop(columns="y").astype({"b": object, "d": object})
    features = features.where(features.notna(), np.nan)
    train = features.iloc[split.train.ids]
    reference.fit(train)
    kept = [
        j
        for j, name in enumerate(split.feature_names)
        if "=" not in name or name.split("=")[1] in set(train["b"]) | set(train["d"])
    ]
    for part in (split.train, split.val, split.test):
        expected = reference.transform(features.iloc[part.ids])
        np.testing.assert_allclose(part.x[:, kept], expected, atol=1e-12)
        assert (np.delete(part.x, kept, axis=1) == 0).all()


def test_the_number_of_inputs_is_the_same_for_every_seed_and_known_beforehand(
    tmp_path: Path,
) -> None:
    splits = [csv(tmp_path, mixed().to_csv(index=False), seed) for seed in range(8)]
    config = Csv(name="csv", path="d.csv", target="y", task="classification")
    assert {split.inputs for split in splits} == {9}
    assert shape(config, tmp_path) == DataShape(rows=60, example=(9,), outputs=2)
    # Otherwise this test shows nothing: some seed trains without the rare category.
    rare = splits[0].feature_names.index("b=rare")
    assert any((split.train.x[:, rare] == 0).all() for split in splits)


def test_rows_outside_training_change_no_training_value(tmp_path: Path) -> None:
    # The file keeps its numeric range of types and categories; only val and test cells change.
    other = BROUGHT.replace("100,green,val", "-7,red,val").replace("NA,blue,test", "55,green,test")
    one = csv(tmp_path, BROUGHT, split_column="part")
    two = csv(tmp_path, other, split_column="part")
    assert one.train.x.tolist() == two.train.x.tolist()
    assert one.val.x.tolist() != two.val.x.tolist()


def test_columns_that_training_leaves_empty_are_zero_everywhere(tmp_path: Path) -> None:
    text = "n,t,u,part,y\n,,1,train,p\n,,2,train,q\n5,a,3,val,p\n6,b,4,test,q\n"
    split = csv(tmp_path, text, split_column="part", standardize=False)
    assert split.feature_names == ("n", "u", "t=a", "t=b")
    assert split.train.x.tolist() == [[0, 1, 0, 0], [0, 2, 0, 0]]
    assert split.val.x.tolist() == [[0, 3, 0, 0]]
    assert split.test.x.tolist() == [[0, 4, 0, 0]]


def test_a_regression_target_and_dropped_columns(tmp_path: Path) -> None:
    text = "id,x,y\n" + "".join(f"n{row},{row},{2 * row}.5\n" for row in range(10))
    split = csv(tmp_path, text, task="regression", drop=("id",), standardize=False)
    assert (split.task, split.classes, split.class_names) == ("regression", 0, ())
    assert split.feature_names == ("x",)
    assert split.train.y.tolist() == (2 * split.train.ids + 0.5).tolist()
    assert split.train.y.dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "9", "10", "-1"], ("-1", "9", "10")),  # numbers in numeric order
        (["1.0", "2.5", "1", "2.5", "1"], ("1", "1.0", "2.5")),  # as they are written
        (["b", "a", "B", "a", "b"], ("B", "a", "b")),
        (["True", "False", "False", "True", "True"], ("False", "True")),
        (["10", "9", "x", "10", "9"], ("10", "9", "x")),
    ],
)
def test_classes_in_sorted_order(tmp_path: Path, labels: list[str], names: Any) -> None:
    rows = [f"{row},{label}\n" for row, label in enumerate(labels * 10)]
    split = csv(tmp_path, "x,y\n" + "".join(rows), val_size=0, test_size=0)
    assert split.class_names == names
    given = [names[c] for c in split.train.y]
    assert given == labels * 10


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", " 2", '" 3 "', "4e0", "nan"], [1, 2, 3, 4, 2.5]),
        (["1000000000000000000000000000000", "1", "NA", "1", "NaN"], [1e30, 1, 1, 1, 1]),
        (["0.1", "1e-3", "-5", ".5", "+2"], [0.1, 0.001, -5, 0.5, 2]),
    ],
)
def test_numbers(tmp_path: Path, cells: list[str], expected: list[float]) -> None:
    rows = [f"{cell},{row % 2}\n" for row, cell in enumerate(cells)]
    split = csv(tmp_path, "x,y\n" + "".join(rows), val_size=0, test_size=0, standardize=False)
    assert split.feature_names == ("x",)
    assert split.train.x[:, 0].tolist() == expected


def test_a_few_numbers_among_texts_are_categories(tmp_path: Path) -> None:
    text = "doors,y\n" + "2,p\n3,q\n4,p\n5more,q\n" * 5
    names = csv(tmp_path, text).feature_names
    assert names == ("doors=2", "doors=3", "doors=4", "doors=5more")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_byte_order_marks_and_blank_lines(tmp_path: Path, end: str, mark: str) -> None:
    text = mark + "x,y\n1,p\n\n2,q\n".replace("\n", end)
    (tmp_path / "d.csv").write_bytes(text.encode())
    config = Csv(
        name="csv", path="d.csv", target="y", task="classification", val_size=0, test_size=0
    )
    split = load(config, 0, tmp_path)
    assert split.feature_names == ("x",)
    assert split.train.x[:, 0].tolist() == [-1, 1]


def test_rows_after_empty_lines_are_kept_whatever_the_line_ends(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"y,x\n\r,0\n\r,1\np,1\nq,2\n")
    config = Csv(name="csv", path="d.csv", target="x", task="regression", val_size=0, test_size=0)
    assert load(config, 0, tmp_path).train.y_clean.shape == (4,)


def test_a_file_is_read_again_when_it_changed_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x,y\n" + "1,p\n2,q\n" * 5
    csv(tmp_path, text)
    monkeypatch.setattr(pd, "read_csv", None)
    config = Csv(name="csv", path="d.csv", target="y", task="classification", train_size=4)
    assert len(load(config, 3, tmp_path).train) == 4
    monkeypatch.undo()
    assert len(csv(tmp_path, text * 1 + "3,p\n4,q\n").train) == 8


def test_label_noise_on_the_split_that_a_file_brings(tmp_path: Path) -> None:
    rows = [f"{row},{'train' if row % 2 else 'test'},{row // 2 % 3}\n" for row in range(600)]
    split = csv(tmp_path, "x,s,y\n" + "".join(rows), split_column="s", label_noise=0.5)
    assert split.flip_rate == (split.train.y != split.train.y_clean).mean()
    assert 0.22 < split.flip_rate < 0.45
    assert split.train.y_clean.tolist() == [row // 2 % 3 for row in range(1, 600, 2)]
    assert len(split.val) == 0

"""The fitted transform: scikit-learn's, plain values and back, and rows it has never seen."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from regbench.data.description import described
from regbench.data.table import Table
from regbench.data.transform import Transform

# Three kinds: numbers (0, 3), an indicator (1), categories (2, 4); gaps in each.
COLUMNS = ("size", "flag", "colour", "age", "place")
TEXTS = {2: ("blue", "green", "red"), 4: tuple(f"p{i}" for i in range(40))}


def made(seed: int, rows: int = 80) -> Table:
    rng = np.random.default_rng(seed)
    values = np.column_stack(
        [
            rng.normal(7, 3, rows),
            rng.random(rows) < 0.1,
            rng.integers(0, 3, rows),
            rng.integers(0, 90, rows) * 1e6,
            rng.integers(0, 40, rows),
        ]
    ).astype(np.float64)
    values[rng.random(values.shape) < 0.1] = np.nan
    return Table(values, rng.normal(50, 9, rows), COLUMNS, (), TEXTS, indicators=frozenset([1]))


@pytest.mark.parametrize("seed", range(5))
def test_rare_categories_share_an_input_as_in_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for most in (2, 3, 8, 20):
        texts = tuple(f"t{i:02d}" for i in range(rng.integers(most + 1, 30)))
        codes = np.minimum(rng.geometric(0.2, 120) - 1, len(texts) - 1).astype(np.float64)
        codes[rng.random(120) < 0.1] = np.nan
        codes[-1] = -1.0  # a text that is new to the whole table
        table = Table(
            codes[:, None], rng.normal(size=120), ("code",), (), {0: texts}, max_categories=most
        )
        fitted = Transform.fit(table, np.arange(40))
        x = Transform.from_json(json.loads(json.dumps(fitted.as_json())))(table.values)
        np.testing.assert_array_equal(x, fitted(table.values))
        assert x.shape == (120, most) == (120, table.shape.inputs)
        shown = {code for code in codes[:40] if code >= 0}
        assert (fitted.feature_names[-1] == "code=(others)") == (len(shown) > most)
        reference = make_pipeline(
            SimpleImputer(strategy="most_frequent"),
            OneHotEncoder(
                max_categories=most, handle_unknown="infrequent_if_exist", sparse_output=False
            ),
        ).fit(codes[:40, None])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of unknown texts
            theirs = reference.transform(codes[:, None])
        used = [sorted(map(tuple, each.T[each.any(axis=0)])) for each in (x, theirs)]
        assert used[0] == used[1]


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    table, train = made(seed), np.arange(50)
    number = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    flag = SimpleImputer(strategy="most_frequent")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot)
    parts = [("size", number, [0]), ("flag", flag, [1]), ("age", number, [3])]
    reference = ColumnTransformer([*parts, ("texts", text, [2, 4])]).fit(table.values[train])
    fitted = Transform.fit(table, train)
    x = fitted(table.values)
    names = fitted.feature_names
    assert names[:5] == ("size", "flag", "age", "colour=blue", "colour=green")
    assert x.shape == (80, len(names)) == (80, 46)
    shown = [j for j in range(46) if j < 3 or (x[:50, j] == 1).any()]
    np.testing.assert_allclose(x[:, shown], reference.transform(table.values), atol=1e-12)
    assert (np.delete(x, shown, axis=1) == 0).all()
    y = StandardScaler().fit(table.target[train, None])
    np.testing.assert_allclose(
        fitted.scaled_target(table.target), y.transform(table.target[:, None])[:, 0], atol=1e-12
    )


@pytest.mark.parametrize("standardize", [True, False])
def test_plain_values_and_back(standardize: bool) -> None:
    table = made(9)
    fitted = Transform.fit(table, np.arange(30, 70), standardize, complete=True)
    text = json.dumps(fitted.as_json(), allow_nan=False)
    again = Transform.from_json(json.loads(text))
    assert (again(table.values) == fitted(table.values)).all()
    assert (again.scaled_target(table.target) == fitted.scaled_target(table.target)).all()
    assert again.feature_names == fitted.feature_names
    assert json.dumps(again.as_json()) == text


def test_rows_that_are_yet_to_come() -> None:
    """A gap in a column that had none is its median; a text that nobody knows is 0 everywhere."""
    values = np.array([[1.0, 0.0, 0], [5.0, 0.0, 1], [2.0, 1.0, 1], [900.0, 1.0, 2]])
    table = Table(values, np.zeros(4), ("a", "f", "t"), ("n", "y"), {2: ("k", "l", "m")})
    train = np.array([0, 1, 2])
    fitted = Transform.fit(table, train, standardize=False, complete=True)
    new = np.array([[np.nan, np.nan, np.nan], [7.0, 1.0, -1.0], [8.0, 0.0, 2.0]])
    assert fitted(new).tolist() == [
        [2.0, 0.0, 0.0, 1.0, 0.0],
        [7.0, 1.0, 0.0, 0.0, 0.0],
        [8.0, 0.0, 0.0, 0.0, 0.0],  # training never shows m
    ]


def test_a_column_that_training_leaves_empty_is_zero_everywhere() -> None:
    values = np.array([[np.nan, np.nan, 4.0], [np.nan, np.nan, 6.0], [3.0, 1.0, 5.0]])
    table = Table(values, np.zeros(3), ("n", "t", "m"), ("p", "q"), {1: ("k", "l")})
    fitted = Transform.fit(table, np.array([0, 1]))
    assert fitted(values).tolist() == [[0, -1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    told = fitted.as_json()["columns"]
    assert [(each["name"], each["fill"]) for each in told] == [("n", None), ("m", 0.0), ("t", None)]


def test_what_is_described_of_a_table() -> None:
    found = described(made(1))
    assert found.shape == made(1).shape
    kinds = [column.kind for column in found.columns]
    assert kinds == ["number", "indicator", "category", "number", "category"]
    gaps = np.isnan(made(1).values).sum(axis=0).tolist()
    assert [sum(column.missing.values()) for column in found.columns] == gaps
    assert sum(found.columns[2].texts.values()) == 80 - gaps[2]

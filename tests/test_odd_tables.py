"""Odd tables of people, the whole way from init to predict, beside pandas and scikit-learn."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from command import regbench
from test_real_tables import by_hand

import regbench as package
from regbench.config.load import load_study
from regbench.data import load

ROWS = 60
DRAW = np.random.default_rng(3)
U, V = DRAW.normal(20, 5, ROWS), DRAW.lognormal(7, 1, ROWS)
Y = 2 * U + V / 500
WORD = np.array(["red", "green, dark", "it's"])[DRAW.integers(0, 3, ROWS)]
KIND = np.where(U > 20, "b", "a")
IDS = np.where(U > 20, 1582218195625938946, 1582218195625938945)


def lines(header, row, sep=",", end="\n"):
    """A text with a row for each of the table's."""
    return end.join([header, *(sep.join(row(i)) for i in range(ROWS)), ""])


def german(value, digits=2):
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


# A file's text, how pandas is told to read it, and keys that init must find.
TABLES = {
    "single quotes": (
        lines(
            "'u','word','kind'",
            lambda i: (f"{U[i]:.3f}", "'" + WORD[i].replace("'", "''") + "'", f"'{KIND[i]}'"),
        ),
        {"quotechar": "'"},
        {"quote": "'", "target": "kind"},
    ),
    "groups of digits": (
        lines("u;v;y", lambda i: (german(U[i]), german(V[i], 0), german(Y[i])), sep=";"),
        {"sep": ";", "decimal": ",", "thousands": "."},
        {"sep": ";", "decimal": ",", "thousands": ".", "task": "regression"},
    ),
    "marks for missing": (
        lines(
            "u,word,y",
            lambda i: (
                f"{U[i]:.3f}" if i % 3 else "-",
                f'"{WORD[i]}"' if i % 4 else "?",
                f"{Y[i]:.4f}",
            ),
        ),
        {"na_values": ["-"], "keep_default_na": False},
        {"na_values": ("NA", "NaN", "nan", "-")},
    ),
    "classes of 19 digits": (
        lines("user_id,u,who", lambda i: (str(10**18 + i), f"{U[i]:.3f}", str(IDS[i]))),
        {"dtype": {"who": str}},
        {"drop": ("user_id",), "task": "classification"},
    ),
    "numbers for names": (
        lines("0,1,2", lambda i: (f"{U[i]:.3f}", f"{V[i]:.1f}", f"{Y[i]:.4f}")),
        {},
        {"target": "2", "task": "regression"},
    ),
    "train and test alone": (
        lines("u,part,y", lambda i: (f"{U[i]:.3f}", ["test", "train"][i % 4 > 0], f"{Y[i]:.4f}")),
        {},
        {"drop": ("part",), "split_column": None},
    ),
}


@pytest.fixture(params=TABLES)
def odd(request, tmp_path):
    """The study that `init` writes of a table, and the table as pandas reads it."""
    text, told, keys = TABLES[request.param]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    done = regbench("init", "s.yaml", "--data", "t.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    block = load_study(tmp_path / "s.yaml").base.dataset
    assert {key: getattr(block, key) for key in keys} == keys
    return tmp_path, block, pd.read_csv(io.StringIO(text), **told)


def test_what_is_read_is_what_pandas_and_scikit_learn_read(odd):
    folder, block, frame = odd
    x = frame.drop(columns=[block.target, *block.drop])
    split = load(block, 0, folder)
    prepare = by_hand(x).fit(x.iloc[split.train.ids])
    assert len(split.train) + len(split.val) + len(split.test) == ROWS
    for part in (split.train, split.val, split.test):
        np.testing.assert_allclose(part.x, prepare.transform(x.iloc[part.ids]), atol=1e-12)
        if block.task == "classification":
            assert [split.class_names[k] for k in part.y] == frame[block.target][part.ids].tolist()


def test_the_model_that_is_taken_away_says_of_the_file_what_the_run_said(odd):
    folder, block, frame = odd
    keys = ("training.epochs=1", "training.save_weights=true", "training.save_predictions=true")
    asked = [part for key in keys for part in ("-s", key)]
    grid = ("-g", "regularizer=none", "--seeds", 1, "-o", "o", "-q")
    done = regbench("sweep", "s.yaml", *asked, *grid, cwd=folder)
    assert done.code == 0, done.err
    assert regbench("export", "o", "-o", "model", cwd=folder).code == 0
    done = regbench("predict", "model", "t.csv", cwd=folder)
    assert done.code == 0, done.err
    said = pd.read_csv(io.StringIO(done.out), dtype={"prediction": str})
    saved = package.read(folder / "o").predictions("none", 0)
    assert len(said) == len(frame) == len(saved)
    mine = said["prediction"].to_numpy()[saved["row"]]
    if block.task == "classification":
        assert mine.tolist() == saved["prediction"].tolist()
    else:
        np.testing.assert_allclose(mine.astype(float), saved["prediction"], rtol=1e-5)

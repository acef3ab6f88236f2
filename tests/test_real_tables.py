"""Two real tables from file to scores by the tutorial's commands, beside scikit-learn's own way.

`benchmarks/real_tables.py` does the same with fourteen tables and ten seeds.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import regbench
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import regbench as package
from regbench.config.load import load_study
from regbench.data import load

DATA = Path(__file__).parent / "data"
# What is missing in penguins.csv: two rows without measurements, nine more without a sex.
TABLES = {"penguins.csv": ("species", 19), "tips.csv.gz": ("tip", 0)}


def by_hand(x: pd.DataFrame) -> ColumnTransformer:
    """What a person would write: numbers scaled, texts one-hot, gaps filled."""
    numbers = [name for name in x if pd.api.types.is_numeric_dtype(x[name])]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    number = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    word = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot)
    words = [name for name in x if name not in numbers]
    return ColumnTransformer([("numbers", number, numbers), ("words", word, words)])


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, tmp_path: Path):
    """The study that `init` writes of a table, its features and its target."""
    target, missing = TABLES[request.param]
    file = Path(shutil.copy(DATA / request.param, tmp_path))
    done = regbench("init", "s.yaml", "--data", file.name, "--target", target, cwd=tmp_path)
    assert done.code == 0, done.err
    frame = pd.read_csv(file)
    assert int(frame.isna().sum().sum()) == missing
    return tmp_path / "s.yaml", frame.drop(columns=target), frame[target]


def test_preprocessing_is_scikit_learns(table):
    study, x, y = table
    block = load_study(study).base.dataset
    for seed in range(5):
        split = load(block, seed, study.parent)
        prepare = by_hand(x).fit(x.iloc[split.train.ids])
        names = [
            n.split("__")[1].replace("_", "=", "x0" in n) for n in prepare.get_feature_names_out()
        ]
        assert len(names) == split.inputs
        for part in (split.train, split.val, split.test):
            np.testing.assert_allclose(
                part.x, prepare.transform(x.iloc[part.ids]), rtol=0, atol=1e-12
            )
            if block.task == "classification":
                assert [split.class_names[k] for k in part.y] == y.iloc[part.ids].tolist()
            else:
                scale = StandardScaler().fit(y.iloc[split.train.ids].to_numpy()[:, None])
                theirs = scale.transform(y.iloc[part.ids].to_numpy()[:, None])[:, 0]
                np.testing.assert_allclose(part.y, theirs, rtol=0, atol=1e-12)


def test_scores_are_those_of_the_same_network_in_scikit_learn(table):
    """Fewer epochs than the study has, before a network of this size overfits: scores are sharp."""
    study, x, _ = table
    block, epochs, seeds = load_study(study).base.dataset, 20, 3
    settings = ["-s", f"training.epochs={epochs}", "-s", "model.init=glorot_uniform"]
    axes = ["-g", "regularizer=none", "--seeds", seeds]
    done = regbench("sweep", study.name, *settings, *axes, "-o", "r", "-q", cwd=study.parent)
    assert done.code == 0, done.err
    score = "acc" if block.task == "classification" else "r2"
    runs = package.read(study.parent / "r").runs
    mine = runs[[f"val_{score}", f"test_{score}"]].mean(axis=1).to_numpy()
    kind = MLPClassifier if score == "acc" else MLPRegressor
    theirs = []
    for seed in range(seeds):
        split = load(block, seed, study.parent)
        prepare = by_hand(x).fit(x.iloc[split.train.ids])
        net = kind(
            hidden_layer_sizes=(64, 64),
            batch_size=load_study(study).base.training.batch_size,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            tol=0.0,
            alpha=0.0,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(prepare.transform(x.iloc[split.train.ids]), split.train.y)
        parts = (split.val, split.test)
        theirs.append(np.mean([net.score(prepare.transform(x.iloc[p.ids]), p.y) for p in parts]))
    assert abs(np.mean(mine - np.array(theirs))) < (0.02 if score == "acc" else 0.1)

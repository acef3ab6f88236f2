"""From a dataset block to three parts: scaling, label noise, and nothing leaks into training."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import numpy as np
import pytest
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from regbench.config.blocks.bundled import Diabetes, Digits, Iris
from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.blocks.synthetic import Moons
from regbench.data import SOURCES, Split, bundled, load, shape, sources
from regbench.data.noise import noisy_labels
from regbench.data.scaling import Scaler
from regbench.data.table import Table


def test_there_is_a_source_for_each_kind_in_the_schema() -> None:
    assert get_origin(DatasetConfig) is Annotated
    kinds = get_args(get_args(DatasetConfig)[0])
    assert set(SOURCES) == {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}


@pytest.mark.parametrize("name", list(bundled.SHAPES))
def test_bundled_sets_are_scikit_learns(name: str) -> None:
    bunch, table = getattr(datasets, f"load_{name}")(), bundled.load(name)
    # Some are scaled there, by sums whose last bit is the processor's.
    np.testing.assert_allclose(table.values, bunch.data, rtol=1e-13)
    np.testing.assert_array_equal(table.target, bunch.target)
    assert table.shape == bundled.SHAPES[name]
    assert table.class_names == tuple(map(str, bunch.get("target_names", ())))
    assert table.column_names == tuple(map(str, bunch.feature_names))
    image = (1, *bunch.images.shape[1:]) if "images" in bunch else None
    assert table.example == image or table.example == bunch.data.shape[1:]


def test_shape_imports_neither_scikit_learn_nor_pandas() -> None:
    code = (
        "import sys; from pathlib import Path; from regbench.data import shape;"
        "from regbench.config.blocks.bundled import Digits;"
        "from regbench.config.blocks.synthetic import Moons;"
        "shape(Digits(name='digits'), Path()); shape(Moons(name='moons'), Path());"
        "print({'sklearn', 'pandas', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("config", [Digits(name="digits"), Diabetes(name="diabetes")])
def test_features_are_scaled_as_standard_scaler_does_on_the_training_part(config: Any) -> None:
    raw, split = bundled.load(config.name).values, load(config, 3, Path())
    scaler = StandardScaler().fit(raw[split.train.ids])
    for part in (split.train, split.val, split.test):
        np.testing.assert_allclose(part.x, scaler.transform(raw[part.ids]), atol=1e-12)


def test_a_regression_target_is_scaled_on_the_training_part() -> None:
    raw, split = bundled.load("diabetes").target, load(Diabetes(name="diabetes"), 0, Path())
    train = raw[split.train.ids]
    assert split.target_mean == pytest.approx(train.mean(), rel=1e-14)
    assert split.target_scale == pytest.approx(np.sqrt(((train - train.mean()) ** 2).mean()))
    for part in (split.train, split.val, split.test):
        given_back = part.y * split.target_scale + split.target_mean
        np.testing.assert_allclose(given_back, raw[part.ids], rtol=1e-12)


@pytest.mark.parametrize("config", [Iris, Diabetes])
def test_without_standardize_nothing_is_scaled(config: Any) -> None:
    name = config.__name__.lower()
    split, table = load(config(name=name, standardize=False), 0, Path()), bundled.load(name)
    assert (split.val.x == table.values[split.val.ids]).all()
    assert (split.val.y == table.target[split.val.ids]).all()
    assert (split.target_mean, split.target_scale) == (0.0, 1.0)


def test_a_constant_column_becomes_exactly_zero() -> None:
    train = np.array([[0.1, 1.0]] * 7 + [[0.1, 2.0]])
    scaled = Scaler.fit(train)(train)
    assert scaled[:, 0].tolist() == [0.0] * 8
    assert scaled[:, 1].std() == pytest.approx(1)


def _same_train(a: Split, b: Split) -> bool:
    return all(
        (getattr(a.train, key) == getattr(b.train, key)).all() for key in ("x", "y", "y_clean")
    )


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_other_rows_do_not_touch_the_training_part(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: Any = {"digits": Digits, "diabetes": Diabetes}[name](name=name)
    before, table = load(config, 0, Path()), bundled.load(name)
    values, target = table.values.astype(np.float64), table.target.copy()
    elsewhere = np.concatenate([before.val.ids, before.test.ids])
    values[elsewhere] = 1e6
    if name == "diabetes":  # class labels decide the stratified split, so they stay
        target[elsewhere] = -1e6
    changed = Table(values, target, table.column_names, table.class_names)
    source = replace(sources.SOURCES[name], table=lambda *_: changed)
    monkeypatch.setitem(sources.SOURCES, name, source)
    after = load(config, 0, Path())
    assert not (before.val.x == after.val.x).any()
    assert _same_train(before, after)


def test_what_a_caller_does_to_a_split_stays_with_the_caller() -> None:
    load(Iris(name="iris", standardize=False), 0, Path()).train.x[:] = 7
    assert bundled.load("iris").values.max() == 7.9
    assert (bundled.load("iris").values == 7).mean() < 0.01


# --- label noise ----------------------------------------------------------------------------


def test_the_flip_rate_is_counted_and_meets_its_expectation() -> None:
    config = Digits(name="digits", label_noise=0.4)
    split = load(config, 0, Path())
    assert split.flip_rate == (split.train.y != split.train.y_clean).mean()
    expected = 0.4 * 9 / 10
    spread = (expected * (1 - expected) / len(split.train)) ** 0.5
    assert abs(split.flip_rate - expected) < 4 * spread


def test_noise_touches_training_labels_only() -> None:
    clean = load(Digits(name="digits"), 0, Path())
    noisy = load(Digits(name="digits", label_noise=1.0), 0, Path())
    assert clean.flip_rate is None
    assert (noisy.train.y_clean == clean.train.y).all()
    for one, other in ((clean.val, noisy.val), (clean.test, noisy.test)):
        assert (one.y == other.y).all()
        assert (other.y == other.y_clean).all()
    assert (clean.train.x == noisy.train.x).all()


def test_redrawn_labels_are_uniform_over_all_classes() -> None:
    drawn = noisy_labels(np.zeros(30_000, dtype=np.int64), classes=3, q=1.0, seed=5)
    counts = np.bincount(drawn, minlength=3)
    assert len(counts) == 3
    assert np.abs(counts - 10_000).max() < 4 * (30_000 * 2 / 9) ** 0.5


def test_more_noise_keeps_what_less_noise_changed() -> None:
    labels = np.arange(2000) % 10
    low, high = (noisy_labels(labels, classes=10, q=q, seed=2) for q in (0.1, 0.3))
    changed = low != labels
    assert (low[changed] == high[changed]).all()
    assert (high != labels).sum() > changed.sum()


def test_noise_is_keyed_by_row_so_training_sets_share_it() -> None:
    small, large = (
        load(Digits(name="digits", label_noise=0.3, train_size=n), 0, Path()) for n in (100, 500)
    )
    of_row = dict(zip(large.train.ids, large.train.y, strict=True))
    assert [of_row[row] for row in small.train.ids] == small.train.y.tolist()


def test_types_and_sizes_are_as_promised() -> None:
    split = load(Moons(name="moons", n_samples=50), 0, Path())
    assert split.train.x.shape == (30, 2)
    assert split.train.x.dtype == np.float64
    assert split.train.y.dtype == split.train.ids.dtype == np.int64
    assert (split.classes, split.inputs, split.task) == (2, 2, "classification")
    assert split.example == (2,)
    assert load(Diabetes(name="diabetes"), 0, Path()).classes == 0
    assert shape(Moons(name="moons", n_samples=50), Path()).rows == 50

"""Synthetic data: each formula again, by hand, from the raw streams."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from regbench.config.blocks.synthetic import (
    Circles,
    Friedman1,
    ModularAddition,
    Moons,
    Polynomial,
    SparseLinear,
)
from regbench.data import SOURCES, load, shape
from regbench.data.table import Table
from regbench.errors import BadData
from regbench.streams import Purpose, raw

SEED = 11


def table(config: Any, seed: int = SEED) -> Table:
    return SOURCES[config.name].table(config, seed, Path())


def draws(count: int, layer: int) -> list[float]:
    words = raw(SEED, Purpose.SYNTHETIC, count, layer=layer)
    return [((int(word) >> 12) + 0.5) / 2**52 for word in words]


def normals(count: int, layer: int) -> list[float]:
    return [float(norm.ppf(u)) for u in draws(count, layer)]


def test_moons() -> None:
    t, e = draws(4, 0), normals(8, 1)
    expected = []
    for row in range(4):
        angle = math.pi * t[row]
        x, y = math.cos(angle), math.sin(angle)
        if row % 2 == 1:
            x, y = 1 - x, 0.5 - y
        expected.append([x + 0.3 * e[2 * row], y + 0.3 * e[2 * row + 1]])
    made = table(Moons(name="moons", n_samples=4, noise=0.3))
    np.testing.assert_allclose(made.values, expected, rtol=1e-12)
    assert made.target.tolist() == [0, 1, 0, 1]


def test_circles() -> None:
    t, e = draws(4, 0), normals(8, 1)
    expected = []
    for row in range(4):
        radius = 0.25 if row % 2 else 1.0
        x, y = radius * math.cos(2 * math.pi * t[row]), radius * math.sin(2 * math.pi * t[row])
        expected.append([x + 0.1 * e[2 * row], y + 0.1 * e[2 * row + 1]])
    made = table(Circles(name="circles", n_samples=4, factor=0.25))
    np.testing.assert_allclose(made.values, expected, rtol=1e-12)
    assert made.target.tolist() == [0, 1, 0, 1]


def test_friedman1() -> None:
    x, e = np.reshape(draws(18, 0), (3, 6)), normals(3, 1)
    made = table(Friedman1(name="friedman1", n_samples=3, n_features=6, noise=2.0))
    expected = [
        10 * math.sin(math.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * f + 2 * noise
        for (a, b, c, d, f, _), noise in zip(x, e, strict=True)
    ]
    np.testing.assert_array_equal(made.values, x)
    np.testing.assert_allclose(made.target, expected, rtol=1e-12)


def test_polynomial() -> None:
    x, e = [2 * u - 1 for u in draws(3, 0)], normals(3, 1)
    made = table(Polynomial(name="polynomial", n_samples=3, degree=3, noise=0.5))
    np.testing.assert_allclose(made.values, [[a, a * a, a * a * a] for a in x], rtol=1e-12)
    expected = [math.sin(math.pi * a) + 0.5 * noise for a, noise in zip(x, e, strict=True)]
    np.testing.assert_allclose(made.target, expected, rtol=1e-12)
    assert made.column_names == ("x", "x^2", "x^3")


def test_sparse_linear() -> None:
    x, e = np.reshape(normals(8, 0), (2, 4)), normals(2, 1)
    config = SparseLinear(name="sparse_linear", n_samples=2, n_features=4, n_informative=3)
    made = table(config)
    np.testing.assert_allclose(made.values, x, rtol=1e-12)
    np.testing.assert_allclose(made.target, x[:, 0] - x[:, 1] + x[:, 2] + e, rtol=1e-12)


@pytest.mark.parametrize("p", [2, 3, 6])
def test_modular_addition(p: int) -> None:
    made = table(ModularAddition(name="modular_addition", modulus=p))
    pairs = [(a, b) for a in range(p) for b in range(p)]
    for (a, b), row, label in zip(pairs, made.values, made.target, strict=True):
        assert sorted(np.flatnonzero(row)) == [a, p + b]
        assert row.sum() == 2
        assert label == (a + b) % p
    assert made.column_names[p - 1 : p + 1] == (f"a={p - 1}", "b=0")
    assert made.class_names == tuple(str(label) for label in range(p))
    assert table(ModularAddition(name="modular_addition", modulus=p), 4).values.tolist() == (
        made.values.tolist()
    )


def test_modular_addition_is_split_like_others() -> None:
    parts = []
    for seed, size in ((0, 0.3), (0, 0.5), (1, 0.5)):
        config = ModularAddition(name="modular_addition", train_size=size, standardize=False)
        split = load(config, seed, Path())
        rows = len(split.train)
        assert abs(rows - size * 23**2) <= 0.5
        assert np.ptp(np.bincount(split.test.y, minlength=23)) <= 1  # stratified
        assert set(np.unique(split.train.x)) == {0.0, 1.0}
        parts.append(set(split.train.ids))
    assert parts[0] < parts[1] != parts[2]
    scaled = load(ModularAddition(name="modular_addition"), 0, Path()).train.x
    assert set(np.unique(scaled)) == {0.0, 1.0}  # made of categories: not scaled


SETS: list[type[Any]] = [Moons, Circles, Friedman1, Polynomial, SparseLinear]


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("rows", [7, 64])
def test_more_rows_keep_the_earlier_ones_bit_for_bit(kind: type[Any], rows: int) -> None:
    name = kind.model_fields["name"].annotation.__args__[0]
    few, many = table(kind(name=name, n_samples=rows)), table(kind(name=name, n_samples=101))
    assert many.values[:rows].tolist() == few.values.tolist()
    assert many.target[:rows].tolist() == few.target.tolist()
    assert (
        table(kind(name=name), SEED + 1).values.tolist() != table(kind(name=name)).values.tolist()
    )


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (Moons(name="moons", n_samples=30), (30, 2, 2)),
        (Circles(name="circles", n_samples=31), (31, 2, 2)),
        (Friedman1(name="friedman1", n_features=7), (300, 7, 1)),
        (Polynomial(name="polynomial", degree=4), (100, 4, 1)),
        (SparseLinear(name="sparse_linear", n_features=9), (200, 9, 1)),
        (ModularAddition(name="modular_addition"), (529, 46, 23)),
    ],
)
def test_the_promised_shape_is_the_real_one(config: Any, size: tuple[int, int, int]) -> None:
    promised, real = shape(config, Path()), table(config).shape
    assert (promised.rows, promised.inputs, promised.outputs) == size
    assert promised == real


def test_too_large() -> None:
    with pytest.raises(BadData) as caught:
        table(Friedman1(name="friedman1", n_samples=10**8, n_features=10))
    assert str(caught.value) == (
        "dataset friedman1: 100000000 rows of 10 features are more than the 268435456 numbers that "
        "regbench makes; lower n_samples"
    )


@pytest.mark.parametrize("kind", SETS)
def test_values_beyond_single_precision(kind: type[Any]) -> None:
    name = kind.model_fields["name"].annotation.__args__[0]
    with pytest.raises(BadData) as caught:
        table(kind(name=name, noise=1e39))
    assert str(caught.value) == (
        f"dataset {name}: noise 1e+39 gives values beyond single precision"
    )

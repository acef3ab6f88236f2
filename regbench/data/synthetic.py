"""Data sets made from a formula and a seed.

Every random number is keyed by (seed, what it is for, row, column), so that a larger n_samples
keeps the earlier rows as they were.
"""

from __future__ import annotations

import numpy as np

from regbench.config.blocks.synthetic import (
    Circles,
    Friedman1,
    ModularAddition,
    Moons,
    Polynomial,
    SparseLinear,
)
from regbench.data.table import DataShape, Floats, Ints, Table
from regbench.errors import BadData
from regbench.streams import Purpose, normal, uniform

Noisy = Moons | Circles | Friedman1 | Polynomial | SparseLinear
Synthetic = Noisy | ModularAddition

# Streams within Purpose.SYNTHETIC.
_INPUTS, _NOISE = 0, 1

_MAX_VALUES = 2**28  # 2 GiB of float64


def shape(config: Synthetic) -> DataShape:
    """Rows, inputs and outputs that a study asks for.

    >>> shape(Polynomial(name="polynomial", degree=3))
    DataShape(rows=100, example=(3,), outputs=1)
    """
    match config:
        case Moons() | Circles():
            return DataShape(config.n_samples, example=(2,), outputs=2)
        case Polynomial():
            return DataShape(config.n_samples, example=(config.degree,), outputs=1)
        case Friedman1() | SparseLinear():
            return DataShape(config.n_samples, example=(config.n_features,), outputs=1)
        case ModularAddition():
            p = config.modulus
            return DataShape(config.n_samples, example=(2 * p,), outputs=p)


def moons(config: Moons, seed: int) -> Table:
    """Two interleaved half circles; rows take turns between them.

    class 0: (cos t, sin t); class 1: (1 - cos t, 1/2 - sin t); t uniform on (0, pi);
    noise * N(0, 1) on both coordinates. scikit-learn's make_moons, which spaces t evenly.
    """
    label = _alternating(config)
    t = np.pi * uniform(seed, Purpose.SYNTHETIC, config.n_samples, layer=_INPUTS)
    outer = np.column_stack([np.cos(t), np.sin(t)])
    inner = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
    return _plane(config, seed, np.where(label[:, None] == 0, outer, inner), ("outer", "inner"))


def circles(config: Circles, seed: int) -> Table:
    """A circle inside a circle; rows take turns between them.

    class 0: radius 1; class 1: radius `factor`; angle uniform on (0, 2 pi); noise * N(0, 1) on both
    coordinates. scikit-learn's make_circles, which spaces the angles evenly.
    """
    label = _alternating(config)
    t = 2 * np.pi * uniform(seed, Purpose.SYNTHETIC, config.n_samples, layer=_INPUTS)
    radius = np.where(label == 0, 1.0, config.factor)
    points = radius[:, None] * np.column_stack([np.cos(t), np.sin(t)])
    return _plane(config, seed, points, ("outer", "inner"))


def friedman1(config: Friedman1, seed: int) -> Table:
    """y = 10 sin(pi x0 x1) + 20 (x2 - 1/2)^2 + 10 x3 + 5 x4 + noise * N(0, 1); x uniform on (0, 1).

    Source: Friedman 1991, "Multivariate adaptive regression splines", section 4.3.
    """
    rows, columns = _checked_size(config)
    x = uniform(seed, Purpose.SYNTHETIC, rows * columns, layer=_INPUTS).reshape(rows, columns)
    y = (
        10 * np.sin(np.pi * x[:, 0] * x[:, 1])
        + 20 * (x[:, 2] - 0.5) ** 2
        + 10 * x[:, 3]
        + 5 * x[:, 4]
    )
    return _curve(config, seed, x, y, tuple(f"x{j}" for j in range(columns)))


def polynomial(config: Polynomial, seed: int) -> Table:
    """y = sin(pi x) + noise * N(0, 1), x uniform on (-1, 1); the features: x, ..., x^degree."""
    rows, degree = _checked_size(config)
    x = 2 * uniform(seed, Purpose.SYNTHETIC, rows, layer=_INPUTS) - 1
    powers = x[:, None] ** np.arange(1, degree + 1)
    names = tuple("x" if power == 1 else f"x^{power}" for power in range(1, degree + 1))
    return _curve(config, seed, powers, np.sin(np.pi * x), names)


def sparse_linear(config: SparseLinear, seed: int) -> Table:
    """y = x w + noise * N(0, 1), x standard normal, w = (+1, -1, +1, ..., 0, 0).

    The first n_informative weights are not 0: the support that an L1 penalty should find.
    """
    rows, columns = _checked_size(config)
    x = normal(seed, Purpose.SYNTHETIC, rows * columns, layer=_INPUTS).reshape(rows, columns)
    signs = np.where(np.arange(config.n_informative) % 2 == 0, 1.0, -1.0)
    # Not `@`: how BLAS sums a row depends on how many rows there are.
    y = (x[:, : config.n_informative] * signs).sum(axis=1)
    return _curve(config, seed, x, y, tuple(f"x{j}" for j in range(columns)))


def modular_addition(config: ModularAddition, seed: int) -> Table:
    """(a + b) mod p for every pair: row a p + b holds a and b, each one-hot, and no chance at all.

    Source: Power et al. 2022, "Grokking: generalization beyond overfitting on small algorithmic
    datasets" (arXiv 2201.02177), appendix A.1.1.
    """
    del seed  # the same rows for every seed; it is the split that differs
    p = config.modulus
    a, b = np.divmod(np.arange(p * p, dtype=np.int64), p)
    one_hot = np.eye(p)
    return Table(
        values=np.hstack([one_hot[a], one_hot[b]]),
        target=(a + b) % p,
        column_names=tuple(f"{term}={value}" for term in "ab" for value in range(p)),
        class_names=tuple(map(str, range(p))),
        indicators=frozenset(range(2 * p)),
    )


def _alternating(config: Moons | Circles) -> Ints:
    rows, _ = _checked_size(config)
    return np.arange(rows, dtype=np.int64) % 2


def _plane(
    config: Moons | Circles, seed: int, points: Floats, class_names: tuple[str, str]
) -> Table:
    noise = normal(seed, Purpose.SYNTHETIC, points.size, layer=_NOISE).reshape(points.shape)
    return _finite(
        config,
        Table(
            values=points + config.noise * noise,
            target=_alternating(config),
            column_names=("x0", "x1"),
            class_names=class_names,
        ),
    )


def _curve(
    config: Friedman1 | Polynomial | SparseLinear,
    seed: int,
    x: Floats,
    y: Floats,
    column_names: tuple[str, ...],
) -> Table:
    noise = normal(seed, Purpose.SYNTHETIC, len(y), layer=_NOISE)
    return _finite(
        config, Table(values=x, target=y + config.noise * noise, column_names=column_names)
    )


def _checked_size(config: Noisy) -> tuple[int, int]:
    size = shape(config)
    if size.rows * size.inputs > _MAX_VALUES:
        raise BadData(
            f"dataset {config.name}: {size.rows} rows of {size.inputs} features are more than the "
            f"{_MAX_VALUES} numbers that regbench makes; lower n_samples"
        )
    return size.rows, size.inputs


def _finite(config: Noisy, table: Table) -> Table:
    largest = max(np.abs(table.values).max(), np.abs(table.target).max())
    if not largest <= np.finfo(np.float32).max:
        raise BadData(
            f"dataset {config.name}: noise {config.noise:g} gives values beyond single precision"
        )
    return table

"""MNIST-1D: the set that the package `mnist1d` makes, row for row, and no trace of its making.

Source: Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D" (arXiv 2011.14439).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from regbench.config.blocks.bundled import Mnist1d
from regbench.data.table import DataShape, Table
from regbench.errors import BadStudy, Problem

# The only version that is taken, the one that pyproject.toml names: another might make other rows,
# which run ids would not tell. A new one raises the source's version (data/sources.py).
VERSION = "0.0.2.post1"

_CLASSES, _POINTS = 10, 40
_SEEDS = 2**32


def shape(config: Mnist1d) -> DataShape:
    """Rows, inputs and outputs; makes nothing, but says so where the package is missing.

    Raises:
        BadStudy: the package is not there, or is of another version.
    """
    if _installed() != VERSION:
        found = "is not installed" if _installed() is None else f"is {_installed()} here"
        raise BadStudy(
            Problem(
                f"mnist1d needs its generator, the package mnist1d {VERSION}, which {found}: "
                "pip install 'regbench[mnist1d]'",
                key="dataset.name",
            )
        )
    return DataShape(config.n_samples, example=(1, _POINTS), outputs=_CLASSES)


def load(config: Mnist1d, seed: int) -> Table:
    """What the package's `make_dataset` gives for this seed, its test rows after its training rows.

    All rows come from one stream of random numbers, class after class, and are then scaled together
    to mean 0 and variance 1. So nothing nests in `n_samples`: another number is another data set.
    Within one, training sets nest as everywhere, and label noise with them. The shuffled twin has
    the same rows, their points in one random order, another for each seed.

    A row takes about .4 ms, so the sets last asked for are kept.

    Raises:
        BadStudy: the package is missing, or the seed is beyond its generator's.
    """
    shape(config)
    if seed >= _SEEDS:
        raise BadStudy(
            Problem(f"seed {seed}: mnist1d's generator takes seeds below {_SEEDS}", key="seeds")
        )
    return _made(config.n_samples, seed, config.shuffled)


@lru_cache(maxsize=16)  # at most 32 MB each
def _made(rows: int, seed: int, shuffled: bool = False) -> Table:
    with _own_random_state():
        from mnist1d.data import get_dataset_args, make_dataset

        options = get_dataset_args()
        options.num_samples, options.seed, options.shuffle_seq = rows, seed, shuffled
        made = make_dataset(options)
    return Table(
        values=np.concatenate([made["x"], made["x_test"]]),
        target=np.concatenate([made["y"], made["y_test"]]).astype(np.int64),
        column_names=tuple(f"x{j}" for j in range(_POINTS)),
        class_names=tuple(map(str, range(_CLASSES))),
        example=(1, _POINTS),
    )


@contextmanager
def _own_random_state() -> Iterator[None]:
    """Give back the global generators that the package seeds and draws from."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


@cache
def _installed() -> str | None:
    try:
        return version("mnist1d")
    except PackageNotFoundError:
        return None

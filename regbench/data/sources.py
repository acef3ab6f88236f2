"""A dataset block and a seed in, three parts ready to train on out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regbench.config.schema import DatasetConfig
from regbench.data import bundled, csv_file, mnist1d, synthetic
from regbench.data.encode import encode, feature_names
from regbench.data.noise import noisy_labels
from regbench.data.scaling import Scaler
from regbench.data.split import require_classes, split_by_column, split_by_seed
from regbench.data.table import DataShape, Part, Split, Table

__all__ = ["SOURCES", "Source", "load", "shape", "split_key"]


@dataclass(frozen=True)
class Source:
    """Where a kind of data set comes from; `shape` must be cheap, because `plan` asks for it.

    table: (dataset block, seed, folder of the study file) -> the whole data set.
    shape: (dataset block, folder) -> its size.
    """

    table: Callable[[Any, int, Path], Table]
    shape: Callable[[Any, Path], DataShape]


def _bundled(name: str) -> Source:
    return Source(lambda config, seed, folder: bundled.load(name), lambda *_: bundled.SHAPES[name])


def _synthetic(make: Callable[[Any, int], Table]) -> Source:
    return Source(
        lambda config, seed, folder: make(config, seed),
        lambda config, folder: synthetic.shape(config),
    )


# One entry for each kind in the schema.
SOURCES: dict[str, Source] = {
    "digits": _bundled("digits"),
    "breast_cancer": _bundled("breast_cancer"),
    "wine": _bundled("wine"),
    "iris": _bundled("iris"),
    "diabetes": _bundled("diabetes"),
    "moons": _synthetic(synthetic.moons),
    "circles": _synthetic(synthetic.circles),
    "friedman1": _synthetic(synthetic.friedman1),
    "polynomial": _synthetic(synthetic.polynomial),
    "sparse_linear": _synthetic(synthetic.sparse_linear),
    "mnist1d": Source(
        lambda config, seed, folder: mnist1d.load(config, seed),
        lambda config, folder: mnist1d.shape(config),
    ),
    "modular_addition": _synthetic(synthetic.modular_addition),
    "csv": Source(
        lambda config, seed, folder: csv_file.load(config, folder),
        lambda config, folder: csv_file.load(config, folder).shape,
    ),
}


def shape(config: DatasetConfig, folder: Path) -> DataShape:
    """Rows, inputs and outputs of a data set; only a file is read for it.

    >>> from regbench.config.schema import Digits
    >>> shape(Digits(name="digits"), Path("."))
    DataShape(rows=1797, inputs=64, outputs=10)
    """
    return SOURCES[config.name].shape(config, folder)


def split_key(config: DatasetConfig, seed: int) -> tuple[int, str]:
    """What tells one split of a study from another: the seed that it goes by, and its block.

    >>> from regbench.config.schema import Iris
    >>> [split_key(Iris(name="iris", split_seed=s), 3)[0] for s in (None, 7)]
    [3, 7]
    """
    return _own_seed(config, seed), config.model_dump_json()


def _own_seed(config: DatasetConfig, seed: int) -> int:
    return seed if config.split_seed is None else config.split_seed


def load(config: DatasetConfig, seed: int, folder: Path) -> Split:
    """The data set as one seed sees it: split, with label noise, encoded and scaled.

    Everything that is fitted (medians, frequent categories, means, deviations) is fitted on the
    training part; label noise touches training labels only.

    Args:
        config: the study's dataset block.
        seed: the run's seed; `split_seed`, where the block has one, takes its place.
        folder: what a CSV file's path is relative to.
    Raises:
        BadData: the data set cannot be read, or cannot be split as asked.

    >>> from regbench.config.schema import Iris
    >>> split = load(Iris(name="iris"), seed=0, folder=Path("."))
    >>> len(split.train), len(split.val), len(split.test)
    (90, 30, 30)
    """
    seed = _own_seed(config, seed)
    table = SOURCES[config.name].table(config, seed, folder)
    if table.parts is None:
        ids = split_by_seed(config, table, seed)
    else:
        ids = split_by_column(table.parts)
    require_classes(config, table, ids)

    x = encode(table, ids.train)
    y_clean, target_mean, target_scale = table.target, 0.0, 1.0
    if config.standardize:
        x = Scaler.fit(x[ids.train])(x)
        if not table.class_names:
            raw = table.target.astype(np.float64)
            scaler = Scaler.fit(raw[ids.train, None])
            y_clean = scaler(raw[:, None])[:, 0]
            target_mean, target_scale = float(scaler.mean[0]), float(scaler.scale[0])

    y_train, flip_rate = y_clean, None
    q = getattr(config, "label_noise", 0.0)
    if q > 0:
        y_train = noisy_labels(y_clean.astype(np.int64), len(table.class_names), q, seed)
        flip_rate = float((y_train != y_clean)[ids.train].mean())

    def part(rows: Any, y: Any) -> Part:
        return Part(x=x[rows], y=y[rows], y_clean=y_clean[rows], ids=rows)

    return Split(
        train=part(ids.train, y_train),
        val=part(ids.val, y_clean),
        test=part(ids.test, y_clean),
        task=table.task,
        classes=len(table.class_names),
        inputs=x.shape[1],
        feature_names=feature_names(table),
        class_names=table.class_names,
        flip_rate=flip_rate,
        target_mean=target_mean,
        target_scale=target_scale,
    )

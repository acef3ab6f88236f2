"""A dataset block and a seed in, three parts ready to train on out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.plan import Study
from regbench.data import bundled, mnist1d, mnist_5k, synthetic
from regbench.data.description import Description, described
from regbench.data.files.cifar import CIFAR
from regbench.data.files.csv import CSV
from regbench.data.files.folders import IMAGES
from regbench.data.files.idx import IDX
from regbench.data.files.npz import NPZ
from regbench.data.files.parquet import PARQUET
from regbench.data.files.reading import keep
from regbench.data.given import ARRAYS, FRAME
from regbench.data.noise import noisy_labels
from regbench.data.openml import OPENML
from regbench.data.pixels import Pixels
from regbench.data.scaling import Scaler
from regbench.data.source import Source
from regbench.data.split import PartIds, part_ids, part_sizes, require_classes, split_seed
from regbench.data.suspicions import Suspicion
from regbench.data.suspicions import suspicions as suspected
from regbench.data.table import DataShape, Ints, Part, Split, Table
from regbench.data.transform import Transform, Transformed
from regbench.errors import BadData

SplitKey = tuple[int, str | None, str]

# Over all seeds, about a second's work.
_ROWS_TO_SPLIT = 2_000_000
_MOST_TOLD = 5
# Of a large table a fit takes about as long as an epoch.
_FITS = 8


def _bundled(name: str, version: int = 1) -> Source:
    return Source(
        lambda config, seed, folder: bundled.load(name),
        lambda config, folder: bundled.SHAPES[name],
        lambda config, folder: f"{name} {version}",
    )


def _made(
    table: Callable[[Any, int], Table],
    shape: Callable[[Any], DataShape] = synthetic.shape,
    version: int = 1,
) -> Source:
    return Source(
        lambda config, seed, folder: table(config, seed),
        lambda config, folder: shape(config),
        lambda config, folder: f"{config.name} {version}",
    )


# One entry for each kind in the schema.
SOURCES: dict[str, Source] = {
    "digits": _bundled("digits"),
    "breast_cancer": _bundled("breast_cancer"),
    "wine": _bundled("wine"),
    "iris": _bundled("iris"),
    "diabetes": _bundled("diabetes"),
    "moons": _made(synthetic.moons),
    "circles": _made(synthetic.circles),
    "friedman1": _made(synthetic.friedman1),
    "polynomial": _made(synthetic.polynomial),
    "sparse_linear": _made(synthetic.sparse_linear),
    "mnist1d": _made(mnist1d.load, mnist1d.shape),
    "mnist_5k": Source(
        lambda config, seed, folder: mnist_5k.load(),
        lambda config, folder: mnist_5k.shape(),
        lambda config, folder: "mnist_5k 1",
    ),
    "modular_addition": _made(synthetic.modular_addition),
    "csv": CSV,
    "parquet": PARQUET,
    "npz": NPZ,
    "idx": IDX,
    "cifar": CIFAR,
    "images": IMAGES,
    "openml": OPENML,
    "frame": FRAME,
    "arrays": ARRAYS,
}


# The last of them: what is checked before training is trained on next.
_fits: dict[tuple[object, ...], Fitted] = {}
# Which tables were read elsewhere, by the block that asks for them.
_brought: dict[str, Carried] = {}


class Carried(NamedTuple):
    """A data set on its way to where it cannot, or need not, be read again."""

    shape: DataShape
    table: Table


def carried(study: Study) -> dict[str, Carried]:
    """What a study's data sets are read from, read: for `bring` in another process.

    Raises:
        BadData: a file cannot be read.
    """
    found = {}
    for cell in study.cells:
        block = cell.setting.dataset
        if block.places and (key := block.model_dump_json()) not in found:
            table = SOURCES[block.name].table(block, 0, study.folder)
            found[key] = Carried(shape(block, study.folder), table)
    return found


def bring(tables: Mapping[str, Carried]) -> None:
    """Take these in place of files, which may not be here."""
    _brought.update(tables)


def _table(config: DatasetConfig, seed: int, folder: Path) -> Table:
    brought = _brought.get(config.model_dump_json()) if _brought else None
    return SOURCES[config.name].table(config, seed, folder) if brought is None else brought.table


def shape(config: DatasetConfig, folder: Path) -> DataShape:
    """Rows, inputs and outputs of a data set; only a file is read for it.

    >>> from regbench.config.blocks.bundled import Digits
    >>> shape(Digits(name="digits"), Path("."))
    DataShape(rows=1797, example=(1, 8, 8), outputs=10)
    """
    brought = _brought.get(config.model_dump_json()) if _brought else None
    return SOURCES[config.name].shape(config, folder) if brought is None else brought.shape


def describe(config: DatasetConfig, folder: Path) -> Description:
    """What was made of a data set, before it is split.

    Raises:
        BadData: the file cannot be read.

    >>> from regbench.config.blocks.bundled import Iris
    >>> column = describe(Iris(name="iris"), Path(".")).columns[0]
    >>> column.name, column.low, column.high
    ('sepal length (cm)', 4.3, 7.9)
    """
    source = SOURCES[config.name]
    if source.describe is not None:
        return source.describe(config, folder)
    return described(source.table(config, 0, folder))


def notes(study: Study) -> tuple[str, ...]:
    """What a user should know of how the study's files were read, a sentence each.

    Of a file that cannot be read, nothing: who needs it says so.
    """
    told: list[str] = []
    for block in study.files:
        with suppress(BadData):
            told += [f"{block.label}: {note}" for note in describe(block, study.folder).notes]
    return tuple(told)


def warnings(study: Study) -> tuple[str, ...]:
    """What looks wrong with the study's files as its first seed splits them, a sentence each.

    Of a file that cannot be read, nothing: who needs it says so.
    """
    told: list[str] = []
    for block in study.files:
        with suppress(BadData):
            found = suspicions(block, study.folder, study.seeds[0])
            told += [f"{block.label}: {each.text}" for each in found[:_MOST_TOLD]]
            if len(found) > _MOST_TOLD:
                told.append(
                    f"{block.label}: {len(found) - _MOST_TOLD} more warnings: regbench data "
                    "shows them all"
                )
    return tuple(told)


def require_fit(study: Study) -> None:
    """Read the study's files, and split them as its seeds will: what passes can be trained on.

    Of a large table, as many of the first seeds as there is time for.

    Raises:
        BadData: a file cannot be read, or not be split as asked; with all that is wrong with it.
    """
    blocks = {cell.setting.dataset.model_dump_json(): cell.setting.dataset for cell in study.cells}
    for block in blocks.values():
        if block.places:
            table = SOURCES[block.name].table(block, 0, study.folder)
            most = max(1, _ROWS_TO_SPLIT // max(len(table.target), 1))
            for seed in study.seeds[:most]:
                require_classes(block, table, part_ids(block, table, seed))


def part_counts(config: DatasetConfig, folder: Path, seed: int = 0) -> tuple[int, int, int]:
    """How many rows train, validate and test at a seed; only a file is read for it.

    Raises:
        BadData: the file cannot be read, or cannot be split as asked.

    >>> from regbench.config.blocks.bundled import Digits
    >>> part_counts(Digits(name="digits", train_size=300), Path("."))
    (300, 359, 359)
    """
    if config.split_by is None and config.unit is None and not config.brings_test:
        return part_sizes(config, shape(config, folder).rows, seed)
    train, val, test = part_ids(config, SOURCES[config.name].table(config, 0, folder), seed)
    return len(train), len(val), len(test)


def fingerprint(config: DatasetConfig, folder: Path) -> str:
    """Which data a block stands for now: another text whenever they, or how they are made, changed.

    Raises:
        BadData: the file cannot be read.

    >>> from regbench.config.blocks.bundled import Digits
    >>> fingerprint(Digits(name="digits"), Path("."))
    'digits 1'
    """
    return SOURCES[config.name].fingerprint(config, folder)


def fingerprints(study: Study) -> dict[str, str]:
    """The fingerprint of each data set of a study, by its block's `origin`: what a plan needs.

    Raises:
        BadData: a file cannot be read.
    """
    return {name: fingerprint(block, study.folder) for name, block in study.datasets.items()}


def require_unchanged(config: DatasetConfig, folder: Path, planned: str) -> None:
    """Refuse data that are no longer those of this fingerprint.

    Raises:
        BadData: it names them; or the file cannot be read.
    """
    require_same(config, fingerprint(config, folder), planned)


def require_same(config: DatasetConfig, found: str, planned: str) -> None:
    """Refuse one fingerprint where another was planned.

    Raises:
        BadData: it names the data.
    """
    if found != planned:
        raise BadData(
            f"{config.label}: is not what it was when its runs were planned ({planned:.12} then, "
            f"{found:.12} now): put it back as it was, or run the study into another folder (-o)"
        )


def split_key(config: DatasetConfig, seed: int, data: str | None) -> SplitKey:
    """What tells one split from another: the seed that it goes by, the data and their block.

    >>> from regbench.config.blocks.bundled import Iris
    >>> [split_key(Iris(name="iris", split_seed=s), 3, "iris 1")[0] for s in (None, 7)]
    [3, 7]
    """
    own = _own_seed(config, seed)
    if config.folds is not None and config.split_seed is not None:
        own = seed % config.folds  # the split is pinned, and the seed says which of its folds
    return own, data, config.model_dump_json()


def _own_seed(config: DatasetConfig, seed: int) -> int:
    return seed if config.split_seed is None else config.split_seed


class Fitted(NamedTuple):
    """A table, which of its rows belong to which part, and what is made of its values."""

    table: Table
    ids: PartIds
    transform: Transform


def fitted(
    config: DatasetConfig,
    seed: int,
    folder: Path,
    planned: str | None = None,
    *,
    complete: bool = False,
) -> Fitted:
    """The data set as one seed parts it, and the transform that its training part gives.

    Args:
        complete: as in `Transform.fit`; the other arguments and errors are those of `load`.
    """
    table = _table(config, split_seed(config, seed), folder)
    if planned is not None:
        require_same(config, table.fingerprint or fingerprint(config, folder), planned)
    key = (*split_key(config, seed, planned), complete)
    known = _fits.get(key)
    if known is None or known.table is not table:
        ids = part_ids(config, table, seed)
        require_classes(config, table, ids)
        transform = Transform.fit(table, ids.train, config.standardize, complete=complete)
        known = Fitted(table, ids, transform)
        if table.fingerprint:  # else it is made anew each time
            keep(_fits, key, known, _FITS)
    return known


def load(config: DatasetConfig, seed: int, folder: Path, planned: str | None = None) -> Split:
    """The data set as one seed sees it: split, with label noise, encoded and scaled.

    Everything that is fitted (medians, frequent categories, means, deviations) is fitted on the
    training part; label noise touches training labels only.

    Args:
        config: the study's dataset block.
        seed: the run's seed; `split_seed`, where the block has one, takes its place.
        folder: what a file's path is relative to.
        planned: the fingerprint that the data must have; None takes them as they are.
    Raises:
        BadData: the data set cannot be read, is not the planned one, or cannot be split as asked.

    >>> from regbench.config.blocks.bundled import Iris
    >>> split = load(Iris(name="iris"), seed=0, folder=Path("."))
    >>> len(split.train), len(split.val), len(split.test)
    (90, 30, 30)
    """
    table, ids, transform = fitted(config, seed, folder, planned)
    y_clean = transform.scaled_target(table.target)
    inputs = partial(_inputs, table, transform)
    target_mean, target_scale = transform.target

    y_train, flip_rate = y_clean, None
    q = getattr(config, "label_noise", 0.0)
    if q > 0:
        own = _own_seed(config, seed)
        y_train = noisy_labels(y_clean.astype(np.int64), len(table.class_names), q, own)
        flip_rate = float((y_train != y_clean)[ids.train].mean())

    def part(rows: Any, y: Any) -> Part:
        return Part(inputs=inputs(rows), y=y[rows], y_clean=y_clean[rows], ids=rows)

    return Split(
        train=part(ids.train, y_train),
        val=part(ids.val, y_clean),
        test=part(ids.test, y_clean),
        task=table.task,
        classes=len(table.class_names),
        example=table.shape.example,
        feature_names=transform.feature_names,
        class_names=table.class_names,
        flip_rate=flip_rate,
        target_mean=target_mean,
        target_scale=target_scale,
        transform=transform,
    )


def _inputs(table: Table, transform: Transform, rows: Ints) -> Transformed | Pixels:
    """The inputs of some rows, given by their numbers; nothing is copied for them."""
    if not table.as_bytes:
        return Transformed(table.values, rows, transform)
    first = slice(None, None, prod(table.shape.example[1:]))  # pixel of each channel
    scaler = Scaler(transform.scaler.mean[first], transform.scaler.scale[first])
    return Pixels(table.values, rows, scaler)


def suspicions(config: DatasetConfig, folder: Path, seed: int = 0) -> list[Suspicion]:
    """What looks wrong with a data set as a seed splits it.

    Raises:
        BadData: it cannot be read, or cannot be split as asked.
    """
    table = SOURCES[config.name].table(config, split_seed(config, seed), folder)
    left_out = tuple(describe(config, folder).left_out)
    return suspected(config, table, part_ids(config, table, seed), left_out)

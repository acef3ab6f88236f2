"""What an interval speaks of: another seed on these data, or other rows of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from regbench.config.blocks.datasets import DatasetConfig
from regbench.vocabulary.metrics import COLUMNS

Over = Literal["seeds", "rows"]


def why_no_rows(dataset: DatasetConfig) -> str:
    """Why no interval over rows can be made of such runs; empty where one can.

    It needs another split at each seed: the corrected t of Nadeau & Bengio (2003) is about rows
    that were drawn anew.

    >>> from regbench.config.blocks.bundled import Iris
    >>> from regbench.config.blocks.files import Csv
    >>> why_no_rows(Iris(name="iris")), why_no_rows(Iris(name="iris", split_seed=1))
    ('', 'split_seed pins the split')
    >>> file = {"name": "csv", "path": "a.csv", "target": "y", "task": "regression"}
    >>> why_no_rows(Csv(**file, split_column="part"))
    'split_column brings the split'
    """
    if dataset.split_seed is not None:
        return "split_seed pins the split"
    if dataset.split_by is not None:
        return f"{dataset.split_by} brings the split"
    if dataset.unit == "time":
        return "time makes one split for all seeds"
    return ""


def one_test_part(metrics: Iterable[str], folds: Collection[object]) -> str:
    """Why an interval over rows cannot be made of one of these columns; empty where it can.

    Args:
        folds: what has folds, whose one test part gives scores that differ by training alone.

    >>> one_test_part(["val_loss", "test_loss"], ["a cell"])
    'test_loss is of one test part for all folds, so it says nothing of other rows: take seeds'
    """
    scored = [name for name in metrics if name in COLUMNS and COLUMNS[name].of_test]
    if not (scored and folds):
        return ""
    what = f"{scored[0]} is of one test part for all folds"
    return f"{what}, so it says nothing of other rows: take seeds"


def usual(datasets: Collection[DatasetConfig]) -> Over:
    """What intervals speak of where a study does not say it: with folds of other rows.

    >>> from regbench.config.blocks.bundled import Iris
    >>> usual([Iris(name="iris", folds=5)]), usual([Iris(name="iris")])
    ('rows', 'seeds')
    """
    rows = all(each.folds is not None and not why_no_rows(each) for each in datasets)
    return "rows" if rows and datasets else "seeds"

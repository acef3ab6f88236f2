"""What an interval speaks of: another seed on these data, or other rows of the same kind."""

from __future__ import annotations

from typing import Literal

from regbench.config.schema import DatasetConfig

__all__ = ["Over", "why_no_rows"]

Over = Literal["seeds", "rows"]


def why_no_rows(dataset: DatasetConfig) -> str:
    """Why no interval over rows can be made of such runs; empty where one can.

    It needs another split at each seed: the corrected t of Nadeau & Bengio (2003) is about rows
    that were drawn anew.

    >>> from regbench.config.schema import Csv, Iris
    >>> why_no_rows(Iris(name="iris")), why_no_rows(Iris(name="iris", split_seed=1))
    ('', 'split_seed pins the split')
    >>> file = {"name": "csv", "path": "a.csv", "target": "y", "task": "regression"}
    >>> why_no_rows(Csv(**file, split_column="part"))
    'split_column brings the split'
    """
    if dataset.split_seed is not None:
        return "split_seed pins the split"
    if getattr(dataset, "split_column", None) is not None:
        return "split_column brings the split"
    return ""

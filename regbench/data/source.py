"""What every kind of data set must answer: its table, its size, and which data it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regbench.data.description import Description
from regbench.data.table import DataShape, Table


@dataclass(frozen=True)
class Source:
    """Where a kind of data set comes from. `folder` is the study file's.

    table: (dataset block, seed, folder) -> the whole data set. What is read from outside bears the
        fingerprint of what was parsed (`Table.fingerprint`).
    shape: (dataset block, folder) -> its size; cheap where nothing is read, because `plan` asks.
    fingerprint: (dataset block, folder) -> a text that is another one whenever the table may be:
        with the block's own keys it decides run ids. A set made here has a version that is raised
        by hand with every change of its rows.
    describe: (dataset block, folder) -> what was made of the data; None where that is all in the
        table.
    """

    table: Callable[[Any, int, Path], Table]
    shape: Callable[[Any, Path], DataShape]
    fingerprint: Callable[[Any, Path], str]
    describe: Callable[[Any, Path], Description] | None = None

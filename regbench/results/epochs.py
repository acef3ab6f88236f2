"""epochs.csv as arrays: one set of curves a run."""

from __future__ import annotations

from array import array
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import partial
from math import nan
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regbench.errors import BadData
from regbench.results.csv_text import open_csv
from regbench.results.files import there
from regbench.results.proof import require_as_written

__all__ = ["RunCurves", "read_epochs"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunCurves:
    """One run's trajectory: (E,) by column, `epoch` among them; NaN where the table is empty."""

    columns: Mapping[str, Floats]


def read_epochs(folder: Path, names: Container[str]) -> dict[str, RunCurves]:
    """The curves of a results folder's runs, by run id; none where there is no epochs.csv.

    The table is read row by row: a million rows take what their numbers take.

    Args:
        names: the columns wanted besides `epoch`; those that the table lacks are left out.
    Raises:
        BadData: the table is not as regbench wrote it, with the place.
    """
    path = folder / "epochs.csv"
    if not there(path):
        return {}
    found: dict[str, list[array[float]]] = {}
    with open_csv(path, partial(require_as_written, folder, "epochs.csv")) as (header, rows):
        for name in ("run_id", "epoch"):
            if name not in header:
                raise BadData(f"{path}: has no column '{name}': is it an epochs.csv?")
        wanted = [name for name in dict.fromkeys(header) if name == "epoch" or name in names]
        run_at, places = header.index("run_id"), [header.index(name) for name in wanted]
        last, columns = None, []
        for line, row in enumerate(rows, 2):
            if row[run_at] != last:  # a run's rows stand together
                last = row[run_at]
                columns = found[last] = [array("d") for _ in wanted]
            try:
                for column, i in zip(columns, places, strict=True):
                    column.append(float(row[i]) if row[i] else nan)
            except ValueError as error:
                raise BadData(f"{path}:{line}: {error}") from None
    return {
        run_id: RunCurves({n: np.asarray(c) for n, c in zip(wanted, columns, strict=True)})
        for run_id, columns in found.items()
    }

"""epochs.csv as arrays: one set of curves a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regbench.errors import BadData
from regbench.results.csv_text import read_csv
from regbench.results.proof import require_as_written

__all__ = ["RunCurves", "read_epochs"]

Floats = npt.NDArray[np.float64]
_FACTS = ("run_id", "cell", "seed")


@dataclass(frozen=True)
class RunCurves:
    """One run's trajectory: (E,) by column, `epoch` among them; NaN where the table is empty."""

    columns: Mapping[str, Floats]


def read_epochs(folder: Path) -> dict[str, RunCurves]:
    """The curves of a results folder's runs, by run id; none where there is no epochs.csv.

    Raises:
        BadData: the table is not as regbench wrote it, with the place.
    """
    path = folder / "epochs.csv"
    if not path.exists():
        return {}
    header, rows = read_csv(path, partial(require_as_written, folder, "epochs.csv"))
    for name in ("run_id", "epoch"):
        if name not in header:
            raise BadData(f"{path}: has no column '{name}': is it an epochs.csv?")
    if not rows:
        return {}
    names = [name for name in header if name not in _FACTS]
    columns = list(zip(*rows, strict=True))
    values = {name: _numbers(path, name, columns[header.index(name)]) for name in names}
    ids = np.array(columns[header.index("run_id")])
    # A run's rows stand together.
    starts = np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1, [len(ids)]])
    return {
        str(ids[start]): RunCurves({name: values[name][start:end] for name in names})
        for start, end in pairwise(starts.tolist())
    }


def _numbers(path: Path, name: str, texts: tuple[str, ...]) -> Floats:
    try:
        return np.array([float(text) if text else np.nan for text in texts], dtype=np.float64)
    except ValueError as error:
        raise BadData(f"{path}: column '{name}': {error}") from None

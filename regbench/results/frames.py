"""The tables of a results folder as DataFrames; pandas is imported when one is read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regbench.errors import BadData
from regbench.results.csv_text import unguard
from regbench.results.files import opened, there
from regbench.results.proof import require_as_written

if TYPE_CHECKING:
    import pandas as pd


# One run's curves: (E,) by column of epochs.csv, `epoch` among them; NaN where the table is empty.
Trajectory = Mapping[str, npt.NDArray[np.float64]]

# A cell may be called 007, true or nothing at all.
_WORDS = ("study", "run_id", "cell", "regularizer", "status", "error")


def read_frame(folder: Path, name: str, columns: Container[str] | None = None) -> pd.DataFrame:
    """A table as it was written: labels are text, and only what is empty is missing.

    Args:
        columns: those that are read; None reads all. The table may lack some.
    Raises:
        BadData: it is not as regbench wrote it, or cannot be understood.
    """
    import pandas as pd

    try:
        with opened(folder / name) as file:
            require_as_written(folder, name, file)
            file.seek(0)
            header = pd.read_csv(file, nrows=0).columns
            file.seek(0)
            words = dict.fromkeys([each for each in _WORDS if each in header], str)
            # Before 3.1 the digits of a number were rounded twice, if one did not ask otherwise.
            old = [int(part) for part in pd.__version__.split(".")[:2]] < [3, 1]
            frame = pd.read_csv(
                file,
                float_precision="round_trip" if old else None,
                usecols=None if columns is None else lambda each: each in columns,
                keep_default_na=False,  # "none" and "NA" are labels here
                na_values={each: [""] for each in header if each not in words},
                dtype=words,
            )
    except ValueError as error:  # pandas has several kinds of it
        raise BadData(f"{folder / name}: cannot be understood: {error}") from error
    for column in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            # Each text once, however many rows have it.
            kind, cells = frame[column].dtype, frame[column].astype("category").cat
            texts = [unguard(v) if isinstance(v, str) else v for v in cells.categories]
            values = np.array([*texts, np.nan], dtype=object)[cells.codes]
            frame[column] = pd.Series(values, dtype=kind)
    return frame


def read_epochs(folder: Path, names: Iterable[str]) -> dict[str, Trajectory]:
    """The curves of a results folder's runs, by run id; none where there is no epochs.csv.

    Args:
        names: the columns wanted besides `epoch`; those that the table lacks are left out.
    Raises:
        BadData: as `read_frame`.
    """
    path = folder / "epochs.csv"
    if not there(path):
        return {}
    frame = read_frame(folder, path.name, {"run_id", "epoch", *names})
    for name in ("run_id", "epoch"):
        if name not in frame:
            raise BadData(f"{path}: has no column '{name}': is it an epochs.csv?")
    codes, run_ids = frame.pop("run_id").factorize()
    order = slice(None) if (np.diff(codes) >= 0).all() else np.argsort(codes, kind="stable")
    columns = frame.columns.tolist()
    try:
        numbers = {name: frame.pop(name).to_numpy(np.float64)[order] for name in columns}
    except ValueError as error:
        raise BadData(f"{path}: {error}") from error
    ends = np.cumsum(np.bincount(codes, minlength=len(run_ids))).tolist()
    return {
        str(run_id): {str(name): column[start:end] for name, column in numbers.items()}
        for run_id, start, end in zip(run_ids, [0, *ends], ends, strict=False)
    }

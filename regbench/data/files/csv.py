"""A CSV file as a table: which column is what, and every mistake as one line that says where."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regbench.config.schema import Csv, Task
from regbench.data.files.csv_text import MAX_COLUMNS, CsvText
from regbench.data.files.reading import as_text, file_source, plain_text, read_whole
from regbench.data.table import Floats, Ints, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CSV", "last_column"]

_PARTS = ("train", "val", "test")

# Text with more values than this is a name or a number that identifies rows, not a category.
_MAX_CATEGORIES = 1000
# A text column of which this share are numbers, with more than so many values, is a numeric column
# with a slip in it ("?", "12,5") rather than a set of categories.
_MOSTLY_NUMBERS, _FEW_VALUES = 0.9, 10
# A fractional target with more values than this is a quantity, not a class.
_MAX_FRACTIONAL_CLASSES = 100

_LARGEST = float(np.finfo(np.float32).max)


def _parse(config: Csv, content: bytes) -> Table:
    text, target, drop = CsvText(config.label, content), config.target, config.drop
    split_column = config.split_column
    names = text.header()
    asked = [("target", target), *(("drop", column) for column in drop)]
    asked += [] if split_column is None else [("split_column", split_column)]
    _require_columns(text, names, asked)
    not_features = {column for _, column in asked}
    features = [name for name in names if name not in not_features]
    if not features:
        raise text.error("no feature is left besides the target")

    frame = text.frame(names, [name for name in names if name not in drop])
    labels, class_names = _target(text, frame[target], config.task)
    columns, categories = [], {}
    inputs = len(features)
    for place, name in enumerate(features):
        values, texts = _feature(text, frame[name])
        columns.append(values)
        if texts:
            categories[place] = texts
            inputs += len(texts) - 1
        if inputs > MAX_COLUMNS:
            raise text.error(
                f"text columns up to this one make more than {MAX_COLUMNS} one-hot columns: list "
                "some under drop",
                column=name,
            )
    return Table(
        values=np.column_stack(columns),
        target=labels,
        column_names=tuple(features),
        class_names=class_names,
        categories=categories,
        parts=None if split_column is None else _parts(text, frame[split_column]),
    )


CSV = file_source(_parse, as_text)


def last_column(path: Path) -> pd.Series:
    """The last column of a file, for a guess at what it is.

    Raises:
        BadData: the file is no table.
    """
    text = CsvText(str(path), plain_text(str(path), read_whole(path, str(path))))
    names = text.header()
    return text.frame(names, names[-1:])[names[-1]]


def _require_columns(text: CsvText, names: tuple[str, ...], asked: list[tuple[str, str]]) -> None:
    roles: dict[str, str] = {}
    for role, column in asked:
        if column not in names:
            raise text.error(f"has no column '{column}' for {role}{_hint(column, names)}")
        if roles.setdefault(column, role) != role:
            raise text.error(f"column '{column}' cannot be both {roles[column]} and {role}")


def _hint(column: str, names: tuple[str, ...]) -> str:
    by_lower_case = {name.lower(): name for name in names}
    near = difflib.get_close_matches(column.lower(), by_lower_case, n=1)
    if near:
        return f" (did you mean '{by_lower_case[near[0]]}'?)"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"; it has {', '.join(names[:10])}{more}"


def _feature(text: CsvText, cells: pd.Series) -> tuple[Floats, tuple[str, ...]]:
    """(N,) numbers, or category numbers and their texts; NaN where missing."""
    name = str(cells.name)
    if cells.isna().all():
        raise text.error("no value in any row: list it under drop", column=name)
    values, slip = _numbers(cells)
    if slip is None:
        _require_usable(text, values, name)
        return values, ()
    codes, texts = _sorted_codes(cells)
    mostly_numbers = np.isfinite(values).sum() >= _MOSTLY_NUMBERS * cells.notna().sum()
    if mostly_numbers and len(texts) > _FEW_VALUES:
        raise text.error(
            f"'{cells[slip]}' stands among numbers: leave the cell empty if it is missing",
            row=slip,
            column=name,
        )
    if len(texts) > _MAX_CATEGORIES:
        raise text.error(
            f"{len(texts)} different texts, more than the {_MAX_CATEGORIES} that are made "
            "into one-hot columns: list it under drop",
            column=name,
        )
    return np.where(codes < 0, np.nan, codes.astype(np.float64)), texts


def _target(text: CsvText, cells: pd.Series, task: Task) -> tuple[Floats | Ints, tuple[str, ...]]:
    name = str(cells.name)
    missing = np.flatnonzero(cells.isna())
    if len(missing):
        rows = "1 row has" if len(missing) == 1 else f"{len(missing)} rows have"
        raise text.error(
            f"{rows} no target value; this is the first", row=int(missing[0]), column=name
        )
    values, slip = _numbers(cells)
    if task == "regression":
        if slip is not None:
            raise text.error(
                f"'{cells[slip]}' is not a number, as a regression needs",
                row=slip,
                column=name,
            )
        _require_usable(text, values, name)
        if values.min() == values.max():
            raise text.error(f"{values[0]:g} in every row: nothing to predict", column=name)
        return values, ()
    codes, texts = _sorted_codes(cells) if slip is not None else _sorted_numbers(values)
    if slip is None and len(texts) > _MAX_FRACTIONAL_CLASSES and (values % 1 != 0).any():
        raise text.error(
            f"{len(texts)} different fractional numbers are no classes: "
            "did you mean task: regression?",
            column=name,
        )
    if len(texts) == 1:
        raise text.error(f"one class only, '{texts[0]}'", column=name)
    return codes, texts


def _parts(text: CsvText, cells: pd.Series) -> npt.NDArray[np.str_]:
    name = str(cells.name)
    parts = _texts(cells)
    for row in np.flatnonzero(~parts.isin(_PARTS)):
        value = "an empty cell" if parts.isna()[row] else f"'{parts[row]}'"
        raise text.error(f"{value} is none of train, val, test", row=int(row), column=name)
    if not (parts == "train").any():
        raise text.error("no row is marked train", column=name)
    return parts.to_numpy(dtype=np.str_)


def _numbers(cells: pd.Series) -> tuple[Floats, int | None]:
    """(N,) numbers, NaN where there is none; and the first row that holds text, if any does."""
    import pandas as pd

    text = _texts(cells)
    if text is cells:
        return cells.to_numpy(dtype=np.float64), None
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    slips = np.flatnonzero(np.isnan(values) & text.notna().to_numpy())
    return values, int(slips[0]) if len(slips) else None


def _texts(cells: pd.Series) -> pd.Series:
    """Cells of a text column without the spaces around them; numeric columns as they are."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(cells) and not is_bool_dtype(cells):
        return cells
    stripped = cells.map(lambda cell: str(cell).strip(), na_action="ignore")
    return stripped.where(stripped != "")


def _sorted_codes(cells: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """(N,) category numbers in the texts' order, -1 where missing, and the texts."""
    import pandas as pd

    codes, texts = pd.factorize(_texts(cells), sort=True)
    return codes.astype(np.int64), tuple(str(text) for text in texts)


def _sorted_numbers(values: Floats) -> tuple[Ints, tuple[str, ...]]:
    """(N,) class numbers in numeric order, and the numbers as text."""
    levels, codes = np.unique(values, return_inverse=True)
    texts = tuple(str(int(v)) if v % 1 == 0 else repr(float(v)) for v in levels)
    return codes.astype(np.int64), texts


def _require_usable(text: CsvText, values: Floats, name: str) -> None:
    for row in np.flatnonzero(np.abs(values) > _LARGEST):
        raise text.error(
            f"{values[row]:g} is infinite or beyond single precision", row=int(row), column=name
        )

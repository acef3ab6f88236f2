"""New rows for a model: columns that are known already, read as the model's data were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regbench.config.blocks.files import Csv
from regbench.data.description import Column
from regbench.data.files.columns import Cells
from regbench.data.files.csv_text import text_of
from regbench.data.files.notation import Notation, advice, has_decimal_comma
from regbench.data.files.npz import channels_first
from regbench.data.files.parquet import ParquetColumns
from regbench.data.files.problems import Problems, shown
from regbench.data.files.reading import as_it_is, as_text, content_of
from regbench.data.files.scanning import Pass, named, near_name, note_of_missing
from regbench.data.table import Floats
from regbench.errors import BadData
from regbench.vocabulary.words import counted

_MAX_TOLD = 5
_TRUTHS = ("true", "false")


class NewRows(NamedTuple):
    """values: (N, K) as in `Table`. notes: what a user should know of them, a sentence each."""

    values: Floats
    notes: tuple[str, ...]


def read_rows(
    config: Any,
    opened: Callable[[Problems], Pass],
    known: Sequence[Column],
    unused: Collection[str],
    place: str = "line",
) -> NewRows:
    """Read rows that have no target, or one that is not looked at.

    Args:
        config: a dataset block that says how its cells are read.
        opened: begins a pass over the table; it tells its problems.
        known: the K columns; of a category's texts those are new to the model that have no cells.
        unused: columns that the model's data had beside these.
        place: what a row is counted in.
    Raises:
        BadData: all that is wrong with the table.
    """
    problems = Problems(config.label)
    reading = opened(problems)
    names, nameless = named(reading.header, problems, least=1)
    for column in known:
        if column.name not in names:
            problems.refuse(
                f"has no column {shown(column.name)}, which the model knows"
                f"{near_name(column.name, names)}"
            )
    problems.require_none()
    notation = Notation(getattr(config, "decimal", "."), getattr(config, "thousands", None))
    cells = [_cells(config, column, notation) for column in known]
    values, places = _read(reading, names, known, cells)
    problems.require_none()
    if not places:
        problems.refuse("has a header but no rows", fatal=True)
    numbers = [c for c, column in zip(cells, known, strict=True) if column.kind != "category"]
    comma = any(has_decimal_comma(column.odd) for column in numbers)
    for column, found in zip(known, cells, strict=True):
        told = _trouble(found, column, comma)
        if told is not None:
            row, message = told
            problems.refuse(f"{place} {places[row]}, column {shown(column.name)}: {message}")
    problems.require_none()
    extra = [name for name in names if name not in {*(c.name for c in known), *unused, *nameless}]
    notes = [f"columns that the model does not know are left out: {_listed(extra)}"] * bool(extra)
    notes += note_of_missing(cells)
    notes += [told for c, column in zip(cells, known, strict=True) for told in _notes(c, column)]
    return NewRows(values, tuple(notes))


def rows_of_file(
    config: Any, folder: Path, known: Sequence[Column], unused: Collection[str]
) -> NewRows:
    """`read_rows` of the file that a dataset block, csv or parquet, names."""
    if isinstance(config, Csv):
        text = content_of(config, folder, as_text)
        return read_rows(
            config,
            lambda problems: text_of(config, text, problems),
            known,
            unused,
        )
    content = content_of(config, folder, as_it_is)
    return read_rows(config, lambda p: ParquetColumns(content, p), known, unused, "row")


def rows_of_array(
    name: str,
    x: Any,
    known: Sequence[Column],
    example: tuple[int, ...] | None = None,
    layout: str | None = None,
) -> NewRows:
    """Rows of an array (n, ...), whose columns are those of the model, one after the other.

    Args:
        name: what messages call it.
        example: the shape of an image or signal that the model takes, channels first.
        layout: how the axes of the model's own data were ordered.
    Raises:
        BadData: it is none, or has other columns, or may have its axes in another order.
    """
    try:
        values = np.array(x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise BadData(f"{name}: x is no array: {str(error).splitlines()[0]}") from None
    if values.dtype.kind not in "biuf":
        raise BadData(f"{name}: x holds {values.dtype}, no numbers")
    if any(column.kind == "category" for column in known):
        raise BadData(f"{name}: the model has categories: give a table whose columns have names")
    if values.ndim < 2 or len(values) == 0 or values[0].size != len(known):
        raise BadData(
            f"{name}: x has shape {values.shape}, and the model has {len(known)} inputs a row"
        )
    if layout is not None and values.ndim == 1 + len(layout):
        turned = channels_first(values, layout)
        values = turned if turned.shape[1:] == example else values
    taken = [(len(known),), example, *([example[1:]] if example and example[0] == 1 else [])]
    if example is not None and values.shape[1:] not in taken:
        needed = ", ".join(map(str, example))
        raise BadData(
            f"{name}: x has shape {values.shape}, and the model takes (n, {needed}): channels first"
        )
    values = values.reshape(len(values), -1).astype(np.float64)
    wrong = np.argwhere(np.abs(values) > np.finfo(np.float32).max)
    if len(wrong):
        row, column = wrong[0]
        raise BadData(f"{name}: x[{row}], input {column} is infinite or beyond single precision")
    gone = int(np.isnan(values).sum())
    return NewRows(values, (f"{gone} values of x are NaN and taken as missing",) * bool(gone))


def _cells(config: Any, column: Column, notation: Notation) -> Cells:
    if column.kind == "category":
        return Cells(column.name, "feature", "categorical", config.na_values, notation)
    declared: Any = "numeric" if column.name in config.numeric else None
    return Cells(column.name, "feature", declared, config.na_values, notation)


def _read(
    reading: Pass, names: tuple[str, ...], known: Sequence[Column], cells: Sequence[Cells]
) -> tuple[Floats, list[int]]:
    """(N, K) values, and the number of the line that each row begins on."""
    blocks, places = [np.empty((0, len(known)))], []
    for batch in reading.batches([names.index(column.name) for column in known]):
        made = []
        for column, found, array in zip(known, cells, batch.cells, strict=True):
            found.add(array)
            made.append(found.values(column, array))
        places += list(batch.places)
        blocks.append(np.stack(made, axis=1))
    return np.concatenate(blocks), places


def _trouble(cells: Cells, column: Column, comma: bool) -> tuple[int, str] | None:
    """The row of the first cell that cannot be read, and why."""
    if column.kind == "category":
        return None
    truths = _TRUTHS if column.kind == "indicator" else ()
    odd = {text: seen for text, seen in cells.odd.items() if text.lower() not in truths}
    if odd:
        text = next(iter(odd))
        declared = cells.declared == "numeric"
        known = advice(odd, target=True, declared=declared, comma=comma)
        why = known or "is no number, as the model's data have in this column"
        return odd[text].row, f"{shown(text)} {why}"
    if cells.point is not None and cells.commas:
        return cells.point, "a number with a point, among others with a decimal comma"
    if cells.infinite is not None:
        value, row = cells.infinite
        return row, f"{value} is infinite or beyond single precision"
    return None


def _notes(cells: Cells, column: Column) -> list[str]:
    """What the model cannot have learnt."""
    name = shown(column.name)
    if column.kind == "category":
        new = {t: seen.cells for t, seen in cells.texts.items() if not column.texts.get(t)}
        if new:
            taken = "taken as one of its rare texts" if column.most else "all of its inputs are 0"
            return [
                f"column {name}: the model was not trained on {_listed(new, new)}: {taken} there"
            ]
    elif column.kind == "indicator" and not cells.flags:
        return [f"column {name}: the model's data have 0 and 1 only, and here are other numbers"]
    return []


def _listed(names: Collection[str], cells: Mapping[str, int] | None = None) -> str:
    told = [
        shown(name) + (f" ({counted(cells[name], 'cell')})" if cells else "")
        for name in list(names)[:_MAX_TOLD]
    ]
    more = len(names) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")

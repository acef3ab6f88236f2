"""From a file's columns to a table: names and roles, one look at every cell, then the values."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from regbench.data.description import Column, Description
from regbench.data.files.columns import Cells, Role, role_of
from regbench.data.files.notation import Notation, has_decimal_comma
from regbench.data.files.problems import Problems, shown
from regbench.data.files.reading import Blocks, Open, Scan
from regbench.data.files.values import Held, Piece, table_of
from regbench.data.table import Ints, Table
from regbench.vocabulary.words import counted, number_in

if TYPE_CHECKING:
    import pyarrow as pa


MAX_COLUMNS = 65_536
_MAX_TOLD = 5
# Keys that name the column by which rows are parted -> what it is looked at as.
_PARTING: dict[str, Role] = {"split_column": "parts", "groups": "groups", "time": "time"}


class Batch(NamedTuple):
    """Successive rows.

    cells: one array a column that is wanted: texts, or of a type that the format has.
    places: of each row, the number of the line (or the row) that it begins on, from 1.
    """

    cells: list[pa.Array]
    places: Sequence[int]


class Pass(Protocol):
    """One pass over a file: its columns' names, then its rows."""

    header: tuple[str, ...]

    def batches(self, wanted: Sequence[int]) -> Iterator[Batch]:
        """The rows; of each the cells of these columns."""


Opened = Callable[[Blocks, Problems], Pass]


@dataclass
class _Looked:
    """What a pass found: rows that are used, where they stand, how many have no target."""

    rows: int = 0
    places: list[tuple[int, Sequence[int]]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def place(self, row: int) -> int:
        """The number of the line that a row begins on."""
        for first, places in reversed(self.places):
            if first <= row:
                return places[row - first]
        raise IndexError(row)


def scan_columns(
    config: Any, content: Open, opened: Opened, notation: Notation, place: str = "line"
) -> Scan:
    """A first look at a table of named columns.

    Args:
        config: a dataset block of the kind `_Columns`.
        content: opens the file's content.
        opened: begins a pass over content; it tells its problems.
        notation: how numbers are written.
        place: what a row is counted in.
    Raises:
        BadData: all that is wrong with the file.
    """
    problems = Problems(config.label)
    first = opened(content(), problems)
    names, left_out = named(first.header, problems)
    problems.require_none()
    roles = _roles(config, names, problems)
    left_out |= dict.fromkeys(config.drop, "drop")
    problems.require_none()

    def column(j: int, *, as_text: bool = False) -> Cells:
        name = names[j]
        declared: Any = "categorical" if name in config.categorical else None
        declared = "numeric" if name in config.numeric else declared
        role = roles.get(name, "feature")
        most = config.max_categories if role == "feature" else None
        return Cells(
            name, role, declared, config.na_values, notation, as_text=as_text, max_categories=most
        )

    wanted = [j for j, name in enumerate(names) if name not in left_out]
    cells = {j: column(j) for j in wanted}
    target = names.index(config.target)
    drops = config.missing_target == "drop"
    features = [j for j in wanted if roles.get(names[j], "feature") == "feature"]
    held = [Held(features)]
    looked = look(first, cells, target if drops else None, problems, held[0])
    problems.require_none()
    if looked.rows == 0:
        problems.refuse(
            "no row has a target" if looked.dropped else "has a header but no rows", fatal=True
        )
    late = {j: column(j, as_text=True) for j in wanted if cells[j].late}
    if late:
        # Words after many numbers: of the rows before, only the numbers were kept.
        reads = late | ({target: column(target)} if drops else {})
        look(opened(content(), problems), reads, target if drops else None, problems)
        cells |= late

    def where(row: int) -> str:
        return f"{place} {looked.place(row)}"

    for j in [j for j in wanted if not first.header[j]]:
        if cells[j].cells_missing == looked.rows:
            left_out[names[j]] = "no name, no value"
            wanted.remove(j)
        else:
            problems.refuse(f"{names[j]} has no name in the header: give it one")
    if late or drops or len(wanted) < len(cells):
        held.clear()
    _require_target(cells[target], problems, looked, place)
    comma = any(has_decimal_comma(cells[j].odd) for j in wanted if cells[j].is_undeclared)
    made = {j: cells[j].decided(problems, where, comma) for j in wanted}
    features = [j for j in wanted if roles.get(names[j], "feature") == "feature"]
    _require_room([made[j] for j in features], problems)
    problems.require_none()
    columns = [made[j] for j in features]
    described = Description(
        looked.rows,
        tuple(column for column in columns if column is not None),
        _known(made[target]),
        left_out,
        _notes([cells[j] for j in wanted], left_out, looked, place),
    )

    known = {j: (cells[j], _known(made[j])) for j in wanted}
    make = partial(table_of, known, features, target, described, config.max_categories)

    def again(blocks: Blocks) -> Table:
        batches = opened(blocks, Problems(config.label)).batches(wanted)
        rows: list[Ints] = []
        needed = (target, cells[target]) if drops else None
        table = make(_pieces(batches, wanted, needed, rows))
        return replace(table, rows=np.concatenate(rows) if looked.dropped else None)

    def at_once() -> Table | None:
        if not held:
            return None
        seen = held.pop()
        return make(seen.pieces(), seen.values)

    return Scan(described, again, at_once)


# --- names ----------------------------------------------------------------------------------------


def named(
    header: tuple[str, ...], problems: Problems, least: int = 2
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The columns' names, a number for one that has none, and what is left out because of it.

    Args:
        least: columns that there must be.
    """
    if not any(header):
        problems.refuse("is empty" if len(header) < 2 else "line 1 names no column", fatal=True)
    if any(name.lower().startswith("sep=") for name in header[:2]):
        problems.refuse("line 1 is a spreadsheet's note of its separator: remove it", fatal=True)
    if len(header) < least:
        other = next((mark for mark in (";", "\t", "|", ",") if mark in header[0]), None)
        called = "tab" if other == "\t" else f'"{other}"'
        hint = f": its cells look separated by {other!r}: set sep: {called}" if other else ""
        problems.refuse(f"has one column only{hint}", fatal=True)
    if all(number_in(name) is not None for name in header) and not _counts(header):
        some = ", ".join(header[:3])
        problems.refuse(
            f"line 1 holds numbers ({some}...), not column names: add a header", fatal=True
        )
    if len(header) > MAX_COLUMNS:
        problems.refuse(f"has {len(header)} columns, more than {MAX_COLUMNS}", fatal=True)
    names = tuple(name or f"column {place + 1}" for place, name in enumerate(header))
    _require_own_names(names, problems)
    return names, {} if header[0] else {names[0]: "no name: taken for the rows' numbers"}


def _roles(config: Any, names: tuple[str, ...], problems: Problems) -> dict[str, Role]:
    """What each column that a key names is for."""
    parting = {key: getattr(config, key, None) for key in _PARTING}
    named = [(key, column) for key, column in parting.items() if column is not None]
    asked = [("target", config.target), *named, *(("drop", column) for column in config.drop)]
    roles: dict[str, str] = {}
    kinds = [(key, name) for key in ("categorical", "numeric") for name in getattr(config, key)]
    for role, column in [*asked, *kinds]:
        both = roles.get(column, role)
        if column not in names:
            problems.refuse(f"has no column {shown(column)} for {role}{near_name(column, names)}")
        elif both != role and not (
            both == "target" and role == "numeric" and _is_regression(config)
        ):
            problems.refuse(f"column {shown(column)} cannot be both {both} and {role}")
        roles.setdefault(column, role)
    if not set(names) - {column for _, column in asked}:
        problems.refuse("no feature is left besides the target")
    made: dict[str, Role] = {config.target: role_of(config.task)}
    return made | {column: _PARTING[key] for key, column in named}


def _is_regression(config: Any) -> bool:
    return bool(config.task == "regression")


def near_name(column: str, names: tuple[str, ...]) -> str:
    """Which column may have been meant, or which there are."""
    by_lower_case = {name.lower(): name for name in names}
    near = difflib.get_close_matches(column.lower(), by_lower_case, n=1)
    if near:
        return f" (did you mean {shown(by_lower_case[near[0]])}?)"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"; it has {', '.join(shown(name)[1:-1] for name in names[:10])}{more}"


def _require_own_names(names: tuple[str, ...], problems: Problems) -> None:
    """Refuse names that are given twice; of a first row of values many are, or are numbers."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if len(twice) > 1 or (twice and any(number_in(name) is not None for name in names)):
        listed = ", ".join(map(shown, twice[:_MAX_TOLD])) + ", ..." * (len(twice) > _MAX_TOLD)
        problems.refuse(
            f"columns are called alike ({listed}): is line 1 a row of values? Then add a header"
        )
    elif twice:
        problems.refuse(f"two columns are called {shown(twice[0])}")


def _counts(header: tuple[str, ...]) -> bool:
    """Whether names are whole numbers one after another, as of an array that has no names."""
    whole = [int(name) for name in header if name.isdecimal() and len(name) < 10]
    return len(whole) == len(header) > 2 and whole == [*range(whole[0], whole[0] + len(whole))]


# --- cells ----------------------------------------------------------------------------------------


def look(
    reading: Pass,
    cells: dict[int, Cells],
    needs: int | None,
    problems: Problems,
    held: Held | None = None,
) -> _Looked:
    """Show each column its cells. Rows without a value in the column `needs` are left out.

    Args:
        held: is given what the columns want to see once more.
    """
    looked, wanted = _Looked(), list(cells)
    for batch in reading.batches(wanted):
        arrays, places = batch
        if needs is not None:
            arrays, places, dropped = _with_target(batch, wanted.index(needs), cells[needs])
            looked.dropped += dropped
        looked.places.append((looked.rows, places))
        looked.rows += len(places)
        for (j, column), array in zip(cells.items(), arrays, strict=True):
            seen = column.add(array)
            if held is not None:
                held.add(looked.rows - len(places), j, seen)
        if problems.full:
            break
    return looked


def _with_target(
    batch: Batch, at: int, target: Cells
) -> tuple[list[pa.Array], Sequence[int], list[int]]:
    """Rows that have a target, and the places of those that have none."""
    import pyarrow as pa

    there = target.present(batch.cells[at])
    if there.all():
        return batch.cells, batch.places, []
    places = np.asarray(batch.places)
    kept = [array.filter(pa.array(there)) for array in batch.cells]
    return kept, places[there].tolist(), places[~there].tolist()


def _require_target(cells: Cells, problems: Problems, looked: _Looked, place: str) -> None:
    """Say which rows have no target, all at once."""
    if not cells.cells_missing or cells.cells_missing == cells.rows:
        return
    lines = _listed(
        [looked.place(row) for row in cells.missing_rows[:_MAX_TOLD]], cells.cells_missing
    )
    words = ", ".join(shown(word) for word in cells.missing if word)
    taken = f" ({words} means missing)" if words else ""
    places = f"{place}s" if cells.cells_missing > 1 else place
    problems.refuse(
        f"no target in {places} {lines}{taken}: give column {shown(cells.name)} a value there, or "
        "set missing_target: drop"
    )


def _listed(places: Sequence[int], count: int) -> str:
    told = ", ".join(map(str, places[:_MAX_TOLD]))
    more = count - min(len(places), _MAX_TOLD)
    return f"{told} and {more} more" if more > 0 else told


def _require_room(columns: Sequence[Column | None], problems: Problems) -> None:
    inputs = 0
    for column in columns:
        inputs += 0 if column is None else column.inputs
        if column is not None and inputs > MAX_COLUMNS:
            problems.refuse(
                f"column {shown(column.name)}: text columns up to this one make more than "
                f"{MAX_COLUMNS} one-hot columns: list some under drop, or set max_categories"
            )
            return


def _known(column: Column | None) -> Column:
    assert column is not None  # else it was refused
    return column


def _pieces(
    batches: Iterator[Batch],
    wanted: Sequence[int],
    target: tuple[int, Cells] | None,
    rows: list[Ints],
) -> Iterator[Piece]:
    """The cells of batches, of rows that have a target where one is needed; `rows` tells which."""
    row = seen = 0
    for batch in batches:
        arrays, there = batch.cells, np.ones(len(batch.places), np.bool_)
        if target is not None:
            at, cells = wanted.index(target[0]), target[1]
            there = cells.present(arrays[at])
            arrays, _, _ = _with_target(batch, at, cells)
        rows.append(seen + np.flatnonzero(there))
        seen += len(there)
        for j, array in zip(wanted, arrays, strict=True):
            yield row, j, array
        row += len(rows[-1])


# --- what is said of it ---------------------------------------------------------------------------


def _notes(
    columns: Sequence[Cells], left_out: dict[str, str], looked: _Looked, place: str
) -> tuple[str, ...]:
    told = []
    for name, why in left_out.items():
        if why != "drop":
            told.append(f"{name} is left out ({why})")
    if looked.dropped:
        many, listed = len(looked.dropped), _listed(looked.dropped, len(looked.dropped))
        places = f"{place}s" if many > 1 else place
        rows = counted(many, "row")
        told.append(
            f"{rows} without a target {'is' if many == 1 else 'are'} left out ({places} {listed})"
        )
    told += note_of_missing(columns)
    for column in columns:
        told += column.notes()
    return tuple(told)


def note_of_missing(columns: Sequence[Cells]) -> list[str]:
    """How many cells mean missing, by the words that do; nothing where there are none."""
    words: dict[str, dict[str, int]] = {}
    for column in columns:
        for word, cells in column.missing.items():
            words.setdefault(word, {})[column.name] = cells
    if not words:
        return []
    each = [_taken(word, where) for word, where in sorted(words.items())]
    many = sum(sum(where.values()) for where in words.values())
    taken = f"{counted(many, 'cell')} {'is' if many == 1 else 'are'} taken as missing"
    return [f"{taken}: {'; '.join(each)}"]


def _taken(word: str, where: dict[str, int]) -> str:
    """A word that means missing, and in which columns it does.

    >>> _taken("", {"a": 3, "b": 4}), _taken("NA", {"a": 1})
    ("blank 7 ('a', 'b')", "'NA' 1 ('a')")
    """
    names = ", ".join(shown(name) for name in list(where)[:_MAX_TOLD])
    more = f" and {len(where) - _MAX_TOLD} more columns" if len(where) > _MAX_TOLD else ""
    return f"{shown(word) if word else 'blank'} {sum(where.values())} ({names}{more})"

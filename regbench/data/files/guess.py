"""A dataset block for a file that has none yet: every key that is a guess, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regbench.config.blocks.files import Csv, Parquet
from regbench.data.files.columns import LIKE_MISSING, PARTS, Cells
from regbench.data.files.csv_text import CsvText, text_of
from regbench.data.files.guess_images import images_guess, layout_guess
from regbench.data.files.notation import Notation, is_fraction, kind_of
from regbench.data.files.parquet import ParquetColumns
from regbench.data.files.problems import Problems, shown
from regbench.data.files.reading import Blocks, as_it_is, as_text, content_of
from regbench.data.files.scanning import look, named
from regbench.data.files.sniff import Format, format_of, sniffed
from regbench.errors import BadData, BadStudy
from regbench.vocabulary.metrics import Task

# A target of whole numbers with no more values than these, each often, is taken for classes.
_MOST_CLASSES, _ROWS_A_CLASS = 20, 5
# Texts that tell rows apart, and what is longer than a category's name: as the reader has it.
_OWN_VALUES, _FEW_ROWS, _MAX_CATEGORIES, _LONGEST = 0.9, 20, 1000, 200
# Words among numbers that are taken as missing: so few different ones, in so small a share.
_FEW_WORDS, _MOSTLY_NUMBERS, _FEW_VALUES = 3, 0.9, 10
# So many may be missing where the word is one that people write for it.
_HALF = 0.5
# Above these, whole numbers that differ may be one as floats.
_EXACT = 2**53
# This share of a column's texts must be numbers or dates in another notation.
_MOST = 0.9
_ID_NAME = re.compile(r"(?i)(.*[ _.-])?(id|idx|index|uuid|guid|row|nr|no)|.*[a-z]I[Dd]|unnamed: 0")
# More classes than this need so many rows each.
_MANY_CLASSES, _ROWS_OF_MANY = 100, 10
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?")
# A number and its unit.
_UNIT = re.compile(r"[+-]?[\d.,]+ ?([^\W\d]{1,4}[²³]?)")
_DATE_NAME = re.compile(r"(?i)(.*[ _.-])?(date|year|timestamp)")
_TARGET_NAMES = ("target", "label", "class", "y", "outcome")
_TOLD = 10


@dataclass
class Guess:
    """Keys of a dataset block.

    Attributes:
        keys: key -> value, in the order in which a study has them.
        why: what a key's value rests on; none where the caller gave it.
    """

    keys: dict[str, Any]
    why: dict[str, str] = field(default_factory=dict)

    def note(self, key: str, value: Any, why: str) -> None:
        """Add a key."""
        self.keys[key], self.why[key] = value, why


def guess(path: Path, target: str | None = None, task: Task | None = None) -> Guess:
    """What a study has to say of a file, so that it can be read.

    Args:
        target, task: what its user has said.
    Raises:
        BadStudy: nothing in it can be taken for a target unasked; it names what could be.
        BadData: it is no table, or cannot be read.
    """
    images = images_guess(path)
    if images is not None:
        if target is not None or task is not None:
            raise BadStudy("--target and --task go with a table: images have classes")
        made = Guess({"name": images.pop("name")[0], "path": str(path)})
        for key, (value, why) in images.items():
            made.note(key, value, why)
        return made
    form = format_of(path)
    made = Guess({"name": form, "path": str(path)})
    if form == "npz":
        if target is not None:
            raise BadStudy("--target: an npz file's target is its array y")
        _arrays(path, made, task)
        return made
    if form == "csv":
        for key, (value, why) in sniffed(path).items():
            made.note(key, value, why)
    table = _Table(form, made.keys)
    notation = Notation()
    if form == "csv":
        _require_header(table.columns(notation), path)
        notation = _notation(table, table.columns(notation))
        if notation.decimal != ".":
            made.note("decimal", notation.decimal, "numbers such as 12,5")
        if notation.thousands is not None:
            made.note("thousands", notation.thousands, "groups the digits of numbers")
    words = _missing_words(table.columns(notation))
    if words:
        default = Csv.model_fields["na_values"].default
        made.note("na_values", [*default, *words], "words among numbers, taken as missing")
    columns = table.columns(notation, tuple(made.keys.get("na_values", ())))
    if columns and columns[0].rows == 1:
        raise BadData(f"{path}: has one row only")
    by_name = {cells.name: cells for cells in columns}
    kinds = {cells.name: _kind(cells) for cells in columns}
    parts = [name for name, kind in kinds.items() if kind == "parts"]
    wanted = _target(columns, kinds, target, made)
    _task(table, wanted, notation, task, made)
    if len(parts) == 1 and wanted.name not in parts and "val" in by_name[parts[0]].texts:
        made.note("split_column", parts[0], "the file's own split")
    _lists(columns, kinds, wanted, made, table.unreadable)
    used = {wanted.name, made.keys.get("split_column"), *made.keys.get("drop", ())}
    if used >= kinds.keys():
        out = ", ".join(map(shown, made.keys.get("drop", ())[:_TOLD]))
        why = f": {out} left out ({made.why['drop']})" if out else ""
        raise BadData(f"{path}: no column is left to predict {shown(wanted.name)} from{why}")
    if wanted.cells_missing:
        made.note("missing_target", "drop", f"{wanted.cells_missing} rows have none")
    order = ["name", "path", "target", "task"]
    made.keys = {key: made.keys[key] for key in [*order, *(k for k in made.keys if k not in order)]}
    return made


class _Table:
    """A file of named columns that can be looked at again and again."""

    def __init__(self, form: Format, keys: dict[str, Any]) -> None:
        given: dict[str, Any] = {"target": "?", "task": "regression", **keys}
        self._config: Any = Csv(**given) if form == "csv" else Parquet(**given)
        self._decode = as_text if form == "csv" else as_it_is
        self._known: dict[Any, list[Cells]] = {}
        self.unreadable: tuple[str, ...] = ()

    @property
    def separator(self) -> str:
        """What stands between cells."""
        return str(getattr(self._config, "separator", ""))

    def columns(
        self, notation: Notation, words: tuple[str, ...] = (), only: str | None = None
    ) -> list[Cells]:
        """Each column, looked at as a feature; `only` one, all of whose texts are counted.

        Raises:
            BadData: it is no table.
        """
        key = notation, words, only
        if key not in self._known:
            self._known[key] = self._looked(notation, words or self._config.na_values, only)
        return self._known[key]

    def _looked(self, notation: Notation, words: tuple[str, ...], only: str | None) -> list[Cells]:
        problems = Problems(self._config.label)
        first = self._opened(problems)
        names, left_out = named(first.header, problems)
        problems.require_none()
        self.unreadable = first.unreadable
        left_out |= dict.fromkeys(first.unreadable, "drop")
        wanted = [
            j for j, name in enumerate(names) if name not in left_out and only in (None, name)
        ]

        def column(j: int, as_text: bool) -> Cells:
            return Cells(names[j], "feature", None, words, notation, as_text=as_text)

        cells = {j: column(j, only is not None) for j in wanted}
        looked = look(first, cells, None, problems)
        problems.require_none()
        if looked.rows == 0:
            problems.refuse("has a header but no rows", fatal=True)
        late = {j: column(j, True) for j in wanted if cells[j].late}
        if late:
            look(self._opened(problems), late, None, problems)
        return list((cells | late).values())

    def _opened(self, problems: Problems) -> CsvText | ParquetColumns:
        blocks: Blocks = content_of(self._config, Path(), self._decode)
        if isinstance(self._config, Csv):
            return text_of(self._config, blocks, problems)
        return ParquetColumns(blocks, problems)


# --- columns --------------------------------------------------------------------------------------


def _require_header(columns: Sequence[Cells], path: Path) -> None:
    """Refuse a first line that is a row of values: each name is like what stands below it.

    A whole number may be a name (2019), but for none of its column's kind.
    """
    alike = [_is_like(cells) for cells in columns]
    if None not in alike and sum(map(bool, alike)) > len(alike) / 2:
        names = ", ".join(shown(cells.name) for cells in columns[:3])
        raise BadData(
            f"{path}: line 1 looks like a row of values ({names}, ...), not like names: add a "
            "header line above it"
        )


def _is_like(cells: Cells) -> bool | None:
    """Whether a column's name is one of its values; None where it can be none."""
    number = cells.notation.number(cells.name)
    if not cells.odd and cells.numbers:
        inside = number is not None and cells.low <= number <= cells.high
        return True if inside else False if number is not None else None
    if cells.name in cells.texts or (number is not None and cells.numbers):
        return True
    own = len(cells.texts) >= _OWN_VALUES * cells.rows
    return False if own or cells.cells_missing == cells.rows else None


def _notation(table: _Table, columns: Sequence[Cells]) -> Notation:
    """How the numbers of a file are written, where most texts of a column are such numbers."""
    marks: list[tuple[str | None, str | None, bool]] = []
    texts: list[str] = []
    for cells in columns:
        kinds = {text: kind_of(text) for text in cells.odd}
        numbers = {
            t: kind for t, kind in kinds.items() if kind is not None and not isinstance(kind, str)
        }
        if cells.odd and len(numbers) >= _MOST * len(cells.odd):
            marks += numbers.values()
            texts += [text for text, kind in numbers.items() if kind[:2] != (None, None)]
    groups = {group for group, _, _ in marks} - {None}
    commas = any(decimal == "," for _, decimal, _ in marks)
    # 1,234 may be of either kind: where commas stand between cells, nobody writes decimal commas.
    if groups == {","} and all(map(is_fraction, texts)) and table.separator == ";":
        commas = True
    if commas:
        groups.discard(",")
    group = groups.pop() if len(groups) == 1 else None
    if commas and group is None and table.separator != "," and _has_groups(table):
        group = "."
    return Notation("," if commas else ".", group)


def _has_groups(table: _Table) -> bool:
    """Whether in a file with decimal commas three digits follow every point: 1.050."""
    notation, texts = Notation(","), []
    for cells in table.columns(notation):
        if cells.point is not None and not cells.odd:
            (counted,) = table.columns(notation, only=cells.name)
            texts += [text for text in counted.texts if "." in text]
    return bool(texts) and all(map(_GROUPED.fullmatch, texts))


def _missing_words(columns: Sequence[Cells]) -> list[str]:
    """Words that stand here and there in columns of numbers."""
    found: dict[str, None] = {}
    for cells in columns:
        there = cells.rows - cells.cells_missing
        usual = all(text.lower() in LIKE_MISSING for text in cells.odd)
        numbers = cells.numbers >= (_HALF if usual else _MOSTLY_NUMBERS) * there
        if 0 < len(cells.odd) <= _FEW_WORDS and numbers and len(cells.texts) > _FEW_VALUES:
            found |= dict.fromkeys(cells.odd)
    return list(found)


def _kind(cells: Cells) -> str:
    """number, signed, date, time, category, text (free, or names of rows), id, parts, constant or
    empty."""
    there = cells.rows - cells.cells_missing
    if there == 0:
        return "empty"
    if not cells.odd:
        if cells.low == cells.high and abs(cells.low) < _EXACT:
            return "constant"
        rising = cells.whole and cells.high - cells.low == there - 1 and there > _FEW_ROWS
        many = cells.whole and (cells.high - cells.low >= there - 1 or cells.low >= _EXACT)
        return (
            "id" if _ID_NAME.fullmatch(cells.name) and many else "counter" if rising else "number"
        )
    kinds = [kind_of(text) for text in cells.odd]
    for name in ("date", "time"):
        if sum(kind == name for kind in kinds) >= _MOST * len(kinds):
            return name
    if sum(kind is not None and not isinstance(kind, str) for kind in kinds) >= _MOST * len(kinds):
        return "signed"
    if set(cells.texts) <= set(PARTS) and "train" in cells.texts:
        return "parts"
    units = [found[1] for text in cells.texts if (found := _UNIT.fullmatch(text)) is not None]
    if len(units) >= _MOST * len(cells.texts) > _FEW_VALUES and len(set(units)) == 1:
        return "unit"
    own = len(cells.texts) >= _OWN_VALUES * there and there > _FEW_ROWS
    if own or len(cells.texts) > _MAX_CATEGORIES or max(map(len, cells.texts)) > _LONGEST:
        return "id" if own and _ID_NAME.fullmatch(cells.name) else "text"
    return "constant" if len(cells.texts) == 1 else "category"


def _kind_of_target(cells: Cells, kind: str) -> str:
    """What can well be a feature may be no target."""
    there = cells.rows - cells.cells_missing
    if kind == "category" and len(cells.texts) > max(_MANY_CLASSES, there // _ROWS_OF_MANY):
        return "many"
    if kind == "number" and _DATE_NAME.fullmatch(cells.name):
        return "date"
    return "sparse" if 0 < there < cells.rows / 2 and kind not in _NO_TARGET else kind


_NO_TARGET = {
    "id": "looks like a name of rows",
    "counter": "counts the rows",
    "date": "is a date",
    "time": "is a time of day",
    "text": "is free text",
    "unit": "holds numbers with a unit",
    "parts": "says which part a row belongs to",
    "constant": "is the same in every row",
    "empty": "is empty",
    "sparse": "is empty in most rows",
    "many": "has too many different texts for so few rows",
}


def _target(
    columns: Sequence[Cells], kinds: dict[str, str], target: str | None, made: Guess
) -> Cells:
    """The column to predict: what was asked for, what is called so, or the last one."""
    by_name = {cells.name: cells for cells in columns}
    kinds = {name: _kind_of_target(by_name[name], kind) for name, kind in kinds.items()}
    candidates = [name for name in by_name if kinds[name] not in _NO_TARGET]
    listed = ", ".join(shown(name) for name in candidates[:_TOLD])
    listed += f" and {len(candidates) - _TOLD} more" if len(candidates) > _TOLD else ""
    if target is not None:
        if target not in by_name:
            raise BadStudy(f"--target: there is no column {shown(target)}; it has {listed}")
        made.keys["target"] = target
        return by_name[target]
    called = [name for name in candidates if name.lower() in _TARGET_NAMES]
    last = columns[-1].name
    chosen = called[0] if len(called) == 1 else last
    if chosen not in candidates:
        could = f"it could be {listed}" if candidates else "no other column could be, either"
        raise BadStudy(
            f"which column is to be predicted? The last one, {shown(last)}, "
            f"{_NO_TARGET[kinds[last]]}: name it with --target ({could})"
        )
    made.note(
        "target", chosen, "a guess: " + ("by its name" if chosen != last else "the last column")
    )
    return by_name[chosen]


def _task(table: _Table, target: Cells, notation: Notation, task: Task | None, made: Guess) -> None:
    if task is not None:
        made.keys["task"] = task
        return
    if target.odd:
        dated = _kind(target) in ("signed", "date")
        made.note(
            "task",
            *(
                ("regression", "a guess: numbers")
                if dated
                else ("classification", "its values are texts")
            ),
        )
        return
    (counted,) = table.columns(notation, tuple(made.keys.get("na_values", ())), target.name)
    values, there = len(counted.texts), counted.rows - counted.cells_missing
    if target.whole and values <= min(_MOST_CLASSES, there // _ROWS_A_CLASS):
        made.note("task", "classification", f"a guess: {values} whole numbers")
    else:
        made.note("task", "regression", "a guess: numbers")


def _lists(
    columns: Sequence[Cells],
    kinds: dict[str, str],
    target: Cells,
    made: Guess,
    unreadable: Sequence[str],
) -> None:
    """`drop`, `numeric` and `categorical`: what the columns' texts say of them."""
    drop: dict[str, list[str]] = {"neither numbers nor texts": [*unreadable]} if unreadable else {}
    numeric, categorical = [], []
    for cells in columns:
        name, kind = cells.name, kinds[cells.name]
        regression = made.keys["task"] == "regression"
        if kind in ("signed", "date") and name == target.name and regression:
            numeric.append(name)
        if name in (target.name, made.keys.get("split_column")):
            continue
        if kind == "signed":
            numeric.append(name)
        elif kind in ("id", "date", "time", "text", "empty", "unit"):
            drop.setdefault(
                {
                    "id": "names of rows",
                    "date": "dates (or time: orders rows by one, or "
                    "numeric: days since 1970-01-01)",
                    "time": "times of day",
                    "text": "free text",
                    "empty": "empty",
                    "unit": "numbers with a unit (take it off, and they can be used)",
                }[kind],
                [],
            ).append(name)
        elif kind == "parts":
            drop.setdefault("parts without val (a gap needs rows marked val)", []).append(name)
        elif (
            kind == "category"
            and cells.numbers >= _MOSTLY_NUMBERS * (cells.rows - cells.cells_missing)
            and len(cells.texts) > _FEW_VALUES
        ):
            categorical.append(name)
    if drop:
        made.note("drop", [n for names in drop.values() for n in names], "; ".join(drop))
    if numeric:
        made.note("numeric", numeric, "a sign is left out of their numbers")
    if categorical:
        made.note("categorical", categorical, "texts stand among their numbers")


def _arrays(path: Path, made: Guess, task: Task | None) -> None:
    """The keys of an npz file; what is wrong with it is said by who reads it."""
    import zipfile

    from regbench.data.files.npz import array_in

    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
        x, y = array_in(path, "x"), array_in(path, "y")
    except (OSError, BadData, zipfile.BadZipFile):
        names, x, y = set(), np.zeros(0), np.zeros(0)
    if task is not None:
        made.keys["task"] = task
    else:
        there = y[~np.isnan(y)] if y.dtype.kind == "f" else y
        few = len(np.unique(there)) <= min(_MOST_CLASSES, len(there) // _ROWS_A_CLASS)
        classes = there.dtype.kind not in "iuf" or (few and bool((there % 1 == 0).all()))
        made.note(
            "task", "classification" if classes else "regression", "a guess by the values of y"
        )
    layout = layout_guess(x)
    if layout is not None:
        made.note("layout", *layout)
    if y.dtype.kind == "f" and np.isnan(y).any():
        made.note("missing_target", "drop", f"{np.isnan(y).sum()} rows have none")
    if "part" in names:
        made.note("split_column", "part", "the file's own split")
    elif "groups" in names:
        made.note("groups", "groups", "each stays in one part")

"""Columns of cells: which is a number, which a category, and what is wrong with each.

A column is looked at batch by batch (`add`), then decided (`decided`), then read again into the
table (`values`). Cells are texts as they are written, or of a type where the format has types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from regbench.data.description import Column
from regbench.data.files.notation import Notation, advice
from regbench.data.files.problems import MOST_TOLD, Problems, shown
from regbench.data.table import Floats
from regbench.vocabulary.metrics import Task

if TYPE_CHECKING:
    import pyarrow as pa


Role = Literal["feature", "classes", "quantity", "parts", "groups", "time"]
Declared = Literal["categorical", "numeric"]

PARTS = ("train", "val", "test")

# Text with more values than this is a name or a number that identifies rows, not a category.
_MAX_CATEGORIES, _MAX_CLASSES = 1000, 10_000
# As is one of which nearly every row has its own.
_OWN_VALUES, _FEW_ROWS = 0.9, 20
# A text column of which this share are numbers, with more than so many values, is a numeric column
# with a slip in it ("?", "12,5") rather than a set of categories.
_MOSTLY_NUMBERS, _FEW_VALUES = 0.9, 10
# More classes than this, each of so few rows, or fractional, are a quantity.
_MANY_CLASSES, _ROWS_A_CLASS = 100, 10
_LONGEST_TEXT = 200
_LARGEST = float(np.finfo(np.float32).max)
# What else people write for missing: told, never assumed.
LIKE_MISSING = {
    "none",
    "null",
    "n/a",
    "na",
    "nan",
    "?",
    "-",
    "--",
    ".",
    "missing",
    "unknown",
    "#n/a",
    "<na>",
    "*",
}


@dataclass
class _Seen:
    """How often a text was seen, and in which row first."""

    cells: int
    row: int


@dataclass
class Cells:
    """What is known of one column.

    Attributes:
        missing: words taken as missing ("" is a blank) -> cells.
        texts: of a column of words -> cells; up to one more than may be.
        odd: texts that are no numbers.
        missing_rows: the first rows without a value.
        as_text: its texts are counted; from the start, or since one was met that is no number.
        padded: whether numbers have leading zeros.
        commas, point: whether there are decimal commas, and the first row with a point instead.
        late: they were not from the start: it must be looked at again.
        max_categories: inputs that it may make of its texts; None: one for each.
    """

    name: str
    role: Role
    declared: Declared | None
    words: tuple[str, ...]
    notation: Notation = field(default_factory=Notation)
    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    missing_rows: list[int] = field(default_factory=list)
    texts: dict[str, _Seen] = field(default_factory=dict)
    odd: dict[str, _Seen] = field(default_factory=dict)
    numbers: int = 0
    low: float = np.inf
    high: float = -np.inf
    flags: bool = True
    whole: bool = True
    infinite: tuple[str, int] | None = None
    commas: bool = False
    point: int | None = None
    padded: bool = False
    late: bool = False
    as_text: bool = False
    max_categories: int | None = None

    def __post_init__(self) -> None:
        self.as_text |= self.role in ("classes", "parts") or self.declared == "categorical"
        self._groups: dict[str | None, float] = {}
        self._gone, self._gone_numbers = _gone(self.words, self.notation)

    @property
    def limit(self) -> int:
        """How many texts there may be."""
        wide = self.role == "classes" or self.max_categories is not None
        return _MAX_CLASSES if wide else _MAX_CATEGORIES

    @property
    def cells_missing(self) -> int:
        """In all."""
        return sum(self.missing.values())

    @property
    def is_undeclared(self) -> bool:
        """Whether only its cells say what it is."""
        return self.role in ("feature", "quantity") and self.declared is None

    # --- looking ----------------------------------------------------------------------------------

    def add(self, cells: pa.Array) -> pa.Array | Floats:
        """The next rows; gives what `values` wants to see of them, once all is known."""
        if self.role == "groups":
            self._note_missing({}, ~self.present(cells))
            self.rows += len(cells)
            return cells
        if not self.as_text:
            found = self._quick(cells)
            if found is not None:
                self.padded = self.padded if self.rows else _is_padded(cells)
                start, before = self.rows, self.infinite
                self._count(*found)
                if (
                    before is None
                    and self.infinite is not None
                    and isinstance(word := cells[self.infinite[1] - start].as_py(), str)
                ):
                    self.infinite = word.strip(), self.infinite[1]  # 1e400, not inf
                return found[0].astype(narrowest(found[0]))
            self.late, self.as_text = self.numbers > 0, True
        words, codes = self._words(cells)
        counts = np.bincount(codes, minlength=len(words))
        firsts = np.full(len(words), -1)
        firsts[codes[::-1]] = np.arange(len(codes))[::-1]
        gone: dict[str, int] = {}
        numbers: list[tuple[float, int, int, str]] = []
        for word, count, first in zip(words, counts.tolist(), firsts.tolist(), strict=True):
            row = self.rows + first
            if word is None or self._is_missing(word):
                gone[word or ""] = gone.get(word or "", 0) + count
                continue
            if len(self.texts) <= self.limit or word in self.texts:
                self.texts.setdefault(word, _Seen(0, row)).cells += count
            value = self._number(word)
            if self.notation.decimal == "," and value is not None:
                self.commas = self.commas or "," in word
                pointed = "." in word and "," not in word and self.notation.thousands != "."
                self.point = row if pointed and self.point is None else self.point
            if value is None:
                if len(self.odd) <= self.limit or word in self.odd:
                    self.odd.setdefault(word, _Seen(0, row)).cells += count
            else:
                numbers.append((value, count, row, word))
        missing = np.array([word is None or self._is_missing(word) for word in words], np.bool_)
        self._note_missing(gone, missing[codes] if len(words) else np.zeros(0, np.bool_))
        for value, count, row, word in numbers:
            self._count_number(value, count, row, word)
        self.rows += len(codes)
        return cells

    def _count(self, values: Floats, words: Mapping[str, int]) -> None:
        self._note_missing(words, np.isnan(values) if words else None)
        there = values[~np.isnan(values)] if words else values
        if len(there):
            low, high = float(there.min()), float(there.max())
            self.low, self.high = min(self.low, low), max(self.high, high)
            if self.infinite is None and max(-low, high) > _LARGEST:
                row = int(np.flatnonzero(np.abs(values) > _LARGEST)[0])
                self.infinite = f"{values[row]:g}", self.rows + row
            if self.flags:
                self.flags = low >= 0 and high <= 1 and bool(((there == 0) | (there == 1)).all())
            if self.whole and high < np.inf and low > -np.inf:
                self.whole = bool((there == np.floor(there)).all())
        self.numbers += len(there)
        self.rows += len(values)

    def _count_number(self, value: float, cells: int, row: int, word: str) -> None:
        self.numbers += cells
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.flags = self.flags and value in (0, 1)
        self.whole = self.whole and value % 1 == 0
        if abs(value) > _LARGEST and (self.infinite is None or row < self.infinite[1]):
            self.infinite = word.strip(), row

    def _note_missing(self, words: Mapping[str, int], where: npt.NDArray[np.bool_] | None) -> None:
        for word, count in words.items():
            self.missing[word] = self.missing.get(word, 0) + count
        if where is not None and len(self.missing_rows) <= MOST_TOLD:
            self.missing_rows += (self.rows + np.flatnonzero(where)[: MOST_TOLD + 1]).tolist()

    def present(self, cells: pa.Array) -> npt.NDArray[np.bool_]:
        """(n,) whether there is a value."""
        words, codes = self._words(cells)
        there = np.array([not (word is None or self._is_missing(word)) for word in words], np.bool_)
        return there[codes] if words else np.zeros(0, np.bool_)

    # --- cells ------------------------------------------------------------------------------------

    def _quick(self, cells: pa.Array) -> tuple[Floats, dict[str, int]] | None:
        """(n,) numbers, NaN where missing, and the words of those; None where one is no number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pa.types.is_string(cells.type):
            return self._typed(cells)
        if self.notation.plain:
            try:
                values = pc.cast(cells, pa.float64()).to_numpy()
            except pa.ArrowInvalid:
                pass
            else:
                if not np.isnan(values).any():
                    return self._without_gone(values, {})
        trimmed = pc.utf8_trim_whitespace(cells)
        gone = pc.is_in(trimmed, value_set=self._gone)
        plain = pc.if_else(gone, None, trimmed)
        if not self.notation.plain:
            plain = self._as_plain(plain)
        if plain is None:
            return None
        try:
            values = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, TypeError):
            return None
        if np.isnan(values).sum() != pc.sum(gone).as_py():
            return None  # a nan that is not among the words
        words = pc.value_counts(trimmed.filter(gone)).to_pylist() if np.isnan(values).any() else []
        return self._without_gone(values, {each["values"]: each["counts"] for each in words})

    def _as_plain(self, texts: pa.Array) -> pa.Array | None:
        """Texts with a decimal point and without groups; None where some want a closer look."""
        import pyarrow.compute as pc

        decimal, thousands = self.notation.decimal, self.notation.thousands
        if thousands is not None and pc.any(pc.match_substring(texts, thousands)).as_py():
            return None
        if decimal == ".":
            return texts
        points, commas = (pc.match_substring(texts, mark) for mark in (".", decimal))
        if pc.any(pc.and_(points, commas)).as_py():
            return None
        self.commas = self.commas or bool(pc.any(commas).as_py())
        if self.point is None and pc.any(points).as_py():
            self.point = self.rows + pc.index(points, True).as_py()
        return pc.replace_substring(texts, decimal, ".")

    def _typed(self, cells: pa.Array) -> tuple[Floats, dict[str, int]] | None:
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = cells.type
        number = (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        )
        if not number and not pa.types.is_null(kind):
            return None
        values = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        values = np.array(values, np.float64)
        blank = int(np.isnan(values).sum())
        return self._without_gone(values, {"": blank} if blank else {})

    def _without_gone(self, values: Floats, words: dict[str, int]) -> tuple[Floats, dict[str, int]]:
        for value, word in self._gone_numbers.items():
            where = values == value
            if where.any():
                values = np.where(where, np.nan, values)
                words[word] = words.get(word, 0) + int(where.sum())
        return values, words

    def _words(self, cells: pa.Array) -> tuple[list[str | None], npt.NDArray[np.int64]]:
        """The different texts, and (n,) which of them each cell holds."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pa.types.is_string(cells.type):
            if pa.types.is_floating(cells.type):
                cells = pc.if_else(pc.is_nan(cells), None, cells)
            cells = pc.cast(cells, pa.string())
        encoded = pc.utf8_trim_whitespace(cells).dictionary_encode(null_encoding="encode")
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return encoded.dictionary.to_pylist(), codes

    def _is_missing(self, word: str) -> bool:
        if not word or word in self.words:
            return True
        return bool(self._gone_numbers) and self._number(word) in self._gone_numbers

    def _number(self, word: str) -> float | None:
        declared = self.declared == "numeric" or self.role == "time"
        return self.notation.number(word, declared=declared)

    # --- deciding ---------------------------------------------------------------------------------

    def decided(
        self, problems: Problems, where: Callable[[int], str], comma: bool = False
    ) -> Column | None:
        """What the column is; None, and why, where it can be nothing.

        Args:
            where: a row's place in the file, as messages give it.
            comma: some column has numbers with a decimal comma.
        """
        if self.role in ("groups", "time") and self.missing_rows:
            for row in self.missing_rows:
                at = f"{where(row)}, column {shown(self.name)}"
                problems.refuse(f"{at}: an empty cell is no {self.role[:5]}")
            return None
        told = self._trouble(where, comma)
        if told is not None:
            problems.refuse(told)
            return None
        low, high = (self.low, self.high) if self.numbers else (None, None)
        if self.role == "groups":
            return Column(self.name, "category")
        if self.role in ("quantity", "time") or (self.role == "feature" and self._is_number):
            kind: Literal["number", "indicator"] = "number"
            if self.role == "feature" and self.flags and self.declared is None:
                kind = "indicator"
            return Column(self.name, kind, self.missing, low, high)
        if self.role == "feature" and self._is_truth:
            return Column(self.name, "indicator", self.missing, 0.0, 1.0)
        texts = {text: self.texts[text].cells for text in self._sorted()}
        return Column(self.name, "category", self.missing, texts=texts, most=self.max_categories)

    @property
    def _is_number(self) -> bool:
        return self.declared != "categorical" and not self.odd

    @property
    def _is_truth(self) -> bool:
        truths = {text.lower() for text in self.texts}
        return self.declared is None and truths <= {"true", "false"}

    def _sorted(self) -> list[str]:
        """Texts in order: numbers by value, else by their letters."""
        values = {text: self.notation.number(text) for text in self.texts}
        if None in values.values():
            return sorted(values)
        return sorted(values, key=lambda text: (values[text] or 0.0, text))

    def _trouble(self, where: Callable[[int], str], comma: bool) -> str | None:
        column = f"column {shown(self.name)}"
        if self.role == "parts":
            return self._trouble_of_parts(column, where)
        there = self.rows - self.cells_missing
        if self.role == "groups":
            return None
        if there == 0:
            hint = ": list it under drop" if self.role == "feature" else ""
            return f"{column}: no value in any row{hint}"
        wants_number = self.role in ("quantity", "time") or self.declared == "numeric"
        if self.odd and (wants_number or (self.role == "feature" and self.declared is None)):
            told = self._trouble_of_odd(there, wants_number, comma)
            if told is not None:
                text, message = told
                return f"{where(self.odd[text].row)}, {column}: {shown(text)} {message}"
        if self.role == "time" and (alone := self._number_among_dates()) is not None:
            at = where(self.texts[alone].row)
            return f"{at}, {column}: {shown(alone)} is a number, where others are dates"
        is_number = self.role != "classes" and (wants_number or self._is_number)
        if self.point is not None and self.commas and is_number:
            return (
                f"{where(self.point)}, {column}: a number with a point, among others with a "
                "decimal comma: write them one way"
            )
        if self.infinite is not None and is_number:
            value, row = self.infinite
            return f"{where(row)}, {column}: {value} is infinite or beyond single precision"
        if self.role == "quantity" and self.low == self.high:
            return f"{column}: {self.low:g} in every row: nothing to predict"
        if self.role == "classes":
            return self._trouble_of_classes(column)
        if self.role == "feature" and not self._is_number:
            return self._trouble_of_texts(column, there)
        return None

    def _number_among_dates(self) -> str | None:
        numbers = [text for text in self.texts if self.notation.number(text) is not None]
        return numbers[0] if 0 < len(numbers) < len(self.texts) else None

    def _trouble_of_odd(
        self, there: int, wants_number: bool, comma: bool
    ) -> tuple[str, str] | None:
        """A text that is no number, and what to do about it; None where it may be a category."""
        if not wants_number and self._is_truth:
            return None
        text = next(iter(self.odd))
        if self.role == "time":
            return text, "is neither a number nor an ISO date (2024-05-31, 2024-05-31T08:00)"
        target, declared = self.role == "quantity", self.declared == "numeric"
        known = advice(self.odd, target=target, declared=declared, comma=comma)
        if known is not None:
            return text, known
        cells = sum(seen.cells for seen in self.odd.values())
        many = f" (as in {cells} cells)" if cells > 1 else ""
        missing = f"add {shown(text)} to na_values if it means missing"
        if self.role == "quantity" and not self.numbers:
            return text, f"is not a number, as a regression needs{many}: set task: classification"
        if self.role == "quantity":
            return text, f"is not a number, as a regression needs{many}: {missing}"
        if wants_number:
            return text, f"is not a number, as numeric promises{many}: {missing}"
        mostly = self.numbers >= _MOSTLY_NUMBERS * there
        if mostly and len(self.texts) > _FEW_VALUES:
            how = f"{missing}, or list the column under categorical"
            return text, f"stands among numbers{many}: {how}"
        return None

    def _trouble_of_texts(self, column: str, there: int) -> str | None:
        longest = max(self.texts, key=len)
        if len(self.texts) > self.limit:
            lump = "" if self.max_categories else ", or set max_categories"
            return (
                f"{column}: more than {self.limit} different texts, too many for one-hot "
                f"columns: list it under drop{lump}"
            )
        if len(longest) > _LONGEST_TEXT:
            return (
                f"{column}: a text of {len(longest)} characters is no category: list it under drop"
            )
        own = len(self.texts) >= _OWN_VALUES * there and there > _FEW_ROWS
        if own and self.declared is None:
            return (
                f"{column}: {len(self.texts)} different texts in {there} rows, which tell rows "
                "apart, not kinds: list it under drop (or under categorical)"
            )
        return None

    def _trouble_of_classes(self, column: str) -> str | None:
        there, classes = self.rows - self.cells_missing, len(self.texts)
        if classes == 1:
            return f"{column}: one class only, {shown(next(iter(self.texts)))}"
        if classes > _MAX_CLASSES:
            return f"{column}: more than {_MAX_CLASSES} different values are no classes"
        hint = ": did you mean task: regression?" if not self.odd else ""
        fractional = not self.odd and not self.whole and classes > _MANY_CLASSES
        if fractional:
            return f"{column}: {classes} different fractional numbers are no classes{hint}"
        if there < _ROWS_A_CLASS * classes and classes > _MANY_CLASSES:
            return f"{column}: {classes} different values in {there} rows are no classes{hint}"
        longest = max(map(len, self.texts))
        if longest > _LONGEST_TEXT:
            return f"{column}: a text of {longest} characters is no class"
        return None

    def _trouble_of_parts(self, column: str, where: Callable[[int], str]) -> str | None:
        wrong = [(seen.row, shown(text)) for text, seen in self.texts.items() if text not in PARTS]
        wrong += [(row, "an empty cell") for row in self.missing_rows[:1]]
        if wrong:
            row, value = min(wrong)
            return f"{where(row)}, {column}: {value} is none of train, val, test"
        if "train" not in self.texts:
            return f"{column}: no row is marked train"
        return None

    def notes(self) -> list[str]:
        """What may not have been meant."""
        told, column = [], f"column {shown(self.name)}"
        if self.role in ("classes", "feature") and self.as_text and not self._is_truth:
            words = [text for text in self.texts if text.lower() in LIKE_MISSING]
            if words and (self.odd or self.role == "classes" or self.declared == "categorical"):
                what = "classes" if self.role == "classes" else "categories"
                listed = ", ".join(f"{shown(w)} ({self.texts[w].cells} cells)" for w in words[:5])
                told.append(f"{column}: {listed} are {what} (na_values makes words missing)")
        if self.odd and all(len(t) > 1 and t[0] == t[-1] == "'" for t in self.texts):
            told.append(f"{column}: the ' around every text is part of it, without quote: \"'\"")
        most = self.max_categories
        if most and not self._is_number and not self._is_truth and len(self.texts) > most:
            told.append(
                f"{column}: of {len(self.texts)} categories the {most - 1} most frequent in "
                "training have an input of their own, the others share one (max_categories)"
            )
        if self.role == "classes":
            told += self._notes_of_classes(column)
        if self.role in ("feature", "quantity") and self._is_number and self.point is not None:
            told.append(
                f"{column}: points are read as decimal points, for there is no comma in it (set "
                'thousands: "." if they group digits)'
            )
        if self.role == "feature" and self._is_number and self.padded and not self.declared:
            told.append(
                f"{column}: its leading zeros are lost: list it under categorical or drop if its "
                "numbers are names of something"
            )
        rounded = self.whole and self.numbers > 0 and max(-self.low, self.high) > 2**53
        if self.role == "feature" and self._is_number and rounded:
            told.append(
                f"{column}: whole numbers of more than 15 digits are rounded: list it under "
                "categorical or drop if they are names of something"
            )
        return told

    def _notes_of_classes(self, column: str) -> list[str]:
        alike: dict[object, str] = {}
        told = []
        for text in self.texts:
            value = self.notation.number(text)
            other = alike.setdefault(text.lower() if value is None else value, text)
            if other != text and len(text) < 15:
                told.append(f"{column}: {shown(other)} and {shown(text)} are different classes")
        if not self.odd and len(self.texts) > _MANY_CLASSES:
            told.append(f"{column}: {len(self.texts)} numbers are classes: or task: regression?")
        lone = [text for text, seen in self.texts.items() if seen.cells == 1]
        if lone:
            listed = ", ".join(map(shown, lone[:5])) + (", ..." if len(lone) > 5 else "")
            told.append(f"{column}: one row only of class {listed}")
        return told[:5]

    # --- reading again ----------------------------------------------------------------------------

    def values(self, column: Column, cells: pa.Array | Floats) -> Floats:
        """(n,) numbers, 0 and 1, or numbers of the column's texts; NaN where missing."""
        if isinstance(cells, np.ndarray):
            return cells
        if column.kind != "category" and not self._is_truth_column(column):
            found = self._quick(cells)
            if found is not None:
                return found[0]
        words, codes = self._words(cells)
        if self.role == "groups":  # numbered as they come
            known = [self._groups.setdefault(word, float(len(self._groups))) for word in words]
            return np.array(known, np.float64)[codes] if words else np.zeros(0)
        place = {text: float(j) for j, text in enumerate(column.texts)}
        known = [self._value(column, word, place) for word in words]
        return np.array(known, np.float64)[codes] if words else np.zeros(0)

    def _is_truth_column(self, column: Column) -> bool:
        return column.kind == "indicator" and bool(self.odd)

    def _value(self, column: Column, word: str | None, place: Mapping[str, float]) -> float:
        if word is None or self._is_missing(word):
            return np.nan
        if column.kind == "category":
            return place.get(word, -1.0)
        value = self.notation.number(
            word,
            declared=self.declared == "numeric"
            or self.role == "time"
            or column.kind == "indicator",
        )
        return np.nan if value is None else value


def _is_padded(cells: pa.Array) -> bool:
    """Whether some whole numbers are written with leading zeros, as codes are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(cells.type):
        return False
    return bool(pc.any(pc.match_substring_regex(cells, r"^\s*0[0-9]+\s*$")).as_py())


@lru_cache(maxsize=8)
def _gone(words: tuple[str, ...], notation: Notation) -> tuple[pa.Array, dict[float, str]]:
    """The texts that mean missing, and the numbers that do."""
    import pyarrow as pa

    numbers = {value: word for word in words if (value := notation.number(word)) is not None}
    return pa.array(["", *words], pa.string()), numbers


def narrowest(numbers: Floats) -> np.dtype[Any]:
    """The type of the fewest bytes that holds these numbers exactly."""
    for kind in map(np.dtype, (np.uint8, np.float32)):
        with np.errstate(invalid="ignore", over="ignore"):
            if np.array_equal(numbers.astype(kind), numbers, equal_nan=True):
                return kind
    return np.dtype(np.float64)


def role_of(task: Task) -> Role:
    """What the target is looked at as."""
    return "classes" if task == "classification" else "quantity"

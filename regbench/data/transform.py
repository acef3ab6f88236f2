"""From a table's columns to what the network sees, fitted on the training part only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.data.pixels import channel_scaler
from regbench.data.scaling import Scaler
from regbench.data.table import Floats, Ints, Table

# Numbers that are worked on at once: what is in the cache need not come from memory again.
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Category:
    """A text column: one 0/1 input for each of its texts, for the whole table's texts.

    fill: the number of the training part's most frequent text; None where it has none.
    shown: (C,) true for the texts that the training part has. The others are 0 everywhere, because
        nothing could be learnt about them: what OneHotEncoder(handle_unknown="ignore") does.
    kept: numbers of the texts that have an input of their own, where there may be only so many. All
        others share a last one, if the training part has any of them, as with
        OneHotEncoder(max_categories=..., handle_unknown="infrequent_if_exist").
    """

    texts: tuple[str, ...]
    fill: int | None
    shown: npt.NDArray[np.bool_]
    kept: tuple[int, ...] | None = None

    @classmethod
    def fit(cls, texts: tuple[str, ...], train: Floats, most: int | None = None) -> Category:
        """Of the category numbers of the training part, (n,), NaN where missing.

        Args:
            most: inputs that there may be.
        """
        counts = np.bincount(train[train >= 0].astype(np.int64), minlength=len(texts))
        fill, kept = int(counts.argmax()) if counts.any() else None, None
        if most is not None and len(texts) > most:
            # Of texts that are as frequent the last are kept, as scikit-learn has it.
            if fill is not None:
                counts[fill] += np.isnan(train).sum()  # they become it
            own = most - (np.count_nonzero(counts) > most)
            kept = tuple(sorted(np.argsort(counts, kind="stable")[len(texts) - own :].tolist()))
        return cls(texts, fill, counts > 0, kept)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What each input stands for."""
        if self.kept is None:
            return self.texts
        return (*(self.texts[code] for code in self.kept), *(["(others)"] * self.has_others))

    @property
    def has_others(self) -> bool:
        """Whether the training part has texts without an input of their own."""
        return self.kept is not None and bool(np.delete(self.shown, self.kept).any())

    def __call__(self, codes: Floats) -> Floats:
        """(n,) category numbers -> (n, inputs) of 0 and 1."""
        if self.fill is not None:
            codes = np.where(np.isnan(codes), self.fill, codes)
        own = np.arange(len(self.texts)) if self.kept is None else np.array(self.kept, np.int64)
        x: Floats = ((codes[:, None] == own) & self.shown[own]).astype(np.float64)
        if not self.has_others:
            return x
        others = ~np.isnan(codes) & ~np.isin(codes, own)
        return np.hstack([x, others[:, None].astype(np.float64)])


@dataclass(frozen=True)
class Transform:
    """Imputation, one-hot columns and scaling, and the same for a regression's target.

    Numbers come first, then the categories, each in the table's order. Only numbers are scaled: a
    column that holds 0 and 1 because it was made of a category stays as it is. Of I inputs, M are
    not made of texts. All pixels of a channel are scaled alike.

    columns: the K names of the table's columns.
    numbers: (M,) numbers of the columns that hold numbers or indicators.
    fill: (M,) what stands for a missing value: the training part's median, of an indicator its most
        frequent value; NaN where the training part has none, and then the input is 0 everywhere.
    scaler: x = (value - mean) / scale of these M; (0, 1) for indicators and unless standardised.
    categories: column number -> what is made of its texts.
    class_names: C names; empty for a regression.
    target: y = (raw - mean) / scale.
    """

    columns: tuple[str, ...]
    numbers: Ints
    fill: Floats
    scaler: Scaler
    categories: Mapping[int, Category]
    class_names: tuple[str, ...] = ()
    target: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def fit(
        cls, table: Table, train: Ints, standardize: bool = True, *, complete: bool = False
    ) -> Transform:
        """Of the rows `train`, (n,), of a table.

        Args:
            standardize: scale numbers and a regression's target; else neither.
            complete: find out what stands for a missing value also in columns where this table has
                none; for rows that are yet to come.

        >>> table = Table(np.array([[1.0], [3.0], [np.nan]]), np.array([2.0, 4.0, 9.0]), ("a",))
        >>> made = Transform.fit(table, np.array([0, 1]))
        >>> made(table.values).tolist(), made.target
        ([[-1.0], [1.0], [0.0]], (3.0, 1.0))
        """
        numbers = np.array(
            [j for j in range(len(table.column_names)) if j not in table.categories], np.int64
        )
        flags = np.array([j in table.indicators for j in numbers], dtype=np.bool_)

        def blocks(rows: Ints) -> Iterator[Floats]:
            """The values of these rows, some at a time."""
            each = max(1, _AT_ONCE // table.values.shape[1])
            for start in range(0, len(rows), each):
                yield table.values[rows[start : start + each]].astype(np.float64)

        fill, gaps = np.zeros(len(numbers)), np.full(len(numbers), complete)
        if table.values.dtype != np.uint8:  # a byte is always there
            for x in blocks(np.arange(len(table.values))):
                gaps |= np.logical_or.reduce(np.isnan(x), axis=0)[numbers]
        for k in np.flatnonzero(gaps).tolist():
            fill[k] = _median(table.column(numbers[k])[train], flags[k])
        scaler = Scaler(np.zeros(len(numbers)), np.ones(len(numbers)))
        if standardize and table.by_channel and table.example:
            each = channel_scaler(_filled(table.values[train], fill), table.example[0])
            pixels = len(numbers) // table.example[0]
            scaler = Scaler(each.mean.repeat(pixels), each.scale.repeat(pixels))
        elif standardize and len(numbers):
            if table.categories or len(numbers) == 1:
                fitted = _fitted_by_column(table, train, numbers, fill)
            else:
                fitted = Scaler.of_blocks(lambda: (_filled(x, fill) for x in blocks(train)))
            scaler = Scaler(np.where(flags, 0, fitted.mean), np.where(flags, 1, fitted.scale))
        target = (0.0, 1.0)
        if standardize and not table.class_names:
            y = Scaler.fit(table.target[train, None].astype(np.float64))
            target = float(y.mean[0]), float(y.scale[0])
        most = table.max_categories
        categories = {
            j: Category.fit(texts, table.values[train, j].astype(np.float64), most)
            for j, texts in table.categories.items()
        }
        names = table.class_names
        return cls(table.column_names, numbers, fill, scaler, categories, names, target)

    def __call__(self, values: npt.NDArray[Any]) -> Floats:
        """(n, K) values of a table with these columns -> (n, I) finite numbers."""
        x = values[:, self.numbers] if self.categories else values
        x = self.scaler(_filled(x, self.fill))
        if not self.categories:
            return x
        return np.hstack([x, *(made(values[:, j]) for j, made in self.categories.items())])

    @property
    def inputs(self) -> int:
        """I."""
        return len(self.numbers) + sum(len(each.inputs) for each in self.categories.values())

    @property
    def feature_names(self) -> tuple[str, ...]:
        """I names; an input that is made of a text reads `column=text`."""
        numbers = [self.columns[j] for j in self.numbers]
        texts = [
            f"{self.columns[j]}={text}" for j, c in self.categories.items() for text in c.inputs
        ]
        return (*numbers, *texts)

    def scaled_target(self, y: Floats | Ints) -> Floats | Ints:
        """(N,) targets as they are trained on; class numbers as they are."""
        mean, scale = self.target
        if self.class_names or self.target == (0.0, 1.0):
            return y
        scaled: Floats = (y.astype(np.float64) - mean) / scale
        return scaled

    def as_json(self) -> dict[str, Any]:
        """Plain values: one entry a column, in the order of the inputs; of a complete fit.

        >>> table = Table(np.array([[0.0], [1.0], [0.0]]), np.array([0, 1, 1]), ("a",), ("n", "y"),
        ...               {0: ("left", "right")})
        >>> Transform.fit(table, np.array([0, 2])).as_json()["columns"]
        [{'name': 'a', 'texts': ['left', 'right'], 'fill': 'left', 'shown': ['left']}]
        """
        mean, scale = self.target
        told = [
            {"name": self.columns[j], "fill": None if np.isnan(f) else f, "mean": m, "scale": s}
            for j, f, m, s in zip(
                self.numbers.tolist(),
                self.fill.tolist(),
                self.scaler.mean.tolist(),
                self.scaler.scale.tolist(),
                strict=True,
            )
        ]
        told += [
            {
                "name": self.columns[j],
                "texts": list(made.texts),
                "fill": None if made.fill is None else made.texts[made.fill],
                "shown": [
                    text for text, there in zip(made.texts, made.shown, strict=True) if there
                ],
                **({} if made.kept is None else {"kept": [made.texts[code] for code in made.kept]}),
            }
            for j, made in self.categories.items()
        ]
        target = {"classes": list(self.class_names)} if self.class_names else {}
        return {
            "order": list(self.columns),
            "columns": told,
            "target": target or {"mean": mean, "scale": scale},
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Transform:
        """What `as_json` told.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        place = {name: j for j, name in enumerate(told["order"])}
        numbers = [each for each in told["columns"] if "texts" not in each]
        categories = {}
        for each in told["columns"]:
            if "texts" in each:
                texts, fill = tuple(each["texts"]), each["fill"]
                shown = np.array([text in set(each["shown"]) for text in texts], dtype=np.bool_)
                code = None if fill is None else texts.index(fill)
                kept = each.get("kept")
                own = None if kept is None else tuple(map(texts.index, kept))
                categories[place[each["name"]]] = Category(texts, code, shown, own)

        def column(key: str) -> Floats:
            return np.array(
                [np.nan if each[key] is None else each[key] for each in numbers], np.float64
            )

        target = told["target"]
        return cls(
            tuple(told["order"]),
            np.array([place[each["name"]] for each in numbers], np.int64),
            column("fill"),
            Scaler(column("mean"), column("scale")),
            categories,
            tuple(target.get("classes", ())),
            (float(target.get("mean", 0.0)), float(target.get("scale", 1.0))),
        )


@dataclass(frozen=True, eq=False)
class Transformed:
    """Some rows of a table, of which is made what the network sees where they are read.

    values: (N, K) of the whole table; never copied.
    rows: (n,) which of them.
    """

    values: npt.NDArray[Any]
    rows: Ints
    transform: Transform

    @property
    def shape(self) -> tuple[int, int]:
        """(n, I)."""
        return len(self.rows), self.transform.inputs

    def read(self, rows: Ints) -> Floats:
        """(b, I) of these rows of the table."""
        return self.transform(self.values[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """(n, I) of all."""
        made = np.empty(self.shape, dtype or np.float64)
        each = max(1, _AT_ONCE // max(1, made.shape[1]))
        for start in range(0, len(made), each):
            made[start : start + each] = self.read(self.rows[start : start + each])
        return made


def _fitted_by_column(table: Table, train: Ints, numbers: Ints, fill: Floats) -> Scaler:
    """As one array of these columns alone would be: NumPy adds up each of them by itself then, and
    in another order.
    """
    fitted = [
        Scaler.fit(_filled(table.column(j)[train, None], fill[k : k + 1]))
        for k, j in enumerate(numbers.tolist())
    ]
    return Scaler(
        np.concatenate([each.mean for each in fitted]),
        np.concatenate([each.scale for each in fitted]),
    )


def _median(x: Floats, flag: bool) -> float:
    """Of the values that are there; of an indicator the more frequent one, 0 at a tie."""
    there = x[~np.isnan(x)]
    if len(there) == 0:
        return np.nan
    return float(there.mean() > 0.5 if flag else np.median(there))


def _filled(x: npt.NDArray[Any], fill: Floats) -> npt.NDArray[Any]:
    """Missing values replaced; a column of which the training part has none is 0 everywhere."""
    if x.dtype == np.uint8:  # a byte is always there
        return x
    never = np.isnan(fill)
    if not never.any() and not np.isnan(x).any():
        return x
    return np.where(never, 0.0, np.where(np.isnan(x), fill, x))

"""Imputation and one-hot columns for tables with gaps or text, fitted on the training part only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regbench.data.table import Floats, Ints, Table

__all__ = ["encode", "feature_names"]


def encode(table: Table, train: Ints) -> Floats:
    """(N, I) finite numbers: numeric columns first, then one column for each text category.

    Missing numbers become the training part's median, missing texts its most frequent one. There
    is a column for every category of the whole table, so that I does not depend on the split; a
    category (or a whole column) that the training part never shows is 0 everywhere, because
    nothing could be learnt about it. That is what OneHotEncoder(handle_unknown="ignore") does.

    Args:
        table: the whole data set.
        train: (n,) the rows to fit on.
    """
    if not table.categories and not np.isnan(table.values).any():
        return table.values
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numeric, text = _numeric(table), list(table.categories)
    one_hot = OneHotEncoder(
        categories=[np.arange(len(table.categories[j]), dtype=np.float64) for j in text],
        sparse_output=False,
    )
    to_text = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
    encoder = ColumnTransformer(
        [
            ("numeric", SimpleImputer(strategy="median", keep_empty_features=True), numeric),
            ("text", make_pipeline(to_text, one_hot), text),
        ]
    )
    encoder.fit(table.values[train])
    encoded: Floats = encoder.transform(table.values)
    encoded[:, _never_shown(table, train, encoded)] = 0
    return encoded


def feature_names(table: Table) -> tuple[str, ...]:
    """I names, in the order of `encode`'s columns; a category reads `column=text`."""
    numbers = [table.column_names[j] for j in _numeric(table)]
    texts = [f"{table.column_names[j]}={text}" for j, c in table.categories.items() for text in c]
    return (*numbers, *texts)


def _numeric(table: Table) -> list[int]:
    return [j for j in range(len(table.column_names)) if j not in table.categories]


def _never_shown(table: Table, train: Ints, encoded: Floats) -> npt.NDArray[np.bool_]:
    """(I,) true where the training part says nothing about an encoded column."""
    empty: npt.NDArray[np.bool_] = np.logical_and.reduce(np.isnan(table.values[train]), axis=0)
    absent: npt.NDArray[np.bool_] = np.logical_and.reduce(encoded[train] == 0, axis=0)
    numeric, text = _numeric(table), list(table.categories)
    widths = [len(table.categories[j]) for j in text]
    # A numeric column of zeros does say something: it is left to the scaling.
    absent[: len(numeric)] = False
    empty = np.concatenate([empty[numeric], np.repeat(empty[text], widths)])
    absent |= empty
    return absent

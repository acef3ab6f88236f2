"""Data that a caller gives: a DataFrame, read as a file would be, or arrays.

What was given is copied, and known by its content from then on: the SHA-256 of names, types, shapes
and values, which the dataset block holds. It stays in this process as long as somebody holds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.dataset import SPLITTING
from regbench.data.description import Description, described
from regbench.data.files.columns import PARTS
from regbench.data.files.notation import Notation
from regbench.data.files.npz import table_of_arrays
from regbench.data.files.parquet import plain_cells
from regbench.data.files.problems import Problems, shown
from regbench.data.files.scanning import Batch, scan_columns
from regbench.data.source import Source
from regbench.data.table import Table
from regbench.errors import BadData, BadStudy

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


_BATCH_ROWS = 1 << 14
_EXPECTED = (
    "expected a DataFrame, arrays (x, y), or a mapping of train, val and test to such arrays"
)


@dataclass(frozen=True, eq=False)
class Given:
    """What a caller gave.

    Attributes:
        names, cells: the columns of a frame.
        arrays: x, y and part of arrays.
    """

    kind: Literal["frame", "arrays"]
    content: str
    names: tuple[str, ...] = ()
    cells: tuple[Any, ...] = ()
    arrays: Mapping[str, npt.NDArray[Any]] | None = None

    @property
    def block(self) -> dict[str, Any]:
        """The keys of the dataset block that it brings."""
        parts = {"split_column": "part"} if self.arrays and "part" in self.arrays else {}
        return {"name": self.kind, "content": self.content, **parts}


_held: WeakValueDictionary[str, Given] = WeakValueDictionary()
_read: WeakKeyDictionary[Given, dict[str, tuple[Description, Table]]] = WeakKeyDictionary()


def hold(given: Iterable[Given]) -> None:
    """Let what was given be found by its content, as long as the caller holds it."""
    for each in given:
        _held[each.content] = each


def as_given(data: Any) -> Given:
    """A copy of a caller's data, which can be found by its content.

    Raises:
        BadStudy: it is of no kind that can be given.
        BadData: its arrays, or its columns' names, are none.

    >>> given = as_given(([[0.0], [1.0]], [0, 1]))
    >>> given.kind, len(given.content), list(given.arrays)
    ('arrays', 64, ['x', 'y'])
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        made = _frame(data)
    elif isinstance(data, Mapping):
        made = _arrays(_joined(data))
    elif isinstance(data, tuple | list) and len(data) == 2:
        made = _arrays(_pair(data, "data"))
    else:
        raise BadStudy(f"data: {_EXPECTED}, not a {type(data).__name__}")
    found = _held.get(made.content)
    if found is not None:
        return found
    hold([made])
    return made


# --- a frame --------------------------------------------------------------------------------------


def _frame(frame: pd.DataFrame) -> Given:
    names, cells = frame_columns(frame)
    digest = hashlib.sha256(json.dumps(["frame", frame.shape]).encode())
    for j, (name, each) in enumerate(zip(names, cells, strict=True)):
        digest.update(json.dumps([name, str(frame.dtypes.iloc[j])]).encode())
        digest.update(_bytes(each))
    return Given("frame", digest.hexdigest(), names, cells)


def frame_columns(frame: pd.DataFrame) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The columns' names and their cells; of one that cannot be read the name of what it holds.

    Raises:
        BadData: the names are none.
    """
    names = tuple(map(str, frame.columns))
    if names and not any(isinstance(name, str) for name in frame.columns):
        some = ", ".join(map(shown, names[:3]))
        raise BadData(f"data: the columns' names are no texts ({some}, ...): give them names")
    return names, tuple(_cells(frame.iloc[:, j]) for j in range(len(names)))


def _cells(values: pd.Series) -> pa.Array | str:
    import pyarrow as pa

    if values.dtype == object:
        return _objects(values.tolist())
    try:
        cells = pa.array(values.copy(), from_pandas=True)
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        return plain_cells(cells)
    except (pa.ArrowException, TypeError, ValueError):
        return str(values.dtype)


def _objects(values: Sequence[Any]) -> pa.Array | str:
    """Python's objects as the texts that a file would hold."""
    import pandas as pd
    import pyarrow as pa

    texts: list[str | None] = []
    for value in values:
        if value is None or value is pd.NA or value is pd.NaT:
            texts.append(None)
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, bool | np.bool_):
            texts.append("true" if value else "false")
        elif isinstance(value, int | float | np.number | Decimal):
            texts.append(None if value != value else str(value))  # noqa: PLR0124
        elif isinstance(value, date):
            texts.append(value.isoformat())
        else:
            return type(value).__name__
    try:
        return pa.array(texts, pa.string())
    except ValueError:  # half of a surrogate pair
        return "texts that are not Unicode"


def _bytes(cells: pa.Array | str) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(cells, str):
        return cells.encode()
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        gone = pc.is_null(cells, nan_is_null=True).to_numpy(zero_copy_only=False)
        numbers = cells.fill_null(0).to_numpy(zero_copy_only=False)
        return bytes(gone.tobytes() + np.where(gone, 0, numbers).tobytes())
    return json.dumps(cells.to_pylist(), default=str).encode()


class FramePass:
    """One pass over a frame's columns; rows are counted from 0, as in `iloc`."""

    def __init__(self, names: tuple[str, ...], cells: Sequence[Any], problems: Problems) -> None:
        self.header, self._cells, self._problems = names, cells, problems

    def batches(self, wanted: Sequence[int]) -> Iterator[Batch]:
        """The rows; of each the cells of these columns."""
        unread = [j for j in wanted if isinstance(self._cells[j], str)]
        for j in unread:
            self._problems.refuse(
                f"column {shown(self.header[j])}: holds {self._cells[j]} values, no numbers or "
                "texts: list it under drop"
            )
        rows = 0 if unread or not wanted else len(self._cells[wanted[0]])
        for start in range(0, rows, _BATCH_ROWS):
            cells = [self._cells[j].slice(start, _BATCH_ROWS) for j in wanted]
            yield Batch(cells, range(start, start + len(cells[0])))


# --- arrays ---------------------------------------------------------------------------------------


def _arrays(arrays: dict[str, npt.NDArray[Any]]) -> Given:
    digest = hashlib.sha256(b"arrays")
    for name, array in arrays.items():
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return Given("arrays", digest.hexdigest(), arrays=arrays)


def _pair(data: Sequence[Any], what: str) -> dict[str, npt.NDArray[Any]]:
    found = {}
    for name, values in zip("xy", data, strict=True):
        if np.ma.is_masked(values):
            raise BadData(f"{what}: {name} has masked values: fill them, say {name}.filled(np.nan)")
        try:
            array = np.array(values, order="C")
        except (ValueError, TypeError, RuntimeError) as error:
            why = str(error).splitlines()[0]
            raise BadData(f"{what}: {name} is no array: {why}") from None
        if array.dtype == object and all(isinstance(value, str) for value in array.flat):
            array = array.astype(np.str_)  # as pandas keeps texts
        found[name] = array
    return found


def _joined(data: Mapping[Any, Any]) -> dict[str, npt.NDArray[Any]]:
    """The parts one after the other, and which part each row belongs to."""
    wrong = next((part for part in data if part not in PARTS), None)
    if wrong is not None or "train" not in data:
        problem = "there is no train" if wrong is None else f"{wrong!r} is none of these"
        raise BadStudy(f"data: {_EXPECTED}: {problem}")
    found = {}
    for part in [part for part in PARTS if part in data]:
        pair = data[part]
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise BadStudy(f"data: {part}: expected arrays (x, y), not a {type(pair).__name__}")
        found[part] = _pair(pair, f"data: {part}")
    for part, arrays in found.items():
        x, y, first = arrays["x"], arrays["y"], found["train"]["x"]
        if x.ndim < 2 or x.shape[1:] != first.shape[1:]:
            raise BadData(f"data: {part}: x has shape {x.shape}, and that of train {first.shape}")
        if y.shape != x.shape[:1]:
            raise BadData(f"data: {part}: y has shape {y.shape}, and x has {len(x)} rows")
    joined = {name: np.concatenate([each[name] for each in found.values()]) for name in "xy"}
    sizes = [len(arrays["y"]) for arrays in found.values()]
    return {**joined, "part": np.repeat(np.array(list(found), dtype=np.str_), sizes)}


# --- as sources -----------------------------------------------------------------------------------


def _of(config: Any) -> Given:
    found = _held.get(config.content)
    if found is None:
        raise BadData(
            f"{config.label} is not here: give the data again, with regbench.run(study, "
            "data=...) or regbench.read(folder, data=...)"
        )
    return found


def _known(config: Any) -> tuple[Description, Table]:
    return read_given(config, _of(config))


def read_given(config: Any, given: Given) -> tuple[Description, Table]:
    """What a block makes of what was given."""
    own = config.model_dump_json(exclude=SPLITTING)
    kept = _read.setdefault(given, {})
    if own not in kept:
        made = _of_frame(config, given) if given.kind == "frame" else _of_arrays(config, given)
        kept[own] = made[0], replace(made[1], fingerprint=given.content)
    return kept[own]


def _of_frame(config: Any, given: Given) -> tuple[Description, Table]:
    scan = scan_columns(
        config,
        lambda: iter(()),
        lambda blocks, problems: FramePass(given.names, given.cells, problems),
        Notation(),
        place="row",
    )
    return scan.description, scan.held() or scan.table(iter(()))


def _of_arrays(config: Any, given: Given) -> tuple[Description, Table]:
    table, notes = table_of_arrays(config, dict(given.arrays or {}))
    return replace(described(table, "y"), notes=tuple(notes)), table


def _source() -> Source:
    return Source(
        table=lambda config, seed, folder: _known(config)[1],
        shape=lambda config, folder: _known(config)[0].shape,
        fingerprint=lambda config, folder: _of(config).content,
        describe=lambda config, folder: _known(config)[0],
    )


FRAME = _source()
ARRAYS = _source()

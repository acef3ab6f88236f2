"""NumPy arrays in one file as a table: x (n, ...), y (n,); where there are such groups, part."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from regbench.data.description import described
from regbench.data.files.columns import PARTS, narrowest
from regbench.data.files.problems import Problems, shown
from regbench.data.files.reading import Blocks, Open, Scan, as_it_is, content_of, file_source, once
from regbench.data.table import Table
from regbench.errors import BadData

_NAMES = ("x", "y", "groups", "part")
_MOST_BYTES = 1 << 36
_LARGEST = float(np.finfo(np.float32).max)

# What a file that is no archive, or breaks off, comes to.
_NOT_UNDERSTOOD = (
    *(zipfile.BadZipFile, zlib.error),
    *(EOFError, NotImplementedError, RuntimeError),
)

Arrays = dict[str, npt.NDArray[Any]]


def _decode(config: Any, file: BinaryIO) -> Iterator[bytes]:
    """The arrays that are read, unpacked, each after its name and length: packed or not, the same.

    Raises:
        BadData: it is no npz file, or breaks off.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for name in _NAMES:
                if name not in members:
                    continue
                info = members[name]
                if info.file_size > _MOST_BYTES:
                    raise BadData(f"{config.label}: array {name} is larger than 64 GiB")
                yield f"{name} {info.file_size}\n".encode()
                with archive.open(info) as member:
                    while block := member.read(1 << 20):
                        yield block
            others = sorted(set(members) - set(_NAMES))
            if "x" not in members or "y" not in members:
                has = ", ".join(shown(name) for name in sorted(members)[:10]) or "nothing"
                raise BadData(
                    f"{config.label}: has no arrays x and y; it has {has}: save them with "
                    "np.savez(FILE, x=..., y=...)"
                )
            if others:
                yield f"others {' '.join(others)}\n".encode()
    except _NOT_UNDERSTOOD as error:
        raise BadData(f"{config.label}: is no whole npz file: {error}") from None


def _arrays(config: Any, blocks: Blocks) -> tuple[Arrays, list[str]]:
    """The arrays, and the names of those that are not read."""
    content, arrays, others = b"".join(blocks), {}, []
    start = 0
    while start < len(content):
        end = content.index(b"\n", start)
        name, size = content[start:end].decode().split(" ", 1)
        start = end + 1
        if name == "others":
            others = size.split()
            continue
        with io.BytesIO(content[start : start + int(size)]) as member:
            try:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
            except ValueError as error:
                hint = " (it holds Python objects: save numbers or texts)"
                why = f"{error}".splitlines()[0]
                told = hint if "allow_pickle" in why else f": {why}"
                raise BadData(f"{config.label}: array {name} cannot be read{told}") from None
        start += int(size)
    return arrays, others


def array_in(path: Path, name: str = "x") -> npt.NDArray[Any]:
    """One array of a file.

    Raises:
        BadData: there is none.
    """
    file = SimpleNamespace(path=str(path), label=str(path))
    content = io.BytesIO(b"".join(content_of(file, Path(), as_it_is)))
    try:
        with zipfile.ZipFile(content) as archive:
            if archive.getinfo(f"{name}.npy").file_size > _MOST_BYTES:
                raise BadData(f"{path}: array {name} is larger than 64 GiB")
            with archive.open(f"{name}.npy") as member:
                return np.lib.format.read_array(member, allow_pickle=False)
    except (*_NOT_UNDERSTOOD, ValueError, KeyError, MemoryError) as error:
        why = str(error).splitlines()[0] if str(error) else "it is empty"
        raise BadData(f"{path}: has no array {name} that can be read: {why}") from None


def _scan(config: Any, content: Open) -> Scan:
    arrays, others = _arrays(config, content())
    table, notes = table_of_arrays(config, arrays)
    if others:
        notes.append(
            f"arrays other than x, y, groups and part are left out: {', '.join(others[:10])}"
        )
    if "part" in arrays and config.split_column is None:
        notes.append("array part is not used: split_column: part would split by it")
    if "groups" in arrays and config.groups is None and config.split_by is None:
        notes.append("array groups is not used: groups: groups would keep each in one part")
    found = described(table, "y")
    missing = sum(sum(column.missing.values()) for column in found.columns)
    if missing:
        notes.append(f"{missing} values of x are NaN and taken as missing")
    return Scan(
        replace(found, notes=tuple(notes)),
        lambda blocks: table_of_arrays(config, _arrays(config, blocks)[0])[0],
        once(table),
    )


def table_of_arrays(config: Any, arrays: Arrays) -> tuple[Table, list[str]]:
    """The table, and what a user should know of it.

    Args:
        config: a dataset block of the kind `_Arrays`.
        arrays: x (n, ...) and y (n,); groups and part (n,), where there are such.
    Raises:
        BadData: all that is wrong with them.
    """
    problems, notes = Problems(config.label), []
    x, y = arrays["x"], arrays["y"]
    if x.dtype.kind not in "biuf":
        problems.refuse(f"x holds {x.dtype}, no numbers")
    if x.ndim < 2 or 0 in x.shape:
        problems.refuse(f"x has shape {x.shape}: rows and at least one column are needed")
    for name in [name for name in _NAMES[1:] if name in arrays]:
        if arrays[name].shape != x.shape[:1]:
            problems.refuse(
                f"{name} has shape {arrays[name].shape}, and x has {x.shape[0]} rows: "
                f"({x.shape[0]},) is needed"
            )
    x, example = _laid_out(config, x, problems)
    problems.require_none()

    # Of images only bytes are taken for bytes: those are scaled otherwise.
    least = np.uint8 if example is None or x.dtype == np.uint8 else np.float32
    values = np.asarray(x, np.promote_types(narrowest(x), least)).reshape(len(x), -1)
    rows = None
    gone = np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), np.bool_)
    if gone.any() and config.missing_target == "drop":
        rows = np.flatnonzero(~gone)
        notes.append(f"{gone.sum()} rows whose y is NaN are left out")
        arrays = {name: array[rows] for name, array in arrays.items()}
        values, y = values[rows], arrays["y"]
    elif gone.any():
        first = ", ".join(map(str, np.flatnonzero(gone)[:5]))
        many = f" (and {gone.sum() - 5} more)" if gone.sum() > 5 else ""
        problems.refuse(f"no target: y is NaN in rows {first}{many}: set missing_target: drop")
    wrong = np.argwhere(np.abs(values) > _LARGEST)
    if len(wrong):
        row, column = wrong[0]
        problems.refuse(
            f"x[{row}], input {column}: {values[row, column]:g} is infinite or beyond single "
            "precision"
        )
    empty = np.flatnonzero(np.isnan(values).all(axis=0))
    if len(empty):
        problems.refuse(f"x, input {empty[0]}: no value in any row")
    problems.require_none()
    target, classes = _target(config, y, problems)
    parts = _parts(config, arrays, problems)
    problems.require_none()
    flags = np.zeros(values.shape[1], np.bool_)
    if example is None:
        flags = ((values == 0) | (values == 1) | np.isnan(values)).all(axis=0)
    return (
        Table(
            values=values,
            target=target,
            column_names=_names(x.shape[1:]),
            class_names=classes,
            parts=parts,
            indicators=frozenset(np.flatnonzero(flags).tolist()),
            rows=rows,
            groups=arrays.get("groups"),
            example=example,
            by_channel=example is not None,
        ),
        notes,
    )


def _laid_out(
    config: Any, x: npt.NDArray[Any], problems: Problems
) -> tuple[npt.NDArray[Any], tuple[int, ...] | None]:
    """x with channels first, and the shape of an example; None where it is a table."""
    layout = config.layout
    if layout is None or 0 in x.shape:
        return x, None
    if x.ndim != 1 + len(layout):
        axes = ", ".join(["n", *layout])
        problems.refuse(f"x has shape {x.shape}: layout {layout} needs the axes ({axes})")
        return x, None
    x = channels_first(x, layout)
    return x, x.shape[1:]


def channels_first(x: npt.NDArray[Any], layout: str) -> npt.NDArray[Any]:
    """(n, channels, ...) of an array with an axis for each letter of the layout after its first.

    >>> [channels_first(np.zeros((5, 8, 9, 3)[: 1 + len(l)]), l).shape[1:] for l in ("hwc", "hw")]
    [(3, 8, 9), (1, 8, 9)]
    """
    if "c" not in layout:
        return x[:, None]
    return np.moveaxis(x, -1, 1) if layout[-1] == "c" else x


def _names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """x0, x1, ...; with several axes x0_0, x0_1, ..."""
    return tuple("x" + "_".join(map(str, place)) for place in np.ndindex(*shape))


def _target(
    config: Any, y: npt.NDArray[Any], problems: Problems
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    if config.task == "regression":
        if y.dtype.kind not in "biuf":
            problems.refuse(f"y holds {y.dtype}, no numbers, as a regression needs")
            problems.require_none()
        values = y.astype(np.float64)
        if (np.abs(values) > _LARGEST).any():
            problems.refuse("y has values that are infinite or beyond single precision")
        elif values.min() == values.max():
            problems.refuse(f"y is {values[0]:g} in every row: nothing to predict")
        return values, ()
    if y.dtype.kind not in "biufU":
        problems.refuse(f"y holds {y.dtype}, no numbers or texts")
        problems.require_none()
    levels, codes = np.unique(y, return_inverse=True)
    names = tuple(str(level) for level in levels.tolist())
    if len(names) == 1:
        problems.refuse(f"y: one class only, {shown(names[0])}")
    if len(names) > 100 and (len(y) < 10 * len(names) or (y.dtype.kind == "f" and (y % 1).any())):
        hint = "" if y.dtype.kind == "U" else ": did you mean task: regression?"
        problems.refuse(f"y: {len(names)} different values in {len(y)} rows are no classes{hint}")
    return codes.astype(np.int64), names


def _parts(config: Any, arrays: Arrays, problems: Problems) -> npt.NDArray[np.str_] | None:
    if config.split_column is None:
        return None
    if "part" not in arrays:
        problems.refuse("has no array part for split_column")
        return None
    parts = arrays["part"].astype(np.str_)
    wrong = np.flatnonzero(~np.isin(parts, PARTS))
    if len(wrong):
        value = shown(str(parts[wrong[0]]))
        problems.refuse(f"part[{wrong[0]}]: {value} is none of train, val, test")
    elif not (parts == "train").any():
        problems.refuse("part: no row is marked train")
    return parts


NPZ = file_source(_scan, _decode)

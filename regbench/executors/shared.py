"""Tables that all workers of this machine read in one place."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing import reduction
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.data import Carried

# Smaller ones are sent as they are.
_LEAST_BYTES = 1 << 20


class _Mapped:
    """An array in a file without a name. Pickled for a process that starts, it is there again, as
    an array whose pages are those of the file: of all processes one copy.
    """

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self._kind, self._shape = array.dtype, array.shape
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        np.ascontiguousarray(array).tofile(self._file)
        self._file.flush()

    def __reduce__(self) -> Any:
        return _mapped, (reduction.DupFd(self._file.fileno()), self._kind, self._shape)


def _mapped(handle: Any, kind: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    with os.fdopen(handle.detach(), "rb") as file:
        # Copied where it is written to, which nobody does: torch warns of what is read-only.
        return np.memmap(file, kind, "c", shape=shape).view(np.ndarray)


def shared(tables: Mapping[str, Carried]) -> dict[str, Carried]:
    """The same, for processes that start; what no file takes is sent to each."""
    made: dict[int, Any] = {}  # blocks that differ in how they split have one array
    for values in (each.table.values for each in tables.values()):
        if id(values) not in made:
            made[id(values)] = _in_file(values) if values.nbytes >= _LEAST_BYTES else values
    return {
        block: each._replace(table=replace(each.table, values=made[id(each.table.values)]))
        for block, each in tables.items()
    }


def _in_file(values: npt.NDArray[Any]) -> Any:
    if not hasattr(reduction, "DupFd"):  # Windows
        return values
    try:
        return _Mapped(values)
    except OSError:  # no room, or no place, for temporary files
        return values

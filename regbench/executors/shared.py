"""Tables that all workers of this machine read in one place."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing import reduction
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from regbench.data import Carried

# Smaller ones are sent as they are.
_LEAST_BYTES = 1 << 20
_ALIGNED_BYTES = 64

# Of a worker: the file that it was given when it started, if any.
_files: list[IO[bytes]] = []


@dataclass(frozen=True)
class _Mapped:
    """An array in the file. Sent to a worker that has taken the file, it is there again, as an
    array whose pages are those of the file: of all processes one copy.
    """

    at: int
    kind: np.dtype[Any]
    shape: tuple[int, ...]

    def __reduce__(self) -> Any:
        return _mapped, (self.at, self.kind, self.shape)


def _mapped(at: int, kind: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    # Copied where it is written to, which nobody does: torch warns of what is read-only.
    return np.memmap(_files[0], kind, "c", at, shape).view(np.ndarray)


class SharedFile:
    """A file without a name. Given to a process that starts, it is there a file as well."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def add(self, array: npt.NDArray[Any]) -> Any:
        """The array as it is to be sent to workers.

        Raises:
            OSError: there is no room for it.
        """
        at = self._file.tell()
        left = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        while left:  # not by tofile, which does not tell that the last bytes found no room
            left = left[self._file.write(left) :]
        self._file.seek(-array.nbytes % _ALIGNED_BYTES, os.SEEK_CUR)
        return _Mapped(at, array.dtype, array.shape)

    def __reduce__(self) -> Any:
        return _opened, (reduction.DupFd(self._file.fileno()),)


def _opened(handle: Any) -> IO[bytes]:
    return os.fdopen(handle.detach(), "rb")


def take(file: IO[bytes] | None) -> None:
    """Find in this file, in a worker, what tables do not hold."""
    _files[:] = [] if file is None else [file]


def shared(tables: Mapping[str, Carried]) -> tuple[SharedFile | None, dict[str, Carried]]:
    """A file for workers that start, and the tables to be sent to each, which are without what is
    in the file; what no file takes they hold.
    """
    arrays = {id(each.table.values): each.table.values for each in tables.values()}
    large = {key: array for key, array in arrays.items() if array.nbytes >= _LEAST_BYTES}
    if not large or not hasattr(reduction, "DupFd"):  # the latter on Windows
        return None, dict(tables)
    try:
        file = SharedFile()
        made = arrays | {key: file.add(array) for key, array in large.items()}
    except OSError:  # no room, or no place, for temporary files
        return None, dict(tables)
    return file, {
        block: each._replace(table=replace(each.table, values=made[id(each.table.values)]))
        for block, each in tables.items()
    }

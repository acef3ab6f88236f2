"""Weights and predictions that a study saved, read back."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from regbench.errors import BadData
from regbench.results.files import opened, there
from regbench.results.sealed import MOST_ARRAYS, Arrays, is_laid_out

_MOST_UNPACKED = 1 << 30
# What the readers of both formats raise.
_NOT_UNDERSTOOD = (
    *(SafetensorError, zipfile.BadZipFile),
    *(ValueError, EOFError, MemoryError, RuntimeError),
)


def read_weights(folder: Path, run_id: str) -> Arrays | None:
    """A run's weights, `layers.<i>.weight` (O, I) among them; None where none were saved.

    Raises:
        BadData: the file is no safetensors file.
    """
    return _saved(folder / "weights" / f"{run_id}.safetensors", _tensors)


def read_predictions(folder: Path, run_id: str) -> Arrays | None:
    """A run's predictions as `training.predictions` names them; None where none were saved.

    Raises:
        BadData: the file holds no plain arrays.
    """
    return _saved(folder / "predictions" / f"{run_id}.npz", _arrays)


def read_tensors(path: Path, most: int = MOST_ARRAYS) -> Arrays:
    """What a safetensors file of at most so many bytes holds.

    Raises:
        BadData: it is none, or larger.
    """
    return _read(path, _tensors, most)


def _saved(path: Path, understand: Callable[[BinaryIO], Arrays]) -> Arrays | None:
    return _read(path, understand, MOST_ARRAYS) if there(path) else None


def _read(path: Path, understand: Callable[[BinaryIO], Arrays], most: int) -> Arrays:
    try:
        with opened(path, most) as file:
            return understand(file)
    except _NOT_UNDERSTOOD as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def _tensors(file: BinaryIO) -> Arrays:
    """What a safetensors file holds."""
    if not is_laid_out(file):
        raise ValueError("its size is not what its header says")
    tensors: Arrays = load(file.read())
    return tensors


def _arrays(file: BinaryIO) -> Arrays:
    """What an .npz file holds; of few bytes of it gigabytes can be unpacked."""
    from numpy.lib.format import read_array

    arrays: dict[str, npt.NDArray[np.generic]] = {}
    with zipfile.ZipFile(file) as archive:
        if sum(each.file_size for each in archive.infolist()) > _MOST_UNPACKED:
            raise ValueError(f"unpacked it is larger than {_MOST_UNPACKED >> 20} MiB")
        for each in archive.infolist():
            with archive.open(each) as member:
                # One of objects, which would be unpickled, is refused by itself.
                arrays[each.filename.removesuffix(".npy")] = read_array(member)
    return arrays

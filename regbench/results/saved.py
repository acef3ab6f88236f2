"""Weights and predictions that a study saved, read back."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from regbench.errors import BadData
from regbench.results.files import read

__all__ = ["Arrays", "read_predictions", "read_weights"]

Arrays = Mapping[str, npt.NDArray[np.generic]]


def read_weights(folder: Path, run_id: str) -> Arrays | None:
    """A run's weights, `layers.<i>.weight` (O, I) among them; None where none were saved.

    Raises:
        BadData: the file is no safetensors file.
    """
    path = folder / "weights" / f"{run_id}.safetensors"
    if not path.exists():
        return None
    try:
        return load(read(path))
    except (SafetensorError, ValueError) as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def read_predictions(folder: Path, run_id: str) -> Arrays | None:
    """A run's predictions as `training.predictions` names them; None where none were saved.

    Raises:
        BadData: the file holds no plain arrays.
    """
    path = folder / "predictions" / f"{run_id}.npz"
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(BytesIO(read(path))) as archive:
            return {
                name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
            }
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def _array(content: bytes) -> npt.NDArray[np.generic]:
    """An array in NumPy's own format; one of objects, which would be unpickled, is refused."""
    from numpy.lib.format import read_array

    array: npt.NDArray[np.generic] = read_array(BytesIO(content), allow_pickle=False)
    return array

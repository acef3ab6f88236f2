"""Weights and predictions that a study saved, read back."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
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
    return _saved(folder / "weights" / f"{run_id}.safetensors", load)


def read_predictions(folder: Path, run_id: str) -> Arrays | None:
    """A run's predictions as `training.predictions` names them; None where none were saved.

    Raises:
        BadData: the file holds no plain arrays.
    """
    return _saved(folder / "predictions" / f"{run_id}.npz", _arrays)


def _saved(path: Path, understand: Callable[[bytes], Arrays]) -> Arrays | None:
    if not path.exists():
        return None
    content = read(path)
    try:
        return understand(content)
    except (SafetensorError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def _arrays(content: bytes) -> Arrays:
    """What an .npz file holds."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {
            name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
        }


def _array(content: bytes) -> npt.NDArray[np.generic]:
    """An array in NumPy's own format; one of objects, which would be unpickled, is refused."""
    from numpy.lib.format import read_array

    array: npt.NDArray[np.generic] = read_array(BytesIO(content), allow_pickle=False)
    return array

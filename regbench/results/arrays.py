"""Weights and predictions of single runs, where a study saves them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from regbench.results.files import make_within, write_atomic
from regbench.results.sealed import Arrays


def save_weights(folder: Path, run_id: str, arrays: Arrays) -> None:
    """Write weights/<run_id>.safetensors.

    Args:
        arrays: as PyTorch's own layers hold them: `layers.<i>.weight` (O, I), `layers.<i>.bias`
            and `norms.<i>.*` (O,).
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_atomic(make_within(folder, "weights") / f"{run_id}.safetensors", save(contiguous))


def save_predictions(folder: Path, run_id: str, arrays: Arrays) -> None:
    """Write predictions/<run_id>.npz (plain arrays, no pickle)."""
    content = BytesIO()
    np.savez_compressed(content, allow_pickle=False, **dict(arrays))
    write_atomic(make_within(folder, "predictions") / f"{run_id}.npz", content.getvalue())

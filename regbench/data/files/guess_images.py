"""A dataset block for images that have none yet: which kind they are, and what must be said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.images import Images
from regbench.data.files.cifar import is_cifar
from regbench.data.files.columns import PARTS
from regbench.data.files.folders import find_images
from regbench.data.files.idx import idx_files, is_idx
from regbench.errors import BadData

Notes = dict[str, tuple[Any, str]]

_LOOKED_AT = 500
_LARGE, _SMALL = 128, 64


def images_guess(path: Path) -> Notes | None:
    """Keys, `name` first, each with its reason ("" where there is none to give); None of a table.

    Raises:
        BadData: a folder holds nothing of the kind.
    """
    if not path.is_dir():
        return _idx(path) if is_idx(path.name) else None
    try:
        names = [each.name for each in path.iterdir()]
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror or error}") from None
    if any(map(is_idx, names)):
        return _idx(path)
    if any(map(is_cifar, names)):
        tests = {"test_batch.bin", "test.bin"} & set(names)
        return {"name": ("cifar", ""), **({} if tests else _NO_TEST)}
    return _folder(path)


_NO_TEST: Notes = {"own_test": (False, "there is no test file")}


def _idx(path: Path) -> Notes:
    kinds = {found.name.split()[0] for found in idx_files(path, str(path))}
    return {"name": ("idx", ""), **({} if "test" in kinds else _NO_TEST)}


def _folder(path: Path) -> Notes:
    from PIL import Image

    found = find_images(Images(name="images", path=str(path)), Path())
    made: Notes = {"name": ("images", "")}
    tops = {each.name.split("/")[0] for each in found}
    if {"train", "val"} <= tops <= set(PARTS):
        made["split_folders"] = (True, "the folders are called so")
    elif {"train"} < tops <= set(PARTS):
        raise BadData(
            f"{path}: has folders train and test, and none called val, which a gap needs: call "
            f"test val, or give {path / 'train'} alone"
        )
    sizes: Counter[tuple[int, int]] = Counter()
    modes = set()
    for each in found[:: -(-len(found) // _LOOKED_AT)]:
        try:
            with Image.open(each.path) as image:
                sizes[image.height, image.width] += 1
                modes.add(image.mode)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # who reads them all says so
    if modes and modes <= {"1", "L"}:
        made["channels"] = (1, "they are grey")
    (height, width), _ = sizes.most_common(1)[0] if sizes else ((0, 0), 0)
    if len(sizes) > 1 or max(height, width) > _LARGE:
        side = min(_SMALL, *map(min, sizes))
        why = f"a guess: they are {height}x{width}" + (", and others" if len(sizes) > 1 else "")
        made["size"] = ([side, side], why)
    return made


def layout_guess(x: npt.NDArray[Any]) -> tuple[str, str] | None:
    """The layout of an array's examples and why; None where it looks like a table.

    >>> layout_guess(np.zeros((5, 8, 8), np.uint8))
    ('hw', 'a guess: x is (n, 8, 8)')
    >>> layout_guess(np.zeros((5, 8, 8, 3)))
    ('hwc', 'a guess: x is (n, 8, 8, 3)')
    """
    layout = None
    if x.ndim == 4:
        layout = "hwc" if x.shape[3] in (1, 3) else "chw" if x.shape[1] in (1, 3) else None
    elif x.ndim == 3 and (x.dtype == np.uint8 or x.shape[1] == x.shape[2]):
        layout = "hw"
    if layout is None:
        return None
    return layout, f"a guess: x is (n, {', '.join(map(str, x.shape[1:]))})"

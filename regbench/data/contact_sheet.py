"""Some images of each class, as a grid: what a data set looks like."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from regbench.config.blocks.datasets import DatasetConfig
from regbench.data.sources import SOURCES
from regbench.data.split import part_ids, split_seed
from regbench.data.table import Bytes, Floats

_CLASSES, _IN_ALL = 20, 240
_SIDE = 64  # larger images are thinned out
_MEAN = 0.5  # what stands between images


class ContactSheet(NamedTuple):
    """A row a class, in one picture.

    pixels: (height, width) grey or (height, width, 3) colour.
    classes: the names of the rows.
    side: (height, width) that an image takes up there, with its margin.
    """

    pixels: Bytes
    classes: tuple[str, ...]
    side: tuple[int, int]


def contact_sheet(config: DatasetConfig, folder: Path, seed: int = 0) -> ContactSheet | None:
    """The first images of each class in the training part; None where the data are no images.

    Raises:
        BadData: the data cannot be read, or cannot be split as asked.

    >>> from regbench.config.blocks.bundled import Digits
    >>> sheet = contact_sheet(Digits(name="digits"), Path("."))
    >>> sheet.pixels.shape, sheet.classes[:3], sheet.side
    ((90, 216), ('0', '1', '2'), (9, 9))
    """
    table = SOURCES[config.name].table(config, split_seed(config, seed), folder)
    shape = table.shape.example
    if len(shape) != 3 or shape[0] not in (1, 3) or not table.class_names:
        return None
    train = part_ids(config, table, seed).train
    labels = table.target[train].astype(np.int64)
    numbers = np.unique(labels)[:_CLASSES]
    each = _IN_ALL // len(numbers)
    chosen = [train[labels == c][:each] for c in numbers]
    low, high = _range(table.values[np.concatenate(chosen)])
    step = -(-max(shape[1:]) // _SIDE)
    height, width = (-(-side // step) for side in shape[1:])
    across = max(map(len, chosen))
    sheet = np.full((len(chosen), height + 1, across, width + 1, shape[0]), _MEAN)
    for row, ids in enumerate(chosen):
        images = table.values[ids].reshape(-1, *shape)[:, :, ::step, ::step]
        scaled = np.nan_to_num((images.astype(np.float64) - low) / (high - low), nan=_MEAN)
        sheet[row, :height, : len(ids), :width] = scaled.transpose(2, 0, 3, 1)
    pixels = np.rint(sheet.reshape(len(chosen) * (height + 1), -1, shape[0]) * 255)
    names = tuple(table.class_names[c] for c in numbers)
    flat = pixels[:, :, 0] if shape[0] == 1 else pixels
    return ContactSheet(flat.astype(np.uint8), names, (height + 1, width + 1))


def _range(values: Bytes | Floats) -> tuple[float, float]:
    """What is drawn black and white."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return low, high if high > low else low + 1

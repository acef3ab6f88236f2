"""Files of images as their distributors write them; shares nothing with the product."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def write_idx(path: Path, array: np.ndarray) -> None:
    """One idx file of bytes; packed where its name ends in .gz."""
    sizes = b"".join(struct.pack(">I", size) for size in array.shape)
    content = struct.pack(">HBB", 0, 8, array.ndim) + sizes + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder: Path, images: np.ndarray, labels: np.ndarray, test: int, end="") -> Path:
    """The four files of MNIST; the last `test` images are the test file's."""
    folder.mkdir(exist_ok=True)
    cut = len(images) - test
    for stem, rows in (("train", slice(cut)), ("t10k", slice(cut, None))):
        if test or stem == "train":
            write_idx(folder / f"{stem}-images-idx3-ubyte{end}", images[rows])
            write_idx(folder / f"{stem}-labels-idx1-ubyte{end}", labels[rows])
    return folder


def some_images(rows: int = 60, side: int = 6, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(n, side, side) bytes and (n,) labels that can be learnt."""
    draw = np.random.default_rng(0)
    labels = np.arange(rows) % classes
    images = draw.integers(0, 120, (rows, side, side)) + 60 * labels[:, None, None]
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_cifar(path: Path, labels: np.ndarray, images: np.ndarray) -> None:
    """A batch of the binary version: (n, k) labels, (n, 32, 32, 3) images."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    path.write_bytes(np.hstack([labels.astype(np.uint8), planes]).tobytes())

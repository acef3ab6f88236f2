"""The binary version of CIFAR-10 and CIFAR-100: a record an image, labels and then its planes.

CIFAR-10: a byte of label and 3,072 of pixels (1,024 red, green, blue, each row by row). CIFAR-100:
the coarse label, the fine label, and the pixels.

Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regbench.config.blocks.images import Cifar
from regbench.data.files.several import (
    Found,
    Read,
    Trouble,
    as_gzip_or_not,
    files_source,
    listed,
)
from regbench.data.table import Table
from regbench.errors import BadData

_TEN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
_OF_TEN, _OF_HUNDRED = {*_TEN, "test_batch.bin"}, {"train.bin", "test.bin"}
_PIXELS = 3 * 32 * 32
# Which label of a record it is, how many classes, and the file of their names.
_TEN_LABELS = (0, 10, "batches.meta.txt")
_HUNDRED_LABELS = {
    "coarse": (0, 20, "coarse_label_names.txt"),
    "fine": (1, 100, "fine_label_names.txt"),
}
_EXPECTED = (
    "expected data_batch_1.bin, ..., test_batch.bin (CIFAR-10) or train.bin, test.bin (CIFAR-100), "
    "the binary version, unpacked"
)


def is_cifar(name: str) -> bool:
    """Whether a file is called as one of the batches is."""
    return name in _OF_TEN | _OF_HUNDRED


def _find(config: Cifar, folder: Path) -> list[Found]:
    """Names of the classes, where they are there, and the batches; the test batch last."""
    path = folder / config.path
    if path.is_file():
        raise BadData(f"{config.label}: is a file: unpack it and give the folder; {_EXPECTED}")
    there = set(listed(config.label, path))
    ten, hundred = there & _OF_TEN, there & _OF_HUNDRED
    if bool(ten) == bool(hundred):
        both = "holds both CIFAR-10 and CIFAR-100" if ten else "holds no CIFAR"
        raise BadData(f"{config.label}: {both}: {_EXPECTED}")
    if ten and config.labels == "coarse":
        raise BadData(f"{config.label}: is CIFAR-10, which has no coarse labels")
    # All of them, whatever `labels` says: the fingerprint is that of the folder.
    names = [_TEN_LABELS[2]] if ten else [name for _, _, name in _HUNDRED_LABELS.values()]
    train = [name for name in _TEN if name in ten] or (["train.bin"] if hundred else [])
    test = [name for name in ("test_batch.bin", "test.bin") if name in there]
    if not set(train) <= there or not train:
        raise BadData(f"{config.label}: has no training batch: {_EXPECTED}")
    chosen = [*(name for name in names if name in there), *train, *test]
    return [Found(name, path / name, f"{config.label}/{name}") for name in chosen]


def _parse(config: Cifar, found: Sequence[Found], read: Read) -> Table:
    trouble = Trouble()
    batches = [each for each in found if each.name.endswith(".bin")]
    is_ten = batches[0].name in _OF_TEN
    column, classes, names_file = _TEN_LABELS if is_ten else _HUNDRED_LABELS[config.labels]
    labels = 1 if is_ten else 2
    names = tuple(map(str, range(classes)))
    records: dict[str, Any] = {}
    for each in found:
        with trouble.noted():
            content = read(each)
            if each not in batches:
                if each.name != names_file:
                    continue
                told = tuple(content.decode("utf-8", "replace").split("\n"))
                told = tuple(name.strip() for name in told if name.strip())
                if len(set(told)) != classes:
                    trouble.refuse(each, f"names {len(set(told))} classes, not {classes}")
                names = told
                continue
            size = labels + _PIXELS
            if not content or len(content) % size:
                trouble.refuse(
                    each, f"has {len(content)} bytes, which are no whole records of {size}"
                )
                continue
            record = np.frombuffer(content, np.uint8).reshape(-1, size)
            wrong = np.flatnonzero(record[:, column] >= classes)
            if len(wrong):
                value = record[wrong[0], column]
                trouble.refuse(
                    each, f"record {wrong[0]} has label {value}: expected 0 to {classes - 1}"
                )
            records[each.name] = record
    trouble.require_none()
    every = [records[each.name] for each in batches]
    is_test = [each.name.startswith("test") for each in batches]
    y = np.concatenate([record[:, column] for record in every]).astype(np.int64)
    shown, codes = np.unique(y, return_inverse=True)  # a part of the files may lack some
    if len(shown) == 1:
        raise BadData(f"{config.label}: one class only, {names[shown[0]]}")
    return Table(
        values=np.concatenate([record[:, labels:] for record in every]),
        target=codes.astype(np.int64),
        column_names=tuple(
            f"{c}{i}_{j}" for c in ("red", "green", "blue") for i in range(32) for j in range(32)
        ),
        class_names=tuple(names[c] for c in shown),
        example=(3, 32, 32),
        by_channel=True,
        own_test=np.repeat(is_test, [len(record) for record in every]),
    )


CIFAR = files_source(_find, _parse, as_gzip_or_not)

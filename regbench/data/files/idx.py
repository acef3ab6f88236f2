"""The idx format of MNIST and its kin: big-endian sizes, then bytes.

A file of images is `00 00 08 03`, their number, height and width, each in four bytes, and the
pixels row by row; a file of labels `00 00 08 01`, their number, and a byte for each.

Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits"; Xiao et al. 2017
(Fashion-MNIST, the same files).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regbench.config.blocks.images import Idx
from regbench.data.files.several import (
    Found,
    Read,
    Trouble,
    as_gzip_or_not,
    files_source,
    listed,
)
from regbench.data.table import Bytes, Table
from regbench.errors import BadData

_NAME = re.compile(r"(?i)(.*?)(images|labels)[.-]idx[13][.-]ubyte(\.gz)?")
_PART = re.compile(r"(?i)(train|t10k|test)?[._-]*$")
_EXPECTED = "expected *images-idx3-ubyte and *labels-idx1-ubyte, as they are or .gz"
_KINDS = {"images": 3, "labels": 1}  # and how many sizes it has


def is_idx(name: str) -> bool:
    """Whether a file is called as such files are."""
    return _NAME.fullmatch(name) is not None


def idx_files(path: Path, label: str) -> list[Found]:
    """Images and labels of the training file, then of the test file.

    Args:
        path: the folder, or a file of images in it.
        label: what messages call it.
    Raises:
        BadData: they are not there.
    """
    asked = None
    if path.is_file():
        asked, path = _NAME.fullmatch(path.name), path.parent
        if asked is None:
            raise BadData(f"{label}: {_EXPECTED}; or the folder of such files")
    sets: dict[str, dict[tuple[bool, str], str]] = {}
    for name in listed(label, path):
        match = _NAME.fullmatch(name)
        if match is not None:
            stem, part = _parted(match[1])
            found = sets.setdefault(stem, {})
            # Unpacked and packed side by side: the same bytes, and the one is faster.
            found.setdefault((part in ("t10k", "test"), match[2].lower()), name)
    if not sets:
        raise BadData(f"{label}: holds no idx files: {_EXPECTED}")
    if asked is None and len(sets) > 1:
        some = ", ".join(sorted(found[min(found)] for found in sets.values())[:5])
        raise BadData(f"{label}: holds several sets: give one file of images ({some}, ...)")
    chosen = sets[_parted(asked[1])[0]] if asked else next(iter(sets.values()))
    wanted = [(test, kind) for test in sorted({t for t, _ in chosen}) for kind in _KINDS]
    missing = [f"the {'test' if t else 'training'} {k}" for t, k in wanted if (t, k) not in chosen]
    if missing:
        there = ", ".join(chosen.values())
        raise BadData(f"{label}: lacks {' and '.join(missing)}: {_EXPECTED}; it has {there}")
    place = Path(label) if asked is None else Path(label).parent
    return [
        Found(
            f"{'test' if test else 'train'} {kind}",
            path / chosen[test, kind],
            (place / chosen[test, kind]).as_posix(),
        )
        for test, kind in wanted
    ]


def _parted(stem: str) -> tuple[str, str]:
    """`emnist-letters-test-` -> `emnist-letters`, `test`."""
    match = _PART.search(stem)
    assert match is not None  # the pattern takes nothing, too
    return stem[: match.start()].rstrip("._-"), (match[1] or "").lower()


def _parse(config: Idx, found: Sequence[Found], read: Read) -> Table:
    trouble = Trouble()
    arrays: dict[str, Any] = {}
    for each in found:
        with trouble.noted():
            arrays[each.name] = _array(each, read(each), trouble)
    trouble.require_none()
    images, labels = found[::2], found[1::2]
    first = arrays[images[0].name]
    for each, other in zip(images, labels, strict=True):
        x, y = arrays[each.name], arrays[other.name]
        if len(x) != len(y):
            trouble.refuse(other, f"has {len(y)} labels, and {each.label} {len(x)} images")
        if x.shape[1:] != first.shape[1:]:
            trouble.refuse(
                each, f"has images of {_sides(x)}, and {images[0].label} of {_sides(first)}"
            )
    trouble.require_none()
    x = np.concatenate([arrays[each.name] for each in images])
    y = np.concatenate([arrays[each.name] for each in labels])
    levels, codes = np.unique(y, return_inverse=True)
    if len(levels) == 1:
        raise BadData(f"{config.label}: one class only, {levels[0]}")
    is_test = [each.name.startswith("test") for each in images]
    height, width = x.shape[1:]
    return Table(
        values=x.reshape(len(x), -1),
        target=codes.astype(np.int64),
        column_names=tuple(f"x{i}_{j}" for i in range(height) for j in range(width)),
        class_names=tuple(map(str, levels.tolist())),
        example=(1, height, width),
        by_channel=True,
        own_test=np.repeat(is_test, [len(arrays[each.name]) for each in images]),
    )


def _array(found: Found, content: bytes, trouble: Trouble) -> Bytes:
    """(n, height, width), or (n,) labels; of a file in which something is wrong an empty one."""
    axes = _KINDS[found.name.split()[1]]
    nothing = np.zeros((0,) * axes, np.uint8)
    start = 4 + 4 * axes
    magic = bytes([0, 0, 8, axes])
    if content[:4] != magic[: len(content)]:
        begins = content[:4].hex(" ")
        trouble.refuse(found, f"begins with {begins}, and such a file with {magic.hex(' ')}")
        return nothing
    if len(content) < start:
        trouble.refuse(found, f"breaks off after {len(content)} of the {start} bytes of its sizes")
        return nothing
    sizes = [int.from_bytes(content[k : k + 4], "big") for k in range(4, start, 4)]
    if 0 in sizes:
        trouble.refuse(found, f"tells a size of 0 ({'x'.join(map(str, sizes))})")
        return nothing
    expected = start + math.prod(sizes)
    if len(content) != expected:
        told = "x".join(map(str, sizes))
        what = "breaks off" if len(content) < expected else "goes on beyond its end"
        trouble.refuse(found, f"{what}: {told} make {expected} bytes, and it has {len(content)}")
        return nothing
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _sides(x: Bytes) -> str:
    return f"{x.shape[1]}x{x.shape[2]}"


def _find(config: Idx, folder: Path) -> list[Found]:
    return idx_files(folder / config.path, config.label)


IDX = files_source(_find, _parse, as_gzip_or_not)

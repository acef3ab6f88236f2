"""A folder of images, in which each class is a folder."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regbench.config.blocks.images import Images
from regbench.config.characters import forbidden_character
from regbench.data.files.columns import PARTS
from regbench.data.files.problems import shown
from regbench.data.files.several import Found, Read, Trouble, files_source
from regbench.data.table import Bytes, DataShape, Table
from regbench.errors import BadData
from regbench.vocabulary.words import counted

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
_MOST_BYTES = 1 << 36
_MODES = {1: "L", 3: "RGB"}
# Of more than a byte a channel: made bytes, they would lose what they hold.
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def find_images(config: Images, folder: Path) -> list[Found]:
    """All files that are images by their ending, in the order of their names.

    Raises:
        BadData: there are none, or the folder cannot be read.
    """
    top = folder / config.path
    names, _ = _walked(config, top)
    for name in names:
        if not (top / name).is_file():  # a pipe has no end
            raise BadData(f"{config.label}/{name}: is no regular file")
    if not names:
        raise BadData(
            f"{config.label}: holds no images: expected a folder a class, with files that end in "
            f"{', '.join(ENDINGS)}"
        )
    return [Found(name, top / name, f"{config.label}/{name}") for name in sorted(names)]


def _notes(config: Images, folder: Path) -> tuple[str, ...]:
    _, others = _walked(config, folder / config.path)
    if not others:
        return ()
    some = ", ".join(map(shown, sorted(others)[:3])) + (", ..." if len(others) > 3 else "")
    return (f"{counted(len(others), 'file')} left out, which end as no image does: {some}",)


def _walked(config: Images, top: Path) -> tuple[list[str], list[str]]:
    """The names of images in a folder, below it, too, and those of other files."""
    if not top.is_dir():
        why = "is a file, not a folder" if top.exists() else "no such folder"
        raise BadData(f"{config.label}: {why} (looked for {top.absolute()})")

    def broken(error: OSError) -> None:
        raise BadData(f"{config.label}: cannot be read: {error.strerror or error}")

    names: list[str] = []
    others: list[str] = []
    seen = set()
    for place, below, files in os.walk(top, onerror=broken, followlinks=True):
        if os.path.realpath(place) in seen:  # a link to a folder above
            below.clear()
            continue
        seen.add(os.path.realpath(place))
        inside = Path(place).relative_to(top)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in files:
            if not name.startswith("."):
                chosen = names if name.lower().endswith(ENDINGS) else others
                chosen.append((inside / name).as_posix())
    return names, others


def _places(config: Images, found: Sequence[Found]) -> tuple[list[str], list[str]]:
    """Of each image its part (without split_folders none) and its class."""
    trouble = Trouble()
    parts, classes = [], []
    for each in found:
        folders = each.name.split("/")[:-1]
        part = folders.pop(0) if config.split_folders and folders else ""
        if config.split_folders and part not in PARTS:
            trouble.refuse(each, "lies in none of the folders train, val and test")
        elif not folders:
            trouble.refuse(each, "lies in no class's folder")
        parts.append(part)
        classes.append(folders[0] if folders else "")
    trouble.require_none()
    names = set(classes)
    for name in sorted(names):
        if found_in := forbidden_character(name):
            raise BadData(f"{config.label}: a class's folder cannot have {found_in!r} in its name")
    if config.split_folders and "train" not in parts:
        raise BadData(f"{config.label}: has no images in train")
    if len(names) == 1:
        raise BadData(f"{config.label}: one class only, {shown(classes[0])}")
    if names <= set(PARTS):
        raise BadData(
            f"{config.label}: its folders are called {' and '.join(sorted(names))}: set "
            "split_folders: true, where they are parts and no classes"
        )
    return parts, classes


def _shape(config: Images, found: Sequence[Found]) -> DataShape:
    """By the first image's header, where the study gives no size."""
    _, classes = _places(config, found)
    size = config.size or _size(config, found[0])
    return DataShape(len(found), (config.channels, *size), len(set(classes)), as_bytes=True)


def _size(config: Images, found: Found) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(found.path) as image:
            return image.height, image.width
    except (*_NOT_UNDERSTOOD, Image.DecompressionBombError) as error:
        raise BadData(f"{found.label}: {_why(error)}") from None


# What Pillow raises for files that are broken, foreign or made to break a reader.
_NOT_UNDERSTOOD = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError)


def _why(error: BaseException) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "is no image that can be read"
    if isinstance(error, Image.DecompressionBombError):
        return "is too large an image"
    return f"cannot be read as an image: {str(error).splitlines()[0] if str(error) else error!r}"


def _parse(config: Images, found: Sequence[Found], read: Read) -> Table:
    parts, classes = _places(config, found)
    height, width = config.size or _size(config, found[0])
    shape = (config.channels, height, width)
    if len(found) * int(np.prod(shape)) > _MOST_BYTES:
        raise BadData(
            f"{config.label}: {len(found)} images of {height}x{width} are more than 64 GiB: give a "
            "smaller size"
        )
    pool = np.empty((len(found), *shape), np.uint8)
    trouble = Trouble()
    for row, each in zip(pool, found, strict=True):
        with trouble.noted():
            content = read(each)
            try:
                row[:] = _pixels(config, content, (height, width))
            except BadData as error:
                trouble.refuse(each, str(error))
    trouble.require_none()
    names = sorted(set(classes))
    number = {name: c for c, name in enumerate(names)}
    return Table(
        values=pool.reshape(len(pool), -1),
        target=np.array([number[name] for name in classes], np.int64),
        column_names=tuple("x" + "_".join(map(str, place)) for place in np.ndindex(*shape)),
        class_names=tuple(names),
        parts=np.array(parts) if config.split_folders else None,
        example=shape,
        by_channel=True,
    )


def _pixels(config: Images, content: bytes, size: tuple[int, int]) -> Bytes:
    """(channels, height, width)."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            mode = image.mode
            found: Any = image.convert(_MODES[config.channels])
    except (*_NOT_UNDERSTOOD, Image.DecompressionBombError) as error:
        raise BadData(_why(error)) from None
    if mode in _DEEP:
        raise BadData(f"has more than 8 bits a channel (mode {mode}): save it with 8")
    if (found.height, found.width) != size:
        if config.size is None:
            raise BadData(
                f"is {found.height}x{found.width}, and the first is {size[0]}x{size[1]}: give "
                "size: [height, width] to resize them"
            )
        found = found.resize(size[::-1], Image.Resampling.BILINEAR)
    pixels: Any = np.asarray(found).reshape(*size, config.channels)
    channels_first: Bytes = pixels.transpose(2, 0, 1)
    return channels_first


IMAGES = files_source(find_images, _parse, shape=_shape, notes=_notes)

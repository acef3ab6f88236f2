"""Checkpoints of a stack in training: how far it had come, should the command be broken off.

`.regbench/checkpoints/<stack_id>.<epoch>.<digest>.safetensors` holds arrays. Two are kept, so that
damage to the newer costs some epochs and not the stack.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regbench.results.files import make_within, names, remove, set_aside, write_atomic
from regbench.results.sealed import Arrays, Damaged, seal, unseal

_PLACE = (".regbench", "checkpoints")
_KEPT = 2
_NAME = re.compile(r"(?P<stack>.+)\.(?P<epoch>[0-9]{9})\.[0-9a-f]{16}\.safetensors")


def save(folder: Path, stack_id: str, key: str, epoch: int, arrays: Arrays) -> None:
    """Keep a stack's state after an epoch: when this returns, it is on the disk and whole.

    Args:
        folder: the results folder.
        key: a fingerprint of the work (members, versions); another key's checkpoints count for
            nothing and are removed.
        epoch: below 10^9. A checkpoint of a later epoch, which a lost one must have left, goes.
        arrays: names that hold no `__metadata__`; shapes and kinds come back as they are.
    Raises:
        Unwritable: the folder is full, read-only or gone. What was there before stays.
        BadData: the others cannot be looked for, as the disk does not list them.
    """
    metadata = {"key": key, "stack": stack_id, "epoch": str(epoch)}
    name, content = seal(f"{stack_id}.{epoch:09d}", arrays, metadata)
    write_atomic(make_within(folder, *_PLACE) / name, content)
    found = _found(folder, stack_id)
    others = [path for at, path in found if path.name != name]
    later = [path for at, path in found if at > epoch]
    remove(dict.fromkeys([*later, *[p for p in others if p not in later][_KEPT - 1 :]]))


def latest(
    folder: Path,
    stack_id: str,
    key: str,
    *,
    warn: Callable[[str], object] = warnings.warn,
) -> tuple[int, dict[str, npt.NDArray[np.generic]]] | None:
    """The newest whole checkpoint of this work: its epoch and arrays (writable); or None.

    One that is damaged is set aside as `<name>.damaged`, and the older one counts. One of another
    key is removed.

    Args:
        warn: told of each damaged file, in a sentence.
    Raises:
        BadData: the disk does not give a file; it may be whole all the same.
        Unwritable: a file cannot be set aside or removed.
    """
    for epoch, path in _found(folder, stack_id):
        try:
            arrays, metadata = unseal(path)
            _require_named(path, metadata, stack_id, epoch)
        except Damaged as damage:
            aside = set_aside(path)
            warn(f"{damage}; set aside as {aside.name}, an older state or none is used")
            continue
        if metadata.get("key") != key:
            remove([path])
            continue
        return epoch, {name: np.array(array) for name, array in arrays.items()}
    return None


def stacks(folder: Path) -> set[str]:
    """The names of which there is a checkpoint."""
    return {match["stack"] for name in names(_place(folder)) if (match := _NAME.fullmatch(name))}


def discard(folder: Path, stack_id: str) -> None:
    """Remove the checkpoints of a stack and of its parts, once it is committed.

    Raises:
        Unwritable: one cannot be removed.
    """
    of_it = re.compile(f"{re.escape(stack_id)}[ab]*")
    own = (name for name in stacks(folder) if of_it.fullmatch(name))
    remove(path for name in own for _, path in _found(folder, name))


def discard_all(folder: Path) -> None:
    """Remove every stack's checkpoints, once all are committed.

    Raises:
        Unwritable: one cannot be removed.
    """
    remove(_place(folder) / name for name in names(_place(folder), ".safetensors"))


def _place(folder: Path) -> Path:
    return folder.joinpath(*_PLACE)


def _found(folder: Path, stack_id: str) -> list[tuple[int, Path]]:
    """The stack's checkpoints, the latest first."""

    def each() -> Iterator[tuple[int, Path]]:
        for name in names(_place(folder)):
            match = _NAME.fullmatch(name)
            if match and match["stack"] == stack_id:
                yield int(match["epoch"]), _place(folder) / name

    return sorted(each(), reverse=True)


def _require_named(path: Path, metadata: Mapping[str, str], stack_id: str, epoch: int) -> None:
    """Refuse a whole file whose name was changed."""
    of = metadata.get("stack"), metadata.get("epoch")
    if of != (stack_id, str(epoch)):
        raise Damaged(f"{path}: is of stack {of[0]}, epoch {of[1]}")

"""A block of a setting as plain values with its defaults, such that a study can hold them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from regbench.config.blocks.kinds import Block
from regbench.config.blocks.regularizer import EarlyStopping

# Keys that decide which others a block may have.
_KINDS = ("name", "split_column", "folds", "groups", "time", "patience", "gl", "pq", "up")


def kinds_swept(axes: Iterable[str]) -> set[str]:
    """The dotted keys of blocks whose kind some axis changes.

    >>> kinds_swept(["optimizer.name", "optimizer.lr", "model"])
    {'optimizer'}
    """
    split = [axis.rpartition(".") for axis in axes]
    return {parent for parent, _, key in split if parent and key in _KINDS}


def resolved(block: Block, path: str, as_given: Collection[str] = ()) -> dict[str, Any]:
    """The plain values of a block with every default that applies to it.

    Args:
        path: its dotted key.
        as_given: dotted keys of blocks that hold only what was given: where the kind is swept, the
            defaults of one kind are wrong for another.

    >>> from regbench.config.blocks.optimizer import Adam
    >>> from regbench.config.blocks.regularizer import EarlyStopping
    >>> resolved(EarlyStopping(gl=5), "regularizer.early_stopping")
    {'gl': 5.0, 'monitor': 'val_loss', 'restore_best_weights': True}
    >>> resolved(Adam(name="adam", lr=0.1), "optimizer", ["optimizer"])
    {'name': 'adam', 'lr': 0.1}
    """
    given = path in as_given
    plain = block.model_dump(mode="json")
    values: dict[str, Any] = {}
    extra = block.model_extra or {}  # any names: `depth`, too, which a block has of its own
    keys = [*type(block).model_fields, *extra]
    for key in sorted(keys, key=lambda key: key != "name"):
        if key in block.inapplicable or (given and key not in block.model_fields_set):
            continue
        value = extra[key] if key in extra else getattr(block, key)
        if isinstance(value, Block):
            values[key] = resolved(value, f"{path}.{key}", as_given)
        elif isinstance(block, EarlyStopping) and key == block.rule and not given:
            values[key] = int(block.threshold) if key in ("patience", "up") else block.threshold
        else:
            values[key] = plain[key]
    return values

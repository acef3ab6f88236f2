"""The regularizers: one entry a kind, with the direction in which it grows stronger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["KINDS", "Kind", "kind_of", "stronger"]

Direction = Literal[-1, 1]


@dataclass(frozen=True)
class Kind:
    """One kind of regularizer: what counts as one where families are told apart.

    Attributes:
        key: what `regularizer` calls it.
        stronger: by key, +1 where a larger number regularizes more, -1 where a smaller one does.
            Keys that are not here (a monitor, a momentum) have no such direction.
        options: other keys of `regularizer` that belong to it and switch nothing on by themselves.
    """

    key: str
    stronger: Mapping[str, Direction] = field(default_factory=dict)
    options: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("l1", {"l1": 1}, options=("l1_method",)),
        Kind("l2", {"l2": 1}),
        Kind("dropout", {"dropout": 1}),
        Kind("input_dropout", {"input_dropout": 1}),
        Kind("batchnorm"),
        # All four rules stop earlier the smaller their number is.
        Kind(
            "early_stopping",
            {f"early_stopping.{rule}": -1 for rule in ("patience", "gl", "pq", "up")},
        ),
        Kind("weight_decay", {"weight_decay": 1}),
        Kind("max_norm", {"max_norm": -1}),
        Kind("label_smoothing", {"label_smoothing": 1}),
        Kind("input_noise", {"input_noise": 1}),
    )
}
_OF_OPTION = {option: kind.key for kind in KINDS.values() for option in kind.options}
_STRONGER = {key: way for kind in KINDS.values() for key, way in kind.stronger.items()}


def kind_of(key: str) -> str:
    """The kind that a key of `regularizer` belongs to.

    >>> kind_of("early_stopping.patience"), kind_of("l1_method"), kind_of("l2")
    ('early_stopping', 'l1', 'l2')
    """
    first = key.partition(".")[0]
    return _OF_OPTION.get(first, first)


def stronger(key: str) -> Direction | None:
    """The direction in which a key regularizes more; None where it has none.

    >>> stronger("dropout"), stronger("max_norm"), stronger("early_stopping.monitor")
    (1, -1, None)
    """
    return _STRONGER.get(key)

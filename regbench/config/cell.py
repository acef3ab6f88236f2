"""What a study consists of: cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regbench.config.schema import Setting

Scalar = str | int | float | bool | None
# (axis, label) pairs in sweep order.
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """One fully resolved setting of the study, without a seed.

    Attributes:
        name: its labels in sweep order: alone, or `key=label, key=label`.
        labels: (axis, label) pairs in sweep order.
        setting: the resolved setting.
        regularizer: what its regularizer holds, in short: `none`, `l1=0.001+dropout=0.5`.
        values: the config keys that vary over the study, with this cell's values.
        also: the labels of later points of the sweep that have this same setting.
    """

    name: str
    labels: Labels
    setting: Setting
    regularizer: str
    values: Mapping[str, Scalar] = field(default_factory=dict)
    also: tuple[Labels, ...] = ()

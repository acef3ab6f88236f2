"""Names -> arrays: bundled, synthetic and files' data; split, label noise, encoding, scaling."""

from regbench.data.class_weights import class_weights
from regbench.data.constant import constant_scores
from regbench.data.source import Source
from regbench.data.sources import (
    SOURCES,
    SplitKey,
    fingerprint,
    fingerprints,
    load,
    part_counts,
    require_same,
    require_unchanged,
    shape,
    split_key,
)
from regbench.data.table import DataShape, Part, Split, Table

__all__ = [
    "SOURCES",
    "DataShape",
    "Part",
    "Source",
    "Split",
    "SplitKey",
    "Table",
    "class_weights",
    "constant_scores",
    "fingerprint",
    "fingerprints",
    "load",
    "part_counts",
    "require_same",
    "require_unchanged",
    "shape",
    "split_key",
]

"""Names -> arrays: bundled, synthetic and files' data; split, label noise, encoding, scaling."""

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
    "fingerprint",
    "fingerprints",
    "load",
    "part_counts",
    "require_same",
    "require_unchanged",
    "shape",
    "split_key",
]

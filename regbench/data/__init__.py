"""Names -> arrays: bundled, synthetic and files' data; split, label noise, encoding, scaling."""

from regbench.data.class_weights import class_weights
from regbench.data.constant import constant_scores
from regbench.data.description import Column, Description
from regbench.data.pixels import Pixels
from regbench.data.source import Source
from regbench.data.sources import (
    SOURCES,
    Carried,
    Fitted,
    SplitKey,
    bring,
    carried,
    describe,
    fingerprint,
    fingerprints,
    fitted,
    load,
    notes,
    part_counts,
    require_fit,
    require_same,
    require_unchanged,
    shape,
    split_key,
    suspicions,
    warnings,
)
from regbench.data.suspicions import Suspicion
from regbench.data.table import DataShape, Part, Split, Table
from regbench.data.transform import Transform, Transformed

__all__ = [
    "SOURCES",
    "Carried",
    "Column",
    "DataShape",
    "Description",
    "Fitted",
    "Part",
    "Pixels",
    "Source",
    "Split",
    "SplitKey",
    "Suspicion",
    "Table",
    "Transform",
    "Transformed",
    "bring",
    "carried",
    "class_weights",
    "constant_scores",
    "describe",
    "fingerprint",
    "fingerprints",
    "fitted",
    "load",
    "notes",
    "part_counts",
    "require_fit",
    "require_same",
    "require_unchanged",
    "shape",
    "split_key",
    "suspicions",
    "warnings",
]
